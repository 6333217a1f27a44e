"""`mltui attach`: follow a run again, from its beginning."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli.choose import choose_run
from mltui.cli.follow import follow
from mltui.cli.interrupts import Interrupts
from mltui.cli.output import Output
from mltui.runs.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("run", nargs="?", type=int, metavar="RUN", help="its number")
    parser.add_argument("--json", action="store_true", help="stream the events, then the run")


def run(args: argparse.Namespace, out: Output) -> int:
    """Follow it; the exit code of the run."""
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        unfinished = journal.unfinished()
        if args.run is None and unfinished:
            number = unfinished[0].number
        else:
            number = choose_run(journal, args.run).number
    with Interrupts() as interrupts:
        return follow(project, number, out, interrupts, is_json=args.json)
