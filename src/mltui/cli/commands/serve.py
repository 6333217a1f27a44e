"""`mltui serve`: serve the project's services, as they were or for the first time."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.runs.project import Project
from mltui.serving import client, releases
from mltui.serving.rows import Deployment, deployment_name

EPILOG = """\
examples:
  mltui serve                     all services
  mltui serve classifier          one; if it was stopped, the version that served then
  mltui serve --install           also after this machine was restarted

A new model is `mltui deploy`. Services go on when the terminal is closed: `mltui stop` ends them.
After a restart of this machine processes and containers are gone until `mltui resume`; with
`--install` (a systemd user unit) they come back by themselves. In a cluster they never went.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="only these")
    parser.add_argument("--target", metavar="NAME", help="where to (local)")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for it")
    parser.add_argument(
        "--install", action="store_true", help="have them back after a restart of this machine"
    )
    parser.add_argument("--uninstall", action="store_true", help="no longer")


def run(args: argparse.Namespace, out: Output) -> int:
    """Have them served and wait until they are."""
    project = Project.find(Path.cwd())
    if args.install or args.uninstall:
        return _install(project, out, is_wanted=args.install)
    spec = project.read_spec()
    names = args.services or list(spec.services)
    if not names:
        raise UsageError("mltui.yaml declares no services: add one under `services:`")
    code = diagnostics.DONE
    for name in names:
        service = releases.service_of(spec, name.partition("@")[0])
        target = name.partition("@")[2] or args.target
        place = releases.target_of(spec, service, target)
        code = max(code, _serve(project, service.name, place.name, args.detach, out))
    return code


def _install(project: Project, out: Output, *, is_wanted: bool) -> int:
    from mltui.serving import unit

    done = unit.install(project) if is_wanted else unit.uninstall(project)
    if done is None:
        out.line("there is no unit of this project")
        return diagnostics.DONE
    what = "services and monitors come back after a restart" if is_wanted else "removed"
    out.line(out.say(f"{done.file}: {what}"))
    for command in done.left:
        out.line(f"  still to be done: {command}")
    return diagnostics.DONE


def _serve(project: Project, service: str, target: str, detach: bool, out: Output) -> int:
    name = deployment_name(service, target)
    found: Deployment | None = None
    if client.has_journal(project):
        with closing(client.read(project)) as ledger:
            found = ledger.deployment(name)
    if found is None:
        change = client.preview_deploy(project, service, target=target)
        if not serving.confirm(change, out, yes=False):
            return diagnostics.DONE
        number = client.apply(project, change)
        if not detach:
            return serving.follow_version(project, name, number, out)
    else:
        client.start(project, found)
        if not detach:
            done = serving.follow(project, name, serving.is_settled, out)
            if done is not None:
                out.line(serving.summary(done, out))
            is_well = done is not None and done.state == "ready"
            return diagnostics.DONE if is_well else diagnostics.FAILED
    out.line(f"{name} is wanted: `mltui ls services` shows it")
    return diagnostics.DONE
