"""`mltui cancel`: end a run, or one stage of it. What succeeded is kept."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.asking import await_answer
from mltui.cli.choose import choose_newest, choose_run
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.runs import client
from mltui.runs.project import Project

EPILOG = """\
examples:
  mltui cancel                     the run in progress
  mltui cancel train               only this stage; what does not need it goes on
  mltui cancel --run 15            also one that still waits in the queue
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("stage", nargs="?", metavar="STAGE", help="only this one")
    parser.add_argument("--run", type=int, metavar="N", help="run N (the one in progress)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Ask for it and wait until it is done."""
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        unfinished = journal.unfinished()
        is_named = args.run is not None or not unfinished
        found = choose_run(journal, args.run) if is_named else unfinished[0]
        _, rows = journal.stages(found.number)
    if found.state.is_final:
        raise UsageError(f"run {found.number} has ended ({found.state}): nothing to cancel")
    instance = None
    what = f"run {found.number}"
    if args.stage is not None:
        instance = choose_newest(rows, args.stage, found.number).instance
        what = f"{instance.label} of {what}"
    await_answer(project, client.cancel(project, found.number, instance))
    out.line(f"{what} is cancelled; `mltui retry --run {found.number}` goes on with it")
    return diagnostics.DONE
