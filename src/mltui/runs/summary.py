"""A run's own line in the journal: its state and the metrics of what it accepted.

Kept by `running` beside the rows of stages, from which it follows, so that `mltui ls runs` reads
one line a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mltui.pipeline.model import RunEnded
from mltui.pipeline.rows import StageRow, State
from mltui.pipeline.scheduler import Scheduler
from mltui.runs.planning import Blueprint

_USED = (State.SUCCEEDED, State.CACHED)


class Summary:
    """What the line says, and what of it has changed."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._metrics: dict[str, Mapping[str, float]] = {}
        self._paths: dict[str, tuple[int, ...]] = {}
        self._written: dict[str, Any] = {}
        self._is_new = True
        """The metrics are to be written."""
        self._follow(scheduler.rows())

    def update(
        self, rows: Iterable[StageRow], blueprint: Blueprint, ended: RunEnded | None
    ) -> dict[str, Any]:
        """The columns that are to be written anew, given the rows that changed."""
        self._follow(rows)
        columns = {**state_columns(ended), "params": blueprint.spec.params}
        if self._is_new:
            columns["metrics"] = {
                f"{stage}.{name}": value
                for stage in blueprint.plan.order
                if stage in self._metrics
                for name, value in self._metrics[stage].items()
            }
            self._is_new = False
        changed = {
            name: value
            for name, value in columns.items()
            if name not in self._written or self._written[name] != value
        }
        self._written.update(changed)
        return changed

    def _follow(self, rows: Iterable[StageRow]) -> None:
        for row in rows:
            if row.item is not None:
                continue
            if row.state in _USED and row.accepted is not False and row.metrics:
                self._is_new = self._is_new or self._metrics.get(row.stage) != row.metrics
                self._metrics[row.stage] = row.metrics
                self._paths[row.stage] = row.path
            elif self._paths.get(row.stage) == row.path:
                del self._metrics[row.stage], self._paths[row.stage]
                self._is_new = True


def state_columns(ended: RunEnded | None) -> dict[str, Any]:
    """The columns that say how far a run is: at work, or how it ended."""
    if ended is None:
        return {"state": State.RUNNING.value, "reason": "", "ended_at": None, "exit_code": None}
    return {
        "state": ended.state.value,
        "reason": ended.reason,
        "ended_at": ended.at,
        "exit_code": ended.exit_code,
    }
