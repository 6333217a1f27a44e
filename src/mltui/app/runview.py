"""What is known of the run on screen: its row, its stages' rows, and what may be said of them.

Made and kept up to date by the session from the journal; presenters read it. Nothing here does
I/O or knows of Textual.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs.rows import RunRow

ACTIVE = frozenset({State.RUNNING, State.BUILDING})
_URGENCY = {
    State.FAILED: 0,
    State.PAUSED: 1,
    State.UNKNOWN: 2,
    State.RUNNING: 3,
    State.BUILDING: 4,
}


def is_troubled(row: StageRow) -> bool:
    """It waits for something that is wrong, or nothing is known of it: nobody can tell how long."""
    return row.state is State.UNKNOWN or (row.state is State.PENDING and bool(row.reason))


@dataclass(slots=True)
class RunView:
    """One run and its stages. `rows` is in the order of the plan."""

    run: RunRow
    state: State = State.PENDING
    """As far as it can be known: unknown where the run's runner is gone."""
    reason: str = ""
    rows: dict[Instance, StageRow] = field(default_factory=dict)
    version: int = 0
    pending: dict[Instance, str] = field(default_factory=dict)
    """What a person just asked for, until the journal confirms: `retrying…`."""
    run_pending: str = ""
    """The same of the whole run: `cancelling…`."""

    def apply(self, changed: Sequence[StageRow], gone: Iterable[Instance] = ()) -> set[Instance]:
        """Take over changed rows; the instances that are different now."""
        touched: set[Instance] = set()
        for instance in gone:
            if self.rows.pop(instance, None) is not None:
                touched.add(instance)
        added = False
        for row in changed:
            instance = row.instance
            if self.rows.get(instance) != row:
                added = added or instance not in self.rows
                self.rows[instance] = row
                touched.add(instance)
                self.pending.pop(instance, None)
        if added:
            ordered = sorted(self.rows.values(), key=_position)
            self.rows = {row.instance: row for row in ordered}
        return touched

    # --- reading ------------------------------------------------------------------------------

    def stages(self) -> dict[str, list[StageRow]]:
        """Stage → rows of the stage as a whole, one a round, in order; items are left out."""
        found: dict[str, list[StageRow]] = {}
        for row in self.rows.values():
            if row.item is None:
                found.setdefault(row.stage, []).append(row)
        return found

    def newest(self, stage: str) -> StageRow | None:
        """The row of the stage's newest round."""
        rows = [row for row in self.rows.values() if row.stage == stage and row.item is None]
        return rows[-1] if rows else None

    def rounds(self, stage: str) -> list[StageRow]:
        """Every round of a stage, in order."""
        return [row for row in self.rows.values() if row.stage == stage and row.item is None]

    def items(self, whole: StageRow) -> list[StageRow]:
        """The items of a `for_each` stage in the round of `whole`."""
        return [
            row
            for row in self.rows.values()
            if row.stage == whole.stage and row.item is not None and row.path == whole.path
        ]

    def first(self) -> Instance | None:
        """Where the cursor should be: on what failed, else what waits, runs, or is newest."""
        best: tuple[int, float] | None = None
        chosen: Instance | None = None
        current = {rows[-1].path for rows in self.stages().values()}
        for instance, row in self.rows.items():
            rank = _URGENCY.get(State.UNKNOWN if is_troubled(row) else row.state)
            if rank is None or (row.state is State.FAILED and row.path not in current):
                continue
            # Of a for_each stage the failed item tells more than the stage that failed by it.
            score = (rank, 0.0 if row.item is not None else 1.0)
            if best is None or score < best:
                best, chosen = score, instance
        if chosen is not None:
            return chosen
        ended = [row for row in self.rows.values() if row.ended_at is not None]
        if ended:
            return max(ended, key=lambda row: (row.ended_at or 0.0, row.order, row.path)).instance
        return next(iter(self.rows), None)

    @property
    def is_active(self) -> bool:
        """Whether a clock on the screen should tick."""
        return self.state is State.RUNNING

    @property
    def findings(self) -> int:
        """Stages that need a person: failed, paused or in trouble in their newest round."""
        return sum(
            rows[-1].state in (State.FAILED, State.PAUSED) or is_troubled(rows[-1])
            for rows in self.stages().values()
        )

    @property
    def done(self) -> tuple[int, int]:
        """How many stages have their outputs, of how many."""
        stages = self.stages()
        return sum(rows[-1].state.is_done for rows in stages.values()), len(stages)

    def failed(self) -> list[StageRow]:
        """What a retry of all that failed would take: items rather than their stage."""
        rows = [row for row in self.rows.values() if row.state is State.FAILED]
        with_items = {(row.stage, row.path) for row in rows if row.item is not None}
        return [
            row for row in rows if row.item is not None or (row.stage, row.path) not in with_items
        ]


def planned(rows: Sequence[StageRow], name: str) -> RunView:
    """A view of a project without runs: the stages of its file, all still to come."""
    view = RunView(RunRow(0, State.PENDING, "", 0.0), State.PENDING, f"{name} has no runs yet")
    view.apply(rows)
    return view


def _position(row: StageRow) -> tuple[int, str, tuple[int, ...], bool, str]:
    return (row.order, row.stage, row.path, row.item is not None, row.item or "")


def with_state(view: RunView, state: State, reason: str, run: RunRow) -> bool:
    """Set what is known of the run itself; whether anything became different."""
    before = (view.run, view.state, view.reason, view.run_pending)
    if view.run != run or view.state != state:
        view.run_pending = ""
    view.run, view.state, view.reason = run, state, reason
    return before != (view.run, view.state, view.reason, view.run_pending)


def accepted_metrics(run: RunRow, limit: int = 3) -> Mapping[str, float]:
    """The metrics that sum a run up, without the stage's name: those of its last stages first."""
    found: dict[str, float] = {}
    stages = list(dict.fromkeys(name.partition(".")[0] for name in run.metrics))
    # What a stage wrote first is what it is about.
    for name, value in sorted(
        run.metrics.items(), key=lambda item: -stages.index(item[0].partition(".")[0])
    ):
        short = name.partition(".")[2] or name
        if short not in found:
            found[short] = value
        if len(found) == limit:
            break
    return found
