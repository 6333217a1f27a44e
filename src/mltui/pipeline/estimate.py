"""How long a run will still take, for "about 1m left".

Called by the screens with what earlier runs took. A guess from medians: it assumes that gates
pass in their present round, and says nothing when a remaining stage never ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mltui.pipeline.model import StageRow, State
from mltui.pipeline.plan import Plan

_LEFT = (State.PENDING, State.READY, State.BUILDING, State.RUNNING, State.UNKNOWN)


def remaining_s(
    plan: Plan,
    rows: Iterable[StageRow],
    durations: Mapping[str, Sequence[float]],
    now: float,
    jobs: int = 1,
) -> float | None:
    """Seconds until a run is over, or None when there is too little to go by.

    durations: stage → seconds of its earlier successful attempts (of one item, for a `for_each`).
    The longer of the longest chain of what is left and all that is left shared by `jobs` slots.
    """
    longest: dict[str, float] = {}
    total: dict[str, float] = {}
    rows = list(rows)
    with_items = {(row.stage, row.path) for row in rows if row.item is not None}
    for row in rows:
        if row.state not in _LEFT or (row.item is None and (row.stage, row.path) in with_items):
            continue
        seconds = durations.get(row.stage)
        if not seconds:
            return None
        left = _median(seconds)
        if row.started_at is not None and row.state in (State.RUNNING, State.UNKNOWN):
            left = max(left - (now - row.started_at), left * 0.05)
        longest[row.stage] = max(longest.get(row.stage, 0.0), left)
        total[row.stage] = total.get(row.stage, 0.0) + left
    slots = max(1, jobs)
    ends: dict[str, float] = {}
    for name in plan.order:
        own = max(longest.get(name, 0.0), total.get(name, 0.0) / slots)
        start = max((ends.get(parent, 0.0) for parent in plan.producers[name]), default=0.0)
        ends[name] = start + own
    chain = max(ends.values(), default=0.0)
    return max(chain, sum(total.values()) / slots)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2
