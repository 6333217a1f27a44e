"""`mltui deploy`: serve what a run accepted, in place of what is served now."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.runs.project import Project
from mltui.serving import client
from mltui.serving.changes import change_lines

EPILOG = """\
examples:
  mltui deploy classifier              the newest run that succeeded
  mltui deploy classifier --run 12
  mltui deploy classifier --dry-run    only say what would change

Replicas are replaced one after the other, and no request fails. A version that does not get healthy
is given back by itself: the one before goes on serving.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("service", metavar="SERVICE", help="a service of mltui.yaml")
    parser.add_argument("--run", type=int, metavar="N", help="what run N accepted (the newest)")
    parser.add_argument("--target", metavar="NAME", help="where to (local)")
    parser.add_argument("--port", type=int, metavar="N", help="another port than declared")
    parser.add_argument("--replicas", type=int, metavar="N", help="another number than declared")
    parser.add_argument("--dry-run", "-n", action="store_true", help="only say what would change")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for it")


def run(args: argparse.Namespace, out: Output) -> int:
    """Deploy it and wait until it serves."""
    project = Project.find(Path.cwd())
    change = client.preview_deploy(
        project,
        args.service,
        target=args.target,
        run=args.run,
        port=args.port,
        replicas=args.replicas,
    )
    if args.dry_run:
        for line in change_lines(change):
            out.line(out.say(line))
        return diagnostics.DONE
    if not serving.confirm(change, out, yes=args.yes):
        return diagnostics.DONE
    number = client.apply(project, change)
    if args.detach:
        out.line(f"version {number} of {change.deployment} is wanted: `mltui ls services`")
        return diagnostics.DONE
    return serving.follow_version(project, change.deployment, number, out)
