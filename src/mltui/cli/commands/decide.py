"""`mltui decide`: a person's word on a gate that was not passed, kept in the journal."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.asking import await_answer
from mltui.cli.choose import choose_gate, choose_run
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.pipeline.gates import best_round
from mltui.pipeline.rows import StageRow
from mltui.runs import client
from mltui.runs.project import Project
from mltui.spec.spelling import did_you_mean

EPILOG = """\
examples:
  mltui decide 14 evaluate accept 2    the run goes on with round 2
  mltui decide 14 evaluate accept      with the best round, or the last where no best is declared
  mltui decide 14 evaluate more 3      three more rounds
  mltui decide 14 evaluate fail        the run ends here
"""

CHOICES = ("accept", "more", "fail")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("run", type=int, metavar="RUN", help="the run's number")
    parser.add_argument("stage", metavar="STAGE", help="the stage with the gate")
    parser.add_argument("choice", metavar="accept|more|fail", help="what to do")
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="which round; how many")


def run(args: argparse.Namespace, out: Output) -> int:
    """Leave the decision in the journal and wait until it is taken up."""
    if args.choice not in CHOICES:
        hint = did_you_mean(args.choice, CHOICES)
        raise UsageError(f"a gate can't be decided as `{args.choice}`: {hint}")
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        number = choose_run(journal, args.run).number
        _, rows = journal.stages(number)
    gate, rounds = choose_gate(rows, args.stage, number)
    label = gate.instance.label
    if args.choice == "accept":
        chosen = args.number if args.number is not None else _best(project, rounds)
        request = client.decide(project, number, gate.instance, "accept", round=chosen)
        said = f"round {chosen} of {gate.stage} is accepted"
    elif args.choice == "more":
        more = args.number if args.number is not None else 1
        if more < 1:
            raise UsageError(f"{more} more rounds: at least one")
        request = client.decide(project, number, gate.instance, "again", more=more)
        said = f"{gate.stage} gets {more} more {'round' if more == 1 else 'rounds'}"
    else:
        if args.number is not None:
            raise UsageError("`fail` takes no number")
        request = client.decide(project, number, gate.instance, "fail")
        said = f"{label} has failed by your decision"
    await_answer(project, request)
    out.line(f"{said}; `mltui attach {number}` follows the run")
    return diagnostics.DONE


def _best(project: Project, rounds: list[StageRow]) -> int:
    """The round to accept where none was named."""
    stage = project.read_spec().stages.get(rounds[-1].stage)
    done = {row.round: row.metrics for row in rounds if row.state.is_done or row.metrics}
    best = None
    if stage is not None and stage.gate is not None and stage.gate.best is not None:
        best = best_round(stage.gate.best, done)
    return best if best is not None else max(done, default=rounds[-1].round)
