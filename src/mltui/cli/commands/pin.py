"""`mltui pin`: keep a run, its logs and its outputs, from `mltui gc`."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.choose import choose_run
from mltui.cli.output import Output
from mltui.runs.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("run", type=int, metavar="RUN", help="the run's number")


def run(args: argparse.Namespace, out: Output) -> int:
    """Pin it."""
    return set_pinned(args.run, True, out)


def set_pinned(number: int, is_pinned: bool, out: Output) -> int:
    """Pin a run or let it go."""
    project = Project.find(Path.cwd())
    with closing(project.journal(write=True)) as journal:
        run = choose_run(journal, number)
        journal.pin(run.number, is_pinned)
    kept = "is kept from gc" if is_pinned else "is no longer kept from gc"
    out.line(f"run {number} {kept}")
    return diagnostics.DONE
