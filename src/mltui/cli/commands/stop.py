"""`mltui stop`: end services, or switch a monitor off."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.runs.project import Project
from mltui.serving import client, watching
from mltui.serving.rows import Standing

EPILOG = """\
examples:
  mltui stop classifier         its replicas end, its versions stay
  mltui stop drift              a monitor runs no more
  mltui stop --all              every service and monitor of this project
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="services or monitors")
    parser.add_argument("--all", action="store_true", help="every service and monitor")
    parser.add_argument("--yes", "-y", action="store_true", help="also on a production target")


def run(args: argparse.Namespace, out: Output) -> int:
    """Stop them and wait until nothing is left of them."""
    project = Project.find(Path.cwd())
    if not args.names and not args.all:
        raise UsageError("what should stop? Name a service or a monitor, or say `--all`")
    names = list(args.names)
    if not client.has_journal(project):
        raise UsageError("nothing is served here")
    with closing(client.read(project)) as ledger:
        monitors = [m for m in ledger.monitors() if m.is_wanted]
        if args.all:
            names = [f"{m.name}@{m.target}" for m in monitors]
            names += [d.name for d in ledger.deployments() if d.is_wanted]
    known = {text for m in monitors for text in (m.name, f"{m.name}@{m.target}")}
    for name in names:
        if name in known:
            monitor = watching.find_monitor(project, name)
            watching.switch_monitor(project, monitor.name, monitor.target, on=False)
            out.line(f"{monitor.name}@{monitor.target} is off")
            continue
        found = client.find(project, name)
        why = client.why_confirm(project, found.target)
        if why and not args.yes:
            raise UsageError(f"{why}: say `--yes` to stop {found.name}")
        client.stop(project, found)
        done = serving.follow(project, found.name, lambda d: d.state is Standing.STOPPED, out)
        if done is None:
            return diagnostics.FAILED
        out.line(f"{found.name} is stopped")
    return diagnostics.DONE
