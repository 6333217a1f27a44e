"""How far a run is and how long it will still take, by what its stages took in earlier runs.

Asked by the CLI's status line and the screens; cheap enough for once a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from mltui.errors import MltuiError
from mltui.pipeline.estimate import remaining_s
from mltui.pipeline.model import RunPlanned
from mltui.pipeline.plan import Plan
from mltui.pipeline.rows import StageRow
from mltui.runs.journal import Journal
from mltui.runs.planning import blueprint_of
from mltui.runs.project import Project
from mltui.runs.rows import RunRow


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    done: int
    """Instances that are over, `for_each` items counted one by one."""
    total: int
    """Instances known so far; later rounds and items are not among them yet."""
    left_s: float | None
    """Seconds still to go; None when a stage that is left never ran."""


def progress_of(project: Project, run: int, now: float, plan: Plan | None = None) -> Progress:
    """How far a run is. `plan`: the run's, where the caller has it; else it is read again."""
    with closing(project.journal()) as journal:
        row = journal.run(run)
        _, rows = journal.stages(run)
        plan = plan or plan_of_run(project, journal, run)
        if row is None or plan is None:
            return Progress(*_count(rows), None)
        left_s = remaining_s(plan, rows, journal.durations(), now, jobs_of(row))
    return Progress(*_count(rows), left_s)


def plan_of_run(project: Project, journal: Journal, run: int) -> Plan | None:
    """A run's plan, read again from what it was planned with; None when that is gone."""
    event = journal.newest_event(run, RunPlanned)
    try:
        return None if event is None else blueprint_of(event, project.store()).plan
    except MltuiError:
        return None


def jobs_of(row: RunRow) -> int:
    """How many attempts of a run are at work at once, at most."""
    import os

    return row.request.jobs or max(2, os.cpu_count() or 2)


def _count(rows: Iterable[StageRow]) -> tuple[int, int]:
    rows = list(rows)
    with_items = {(row.stage, row.path) for row in rows if row.item is not None}
    counted = [
        row for row in rows if row.item is not None or (row.stage, row.path) not in with_items
    ]
    return sum(row.state.is_final for row in counted), len(counted)
