"""The state of a run as the rules see it, and the few ways to change it.

Private to `mltui.pipeline`: the modules with the rules (layout, steps, loops, fanout, retry,
replan) work on a Board, `Scheduler` is its face. Everything here follows from the events applied
so far; what was handed out as a decision is only remembered so as not to hand it out twice.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import fields as fields_of
from operator import attrgetter
from typing import Any

from mltui.pipeline.admission import Admission
from mltui.pipeline.model import Instance, RunEnded, StageRow, State
from mltui.pipeline.plan import Plan
from mltui.pipeline.units import (
    WORKING,
    Fate,
    LoopKey,
    LoopRun,
    Owner,
    Status,
    Step,
    Token,
    Unit,
    Waiter,
)
from mltui.spec.model import Stage

_FIELDS = {field.name: place for place, field in enumerate(fields_of(StageRow))}
_read_all = attrgetter(*_FIELDS)


class Board:
    """Units, loops and queues of one run."""

    def __init__(self, run: int, plan: Plan) -> None:
        self.run = run
        self.plan = plan
        self.units: dict[Instance, Unit] = {}
        self.loops: dict[LoopKey, LoopRun] = {}
        self.attempts: dict[Instance, int] = {}
        """The last attempt's number; outlives forgotten rounds, for folders are named by it."""
        self.live: dict[Unit, None] = {}
        self.working = 0
        self.admission = Admission()
        self.to_expand: dict[Unit, None] = {}
        self.to_prepare: dict[Unit, None] = {}
        self.to_stop: dict[Unit, None] = {}
        self.to_judge: dict[LoopRun, None] = {}
        self.fresh_judge = False
        """Something came to `to_judge` since it was last looked at."""
        self.backoff: list[tuple[float, int, Unit]] = []
        self.tickets = 0
        self.changed: dict[Instance, None] = {}
        self.removed: dict[Instance, None] = {}
        self.at: float | None = None
        """The time of the event being applied."""
        self.cancelled = ""
        """Why the whole run is being cancelled; empty if it is not."""
        self.was_cancelled = False
        """It was, at some time: some units may be cancelled on its account."""
        self.ended: RunEnded | None = None
        self.end_asked = False
        self.work = 0
        """Steps taken so far: what the scale test counts."""
        self._touched: deque[Owner] = deque()

    # --- waiting -----------------------------------------------------------------------------

    def touch(self, owner: Owner) -> None:
        """Have it looked at before the present event is done."""
        if not owner.queued:
            owner.queued = True
            self._touched.append(owner)

    def next_touched(self) -> Owner | None:
        """The next one to look at; None when all is settled."""
        if not self._touched:
            return None
        owner = self._touched.popleft()
        owner.queued = False
        self.work += 1
        return owner

    def set_token(self, token: Token, status: Status, reason: str = "") -> None:
        """Change what a token says and have all who wait for it look again."""
        old = token.status
        if old is status and token.reason == reason:
            return
        token.status, token.reason = status, reason
        missing = (status is not Status.GOOD) - (old is not Status.GOOD)
        bad = (status is Status.BAD) - (old is Status.BAD)
        for consumer in token.consumers:
            consumer.missing += missing
            consumer.bad += bad
            if old is Status.GOOD and status is not old:
                consumer.upset = True
            self.touch(consumer)
        self.work += len(token.consumers)

    def wait_for(self, waiter: Owner, tokens: tuple[Token, ...]) -> None:
        """Make `waiter` wait for these tokens, and for no others."""
        for token in waiter.deps:
            token.consumers.pop(waiter, None)
        waiter.deps = tuple(dict.fromkeys(tokens))
        for token in waiter.deps:
            token.consumers[waiter] = None
        recount(waiter)
        self.work += len(tokens)
        self.touch(waiter)

    # --- units -------------------------------------------------------------------------------

    def new_unit(self, instance: Instance, stage: Stage) -> Unit:
        """A fresh unit; one that is still being stopped under this name is taken up again."""
        ghost = self.units.get(instance)
        if ghost is not None:
            ghost.fate, ghost.stage = Fate.RESET, stage
            ghost.abandoned = ""
            return ghost
        order = self.plan.index[stage.name]
        unit = Unit(instance, stage, order, blank_row(self, instance, stage, order))
        self.units[instance] = unit
        self.removed.pop(instance, None)
        self.changed[instance] = None
        return unit

    def forget(self, unit: Unit) -> None:
        """Take it out of the run; one that lives is stopped first."""
        for token in unit.deps:
            token.consumers.pop(unit, None)
        unit.deps, unit.missing, unit.bad, unit.upset = (), 0, 0, False
        unit.whole = None
        for item in unit.items.values():
            self.forget(item)
        unit.items, unit.counts = {}, {}
        if unit.step is Step.LIVE:
            self.doom(unit, Fate.FORGET)
        elif unit.step is not Step.GONE:
            self.move(unit, Step.GONE)
            self.drop(unit)

    def drop(self, unit: Unit) -> None:
        """Its row is no more."""
        unit.step = Step.GONE
        self.units.pop(unit.instance, None)
        self.changed.pop(unit.instance, None)
        self.removed[unit.instance] = None

    def move(self, unit: Unit, step: Step) -> None:
        """Change its step and, with it, the queues it is in."""
        old = unit.step
        if old is step:
            return
        self.working += (step in WORKING) - (old in WORKING)
        if old is Step.LIVE:
            self.live.pop(unit, None)
            self.to_stop.pop(unit, None)
            unit.fate = None
        if old in (Step.LIVE, Step.READY) and step is not Step.LIVE:
            self.admission.drop(unit)
        elif old is Step.PREPARE:
            self.to_prepare.pop(unit, None)
        elif old is Step.EXPAND:
            self.to_expand.pop(unit, None)
        unit.step = step
        if step is Step.LIVE:
            self.live[unit] = None
            self.admission.take(unit)
        elif step is Step.READY:
            self.admission.offer(unit)
        elif step is Step.PREPARE:
            self.to_prepare[unit] = None
        elif step is Step.EXPAND:
            self.to_expand[unit] = None

    def doom(self, unit: Unit, fate: Fate) -> None:
        """Have a live unit stopped, and remember what for."""
        if unit.fate is None:
            self.to_stop[unit] = None
        unit.fate = fate

    def show(self, unit: Unit, **fields: Any) -> None:
        """Change fields of its row; nothing is marked changed if they already were so."""
        row = unit.row
        values = list(_read_all(row))  # a run does this some thousand times: no `replace`
        is_new = False
        for name, value in fields.items():
            place = _FIELDS[name]
            if values[place] != value:
                values[place] = value
                is_new = True
        if not is_new:
            return
        unit.row = StageRow(*values)
        self.changed[unit.instance] = None
        whole = unit.whole
        if whole is not None:
            if unit.row.state is not row.state:
                whole.counts[row.state] -= 1
                whole.counts[unit.row.state] = whole.counts.get(unit.row.state, 0) + 1
            self.touch(whole)

    # --- backoff -----------------------------------------------------------------------------

    def sleep(self, unit: Unit, until: float) -> None:
        """Let it wait so long before its next attempt."""
        self.tickets += 1
        unit.ticket, unit.due = self.tickets, until
        heapq.heappush(self.backoff, (unit.due, unit.ticket, unit))
        self.move(unit, Step.BACKOFF)

    def wake(self, now: float) -> None:
        """Let those begin whose backoff is over at `now`."""
        while self.backoff and self.backoff[0][0] <= now:
            _, ticket, unit = heapq.heappop(self.backoff)
            if unit.step is Step.BACKOFF and unit.ticket == ticket:
                self.move(unit, Step.PREPARE)

    def wake_at(self) -> float | None:
        """When the next backoff ends."""
        while self.backoff:
            due, ticket, unit = self.backoff[0]
            if unit.step is Step.BACKOFF and unit.ticket == ticket:
                return due
            heapq.heappop(self.backoff)
        return None

    # --- attempts ----------------------------------------------------------------------------

    def remember_attempt(self, unit: Unit, attempt: int) -> None:
        """Attempts only grow, whatever is retried or forgotten."""
        last = self.attempts.get(unit.instance, 0)
        self.attempts[unit.instance] = max(last, attempt)

    def next_attempt(self, unit: Unit) -> int:
        """The number that its next attempt will have."""
        return self.attempts.get(unit.instance, 0) + 1


def recount(waiter: Waiter) -> None:
    """Count its tokens anew (after they were replaced)."""
    waiter.missing = sum(token.status is not Status.GOOD for token in waiter.deps)
    waiter.bad = sum(token.status is Status.BAD for token in waiter.deps)
    waiter.upset = False


def blank_row(board: Board, instance: Instance, stage: Stage, order: int) -> StageRow:
    """The row of an instance before anything happened to it."""
    judged = any(loop.gate is not None for loop in board.plan.loops_of[stage.name])
    return StageRow(
        run=board.run,
        stage=instance.stage,
        item=instance.item,
        path=instance.path,
        attempt=board.attempts.get(instance, 0),
        state=State.PENDING,
        phase=str(stage.phase),
        accepted=False if judged else None,
        order=order,
    )
