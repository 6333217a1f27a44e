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
from mltui.cli.summary import decide_hint, undecided_gates
from mltui.pipeline.rows import StageRow, State
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
    chosen = [choose_newest(rows, label, number) for label in args.stages]
    gate = _only_decidable(chosen, rows)
    if gate is not None:
        # A gate that was not passed is a choice, not a failure: the same as `otherwise: pause`.
        why = gate.reason or "its gate was not passed"
        diagnostics.note(f"{gate.instance.label} did not fail: {why}")
        diagnostics.note(decide_hint(number, gate))
        return diagnostics.GATE
    instances = tuple(row.instance for row in chosen)
    after = newest_event(project, number)
    with Interrupts() as interrupts:
        await_answer(project, client.retry(project, number, instances or None))
        if args.detach:
            out.line(f"run {number} tries again: `mltui attach {number}` follows it")
            return diagnostics.DONE
        return follow(project, number, out, interrupts, is_json=args.json, after=after)


def _only_decidable(chosen: list[StageRow], rows: list[StageRow]) -> StageRow | None:
    """The gate to decide, where that is all that a retry could be about."""
    undecided = undecided_gates(rows)
    if chosen:
        return next((row for row in chosen if row in undecided), None)
    at_fault = (State.FAILED, State.CANCELLED, State.UNKNOWN)
    is_failed = any(row.state in at_fault and row.failure is not None for row in rows)
    return undecided[0] if undecided and not is_failed else None
