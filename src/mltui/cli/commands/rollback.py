"""`mltui rollback`: serve an earlier version again."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.runs.project import Project
from mltui.serving import client

EPILOG = """\
examples:
  mltui ls versions classifier         who deployed which run when, with its metrics
  mltui rollback classifier            the version that served before
  mltui rollback classifier --to 3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("service", metavar="SERVICE", help="`classifier` or `classifier@prod`")
    parser.add_argument("--to", type=int, metavar="N", help="version N (the one before)")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for it")


def run(args: argparse.Namespace, out: Output) -> int:
    """Go back: the same artifacts, code and environment, nothing is rebuilt."""
    project = Project.find(Path.cwd())
    found = client.find(project, args.service)
    change = client.preview_rollback(project, found, args.to)
    if not serving.confirm(change, out, yes=args.yes):
        return diagnostics.DONE
    number = client.apply(project, change)
    if args.detach:
        out.line(f"version {number} of {found.name} is wanted: `mltui ls services`")
        return diagnostics.DONE
    return serving.follow_version(project, found.name, number, out)
