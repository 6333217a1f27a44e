"""`mltui retry`: new attempts at what failed, in the same run; what is done before it is kept."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.asking import await_answer
from mltui.cli.choose import choose_newest, choose_run
from mltui.cli.follow import follow, newest_event
from mltui.cli.interrupts import Interrupts
from mltui.cli.output import Output
from mltui.runs import client
from mltui.runs.project import Project

EPILOG = """\
examples:
  mltui retry                      everything that failed in the newest run
  mltui retry train --run 12
  mltui retry 'translate[en-es]'   one item
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="only these")
    parser.add_argument("--run", type=int, metavar="N", help="in run N (the newest)")
    parser.add_argument(
        "--detach", "-d", action="store_true", help="come back at once; the run goes on"
    )
    parser.add_argument("--json", action="store_true", help="stream the events, then the run")


def run(args: argparse.Namespace, out: Output) -> int:
    """Ask for it and follow the run; its exit code."""
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        number = choose_run(journal, args.run).number
        _, rows = journal.stages(number)
    instances = tuple(choose_newest(rows, label, number).instance for label in args.stages)
    after = newest_event(project, number)
    with Interrupts() as interrupts:
        await_answer(project, client.retry(project, number, instances or None))
        if args.detach:
            out.line(f"run {number} tries again: `mltui attach {number}` follows it")
            return diagnostics.DONE
        return follow(project, number, out, interrupts, is_json=args.json, after=after)
