"""From what a person typed to what the journal has: run numbers, stage labels.

A label is what is shown everywhere: `train`, `train~3`, `train~2:3.1`, `translate[en-es]~2`. All
commands that act on a stage read it here, and answer a wrong one with the nearest right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mltui.errors import UsageError
from mltui.pipeline.rows import RoundPath, StageRow, State
from mltui.runs.project import Project
from mltui.runs.readings import Readings
from mltui.runs.rows import RunRow
from mltui.spec.spelling import did_you_mean

_LABEL = re.compile(
    r"(?P<stage>[^\[\]~.:]+)(?:\[(?P<item>[^\]]*)\])?"
    r"(?:~(?P<path>\d+(?::\d+)*))?(?:\.(?P<attempt>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Label:
    """A stage as it was named; None and 0 where nothing was said."""

    stage: str
    item: str | None = None
    path: RoundPath | None = None
    attempt: int = 0

    def fits(self, row: StageRow) -> bool:
        """Whether this row is (one of) what was named. `~3` names the innermost round."""
        if row.stage != self.stage or (self.item is not None and row.item != self.item):
            return False
        if self.path is None:
            return True
        return row.path == self.path or (len(self.path) == 1 and row.path[-1:] == self.path)


def read_label(text: str) -> Label:
    """What a label means. UsageError with how one is written."""
    found = _LABEL.fullmatch(text)
    if found is None:
        raise UsageError(
            f"`{text}` names no stage: write `train`, `train~3` (round 3), `train~3.2` (its second "
            "attempt), `translate[en-es]` (an item)"
        )
    path = found["path"]
    return Label(
        found["stage"],
        found["item"],
        tuple(map(int, path.split(":"))) if path else None,
        int(found["attempt"] or 0),
    )


def choose_run(journal: Readings, number: int | None) -> RunRow:
    """The run with this number, or the newest. UsageError when there is none."""
    wanted = journal.latest() if number is None else number
    if wanted is None:
        raise UsageError("no runs yet: start one with `mltui run`")
    run = journal.run(wanted)
    if run is None:
        raise no_such_run(wanted, [row.number for row in journal.runs()])
    return run


def no_such_run(number: int, known: Sequence[int]) -> UsageError:
    """The error that names the runs there are."""
    if not known:
        return UsageError(f"there is no run {number}: start one with `mltui run`")
    near = min(known, key=lambda run: abs(run - number))
    return UsageError(f"there is no run {number}: did you mean {near}? The newest is {max(known)}")


def check_stage(project: Project, name: str) -> None:
    """UsageError when the project has no stage of this name."""
    stages = project.read_spec().stages
    if name not in stages:
        hint = did_you_mean(name, stages)
        raise UsageError(f"there is no stage `{name}`" + (f": {hint}" if hint else ""))


def choose_rows(rows: Iterable[StageRow], label: Label, text: str, run: int) -> list[StageRow]:
    """The rows that a label names, oldest first. UsageError with what there is instead."""
    rows = list(rows)
    found = [row for row in rows if label.fits(row)]
    if found:
        return found
    stages = list(dict.fromkeys(row.stage for row in rows))
    if label.stage not in stages:
        hint = did_you_mean(label.stage, stages)
        raise UsageError(f"run {run} has no stage `{label.stage}`" + (f": {hint}" if hint else ""))
    labels = [row.instance.label for row in rows if row.stage == label.stage]
    shown = ", ".join(f"`{name}`" for name in labels[-12:])
    raise UsageError(f"run {run} has no `{text}`: there is {shown}")


def choose_newest(rows: Iterable[StageRow], text: str, run: int) -> StageRow:
    """The one row that a label names for an act: what failed last, else the newest."""
    found = choose_rows(rows, read_label(text), text, run)
    wholes = [row for row in found if row.item is None] or found
    failed = [row for row in wholes if row.state is State.FAILED]
    return (failed or wholes)[-1]


def choose_gate(rows: Iterable[StageRow], text: str, run: int) -> tuple[StageRow, list[StageRow]]:
    """The present round of a gated stage, and all rounds of that loop."""
    found = choose_rows(rows, read_label(text), text, run)
    newest = found[-1]
    rounds = [row for row in found if row.path[:-1] == newest.path[:-1]]
    return newest, rounds
