"""What may happen next in a run, decided from what has happened and nothing else.

The runner applies each event that it journals and does what `next` says; the app and the CLI
replay the same journal to show the same rows. No clock, no file, no process: the same history
gives the same decisions, so a run survives the death of whoever was watching it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mltui.pipeline import choices, ending, loops, replan, retry, steps, values
from mltui.pipeline.board import Board
from mltui.pipeline.choices import Choices
from mltui.pipeline.layout import open_scope
from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    AttemptUnknown,
    AttemptWaiting,
    Decision,
    Event,
    Expand,
    GateJudged,
    InputValue,
    Instance,
    Limits,
    Prepare,
    Record,
    RunCancelled,
    RunEnded,
    RunPlanned,
    StageBuilding,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
    StageRetried,
    StageRow,
    StageStale,
    StageWaiting,
    Start,
    Stop,
)
from mltui.pipeline.plan import Plan
from mltui.pipeline.units import Step, Unit
from mltui.spec.model import ParamValue

PlanFor = Callable[[RunPlanned], Plan]

_HANDLERS: Mapping[type[Any], Callable[[Board, Any], None]] = {
    StageExpanded: steps.on_expanded,
    StageBuilding: steps.on_building,
    StageWaiting: steps.on_waiting,
    StageKeyed: steps.on_keyed,
    StageCached: steps.on_cached,
    StageStale: steps.on_stale,
    StageFailed: steps.on_failed_early,
    AttemptStarting: steps.on_starting,
    AttemptStarted: steps.on_started,
    AttemptUnknown: steps.on_unknown,
    AttemptWaiting: steps.on_attempt_waiting,
    AttemptEnded: steps.on_ended,
}


class Scheduler:
    """The rules of one run. Not thread-safe: one owner applies events and asks for decisions.

    Journal and apply what a decision asks for before asking again: `Start` wants an
    `AttemptStarting`, `Record` its event.
    """

    def __init__(self, run: int, plan: Plan, plan_for: PlanFor | None = None) -> None:
        """A run of `plan` in which nothing has happened; `plan_for` serves later re-plans."""
        self._plan_for = plan_for
        self._board = Board(run, plan)
        self._is_planned = False
        open_scope(self._board, None, 1)
        steps.settle(self._board)

    @classmethod
    def replay(cls, run: int, plan_for: PlanFor, events: Iterable[Event]) -> Scheduler:
        """The scheduler after these events, of which the first is a RunPlanned.

        Decisions that were handed out and not yet answered by an event are open again.
        Raises ValueError if there is no event, or the first is another.
        """
        history = iter(events)
        first = next(history, None)
        if not isinstance(first, RunPlanned):
            raise ValueError(f"the history of run {run} does not begin with its plan")
        scheduler = cls(run, plan_for(first), plan_for)
        scheduler.apply(first)
        for event in history:
            scheduler.apply(event)
        return scheduler

    # --- in: what happened -------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Take note of what happened. An event about what is no longer so changes nothing."""
        board = self._board
        board.at = event.at
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(board, event)
        elif isinstance(event, GateJudged):
            self._apply_judged(event)
        elif isinstance(event, StageRetried):
            retry.retried(board, event.instance)
        elif isinstance(event, RunCancelled):
            self._apply_cancelled(event)
        elif isinstance(event, RunPlanned):
            self._apply_planned(event)
        elif isinstance(event, RunEnded):
            board.ended = event
        steps.settle(self._board)

    def _apply_judged(self, event: GateJudged) -> None:
        by_person = event.by != "gate"
        if by_person:
            retry.reopen_run(self._board)
        run = loops.judged(self._board, event)
        if by_person and run is not None:
            retry.revive_below(self._board, run)

    def _apply_cancelled(self, event: RunCancelled) -> None:
        by = f" by {event.by}" if event.by else ""
        if event.instance is not None:
            retry.cancel(self._board, event.instance, f"it was cancelled{by}")
        elif self._board.ended is None:
            retry.cancel_run(self._board, f"the run was cancelled{by}")

    def _apply_planned(self, event: RunPlanned) -> None:
        if not self._is_planned:
            self._is_planned = True
            return
        if self._plan_for is None:
            raise ValueError("a second RunPlanned needs `plan_for`")
        self._board = replan.replanned(self._board, self._plan_for(event))
        retry.reopen_run(self._board)

    # --- out: what to do ---------------------------------------------------------------------

    def next(self, now: float, limits: Limits) -> list[Decision]:
        """What to do now, in order; each decision is given once per state.

        `now` (seconds since the epoch) only ends backoffs and dates recorded events.
        """
        board = self._board
        if board.ended is not None:
            return []
        board.wake(now)
        decisions: list[Decision] = [
            Stop(unit.instance, unit.row.attempt) for unit in _drain(board.to_stop)
        ]
        for unit in _drain(board.to_expand):
            decisions.append(Expand(unit.instance, values.source_of(board, unit)))
        for unit in _drain(board.to_prepare):
            force = unit.force or unit.stage.name in board.plan.start_from
            decisions.append(Prepare(unit.instance, board.next_attempt(unit), force))
        if board.fresh_judge and not board.cancelled:
            board.fresh_judge = False
            for run in board.to_judge:
                if not run.asked:
                    run.asked = True
                    decisions.append(Record(loops.judgement(board, run, now)))
        decisions.extend(
            Start(unit.instance, unit.row.attempt) for unit in board.admission.admit(limits)
        )
        if not decisions and not board.end_asked and ending.is_over(board):
            board.end_asked = True
            decisions.append(Record(ending.ending(board, now)))
        return decisions

    @property
    def wake_at(self) -> float | None:
        """When the next backoff ends (seconds since the epoch): ask `next` again then."""
        return self._board.wake_at()

    def is_wanted(self, decision: Decision) -> bool:
        """Whether the answer to a `Prepare`, `Expand` or `Start` under way would still count.

        Ask after each event that a person caused; drop the work if not.
        """
        if isinstance(decision, Record):
            return True
        unit = self._board.units.get(decision.instance)
        if unit is None:
            return False
        if isinstance(decision, Expand):
            return unit.step is Step.EXPAND and unit not in self._board.to_expand
        if isinstance(decision, Prepare):
            is_next = decision.attempt == self._board.next_attempt(unit)
            return unit.step is Step.PREPARE and unit not in self._board.to_prepare and is_next
        step = Step.READY if isinstance(decision, Start) else Step.LIVE
        return unit.step is step and unit.row.attempt == decision.attempt

    @property
    def ended(self) -> RunEnded | None:
        """The run's end; None while it goes on (again)."""
        return self._board.ended

    @property
    def finished(self) -> bool:
        """The run has ended, and no retry or decision has reopened it."""
        return self._board.ended is not None

    # --- what is known -----------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The plan now in force."""
        return self._board.plan

    @property
    def work(self) -> int:
        """Steps taken so far: a measure that, unlike time, is the same everywhere."""
        return self._board.work + self._board.admission.work

    def in_flight(self) -> list[StageRow]:
        """Attempts that are starting, running or unknown: what a new runner must adopt."""
        return [unit.row for unit in self._board.live]

    def changed(self) -> list[StageRow]:
        """The rows that changed since the last call, each in its newest form."""
        board = self._board
        found = [board.units[instance].row for instance in board.changed]
        board.changed.clear()
        return found

    def removed(self) -> list[Instance]:
        """The instances that are no more since the last call (rounds forgotten by a retry)."""
        found = list(self._board.removed)
        self._board.removed.clear()
        return found

    def rows(self) -> list[StageRow]:
        """All rows: by stage in the plan's order, then round, a whole before its items."""
        units = self._board.units.values()
        found = sorted(units, key=lambda unit: (unit.order, unit.instance.path))
        wholes = [unit for unit in found if unit.instance.item is None]
        stray = [unit for unit in found if unit.instance.item is not None and unit.whole is None]
        rows = []
        for unit in wholes:
            rows.append(unit.row)
            rows.extend(item.row for item in unit.items.values())
        return rows + [unit.row for unit in stray]

    def row(self, instance: Instance) -> StageRow:
        """The row of an instance. Raises KeyError if there is none."""
        return self._board.units[instance].row

    def inputs_of(self, instance: Instance) -> dict[str, InputValue]:
        """What each input is, once its upstream is done. May raise `values.MissingInput`."""
        return values.inputs_of(self._board, instance)

    def params_of(self, instance: Instance) -> dict[str, ParamValue]:
        """The params that the instance sees: only those its stage names."""
        return values.params_of(self._board, instance)

    # --- what a person may do ----------------------------------------------------------------

    def why_not_retry(self, instance: Instance) -> str | None:
        """Why a StageRetried would change nothing, as a sentence; None if it would."""
        return retry.why_not_retry(self._board, instance)

    def decide_options(self, instance: Instance) -> Choices | None:
        """What a person may decide about the gate of this instance; None if it has no gate."""
        return choices.decide_options(self._board, instance)

    def why_not_more(self, instance: Instance) -> str | None:
        """Why another round can't be had or would change nothing; None if it would."""
        return choices.why_not_more(self._board, instance)

    def decide(
        self,
        instance: Instance,
        at: float,
        by: str,
        *,
        accept: int | None = None,
        more: int = 0,
        reason: str = "",
    ) -> GateJudged:
        """The event of a person's decision: accept a round, so many more, or (neither) fail.

        Raises UsageError with the reason if that is not on offer.
        """
        return choices.decide(self._board, instance, at, by, accept, more, reason)


def _drain(queue: dict[Unit, None]) -> list[Unit]:
    found = list(queue)
    queue.clear()
    return found
