"""The line that moves while a run is followed on a terminal: what runs, how far, how long yet."""

from __future__ import annotations

import math

from mltui import text
from mltui.cli.output import Output
from mltui.pipeline.estimate import remaining_s
from mltui.pipeline.plan import Plan
from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs.journal import Journal
from mltui.runs.progress import jobs_of, plan_of_run
from mltui.runs.project import Project

_AT_WORK = (State.RUNNING, State.BUILDING, State.UNKNOWN)
_SHOWN = 3
_ESTIMATE_S = 1.0
"""How often the estimate is made anew."""


class LiveLine:
    """Made from the rows of a run; `update` when the journal has changed."""

    def __init__(self, project: Project, journal: Journal, run: int) -> None:
        self._project = project
        self._journal = journal
        self._run = run
        self._version = 0
        self._rows: dict[Instance, StageRow] = {}
        self._durations = journal.durations()
        self._plan: Plan | None = None
        self._left: float | None = None
        self._next_estimate = 0.0

    def update(self) -> None:
        """Read what changed."""
        self._version, rows = self._journal.stages(self._run, since=self._version)
        for row in rows:
            self._rows[row.instance] = row
        for gone in self._journal.stages_gone(self._run, self._rows):
            del self._rows[gone]

    def text(self, out: Output, now: float) -> str:
        """The line at this moment."""
        with_items = {(row.stage, row.path) for row in self._rows.values() if row.item is not None}
        rows = [
            row
            for row in self._rows.values()
            if row.item is not None or (row.stage, row.path) not in with_items
        ]
        at_work = [row for row in rows if row.state in _AT_WORK]
        if not at_work:
            waits = not rows or any(not row.state.is_final for row in rows)
            return out.say(f"{out.glyph('pending')} waiting…") if waits else ""
        shown = "  ".join(
            f"{out.glyph(row.state)} {row.instance.label} "
            + ("building " if row.state is State.BUILDING else "")
            + text.format_clock(now - (row.started_at or now))
            for row in at_work[:_SHOWN]
        )
        more = f"  and {len(at_work) - _SHOWN} more" if len(at_work) > _SHOWN else ""
        done = sum(row.state.is_final for row in rows)
        left = self._left_s(now)
        about = f"  about {_rough(left)} left" if left is not None and left >= 1 else ""
        return out.say(f"{shown}{more}  ·  {done} of {len(rows)} done{about}")

    def _left_s(self, now: float) -> float | None:
        """Seconds still to go by earlier runs; None if that can't be said."""
        if now < self._next_estimate:
            return self._left
        self._next_estimate = now + _ESTIMATE_S
        if self._plan is None:
            self._plan = plan_of_run(self._project, self._journal, self._run)
        run = self._journal.run(self._run)
        if self._plan is None or run is None:
            return None
        rows = list(self._rows.values())
        self._left = remaining_s(self._plan, rows, self._durations, now, jobs_of(run))
        return self._left


def _rough(seconds: float) -> str:
    """An estimate, without digits that it doesn't deserve: `8s`, `3m`."""
    return f"{math.ceil(seconds)}s" if seconds < 90 else f"{round(seconds / 60)}m"
