"""`mltui promote`: serve on another target exactly what is served on this one."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.runs.project import Project
from mltui.serving import client
from mltui.serving.changes import change_lines
from mltui.serving.rows import deployment_name

EPILOG = """\
examples:
  mltui promote classifier@dev --to prod --dry-run
  mltui promote classifier@dev --to prod

The same artifacts by hash, the same code and, where the engine is the same, the same environment:
nothing is rebuilt. It is always shown first and has to be confirmed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("service", metavar="SERVICE", help="`classifier` or `classifier@dev`")
    parser.add_argument("--to", required=True, metavar="TARGET", help="where to")
    parser.add_argument("--port", type=int, metavar="N", help="another port than declared")
    parser.add_argument("--dry-run", "-n", action="store_true", help="only say what would change")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for it")


def run(args: argparse.Namespace, out: Output) -> int:
    """Show it, have it confirmed, do it."""
    project = Project.find(Path.cwd())
    found = client.find(project, args.service)
    try:
        change = client.preview_promote(project, found, args.to, port=args.port)
    except client.Unchanged as same:
        diagnostics.note(str(same))
        if args.dry_run or args.detach:
            return diagnostics.DONE
        name = deployment_name(found.service, args.to)
        return serving.follow_version(project, name, same.number, out)
    if args.dry_run:
        for line in change_lines(change):
            out.line(out.say(line))
        return diagnostics.DONE
    if not serving.confirm(change, out, yes=args.yes, always=True):
        return diagnostics.DONE
    number = client.apply(project, change)
    if args.detach:
        out.line(f"version {number} of {change.deployment} is wanted: `mltui ls services`")
        return diagnostics.DONE
    return serving.follow_version(project, change.deployment, number, out)
