"""The line that moves while a run is followed on a terminal: what runs, how far, how long yet."""

from __future__ import annotations

import math

from mltui import text
from mltui.cli.output import Output
from mltui.pipeline.model import Instance, StageRow, State
from mltui.runs.readings import Readings

_AT_WORK = (State.RUNNING, State.BUILDING, State.UNKNOWN)


class LiveLine:
    """Made from the rows of a run; `update` when the journal has changed."""

    def __init__(self, journal: Readings, run: int) -> None:
        self._journal = journal
        self._run = run
        self._version = 0
        self._rows: dict[Instance, StageRow] = {}
        self._usual = {
            stage: sorted(found)[len(found) // 2]
            for stage, found in journal.durations().items()
            if found
        }
        """Stage → seconds it usually takes."""

    def update(self) -> None:
        """Read what changed."""
        self._version, rows = self._journal.stages(self._run, since=self._version)
        for row in rows:
            self._rows[row.instance] = row
        for gone in self._journal.stages_gone(self._run, self._rows):
            del self._rows[gone]

    def text(self, out: Output, now: float) -> str:
        """The line at this moment."""
        rows = [row for row in self._rows.values() if row.item is None]
        at_work = [row for row in self._rows.values() if row.state in _AT_WORK]
        with_items = {row.stage for row in at_work if row.item is not None}
        at_work = [r for r in at_work if r.item is not None or r.stage not in with_items]
        if not at_work:
            waiting = [row for row in rows if not row.state.is_final]
            return out.say(f"{out.glyph('pending')} waiting…") if waiting or not rows else ""
        done = sum(row.state.is_final for row in rows)
        shown = "  ".join(
            f"{out.glyph(row.state)} {row.instance.label} "
            + text.format_clock(now - (row.started_at or now))
            for row in at_work[:3]
        )
        more = f"  and {len(at_work) - 3} more" if len(at_work) > 3 else ""
        left = self._left_s(rows, now)
        about = f"  about {_rough(left)} left" if left is not None else ""
        return out.say(f"{shown}{more}  ·  {done} of {len(rows)} done{about}")

    def _left_s(self, rows: list[StageRow], now: float) -> float | None:
        """Seconds until what is known to come is done; None if a stage of it never ran before."""
        left = 0.0
        for row in rows:
            if row.state.is_final:
                continue
            usual = self._usual.get(row.stage)
            if usual is None:
                return None
            spent = now - row.started_at if row.started_at and row.state in _AT_WORK else 0.0
            left += max(0.0, usual - spent)
        return left if left >= 1.0 else None


def _rough(seconds: float) -> str:
    """An estimate, without digits that it doesn't deserve: `8s`, `3m`."""
    return f"{math.ceil(seconds)}s" if seconds < 90 else f"{round(seconds / 60)}m"
