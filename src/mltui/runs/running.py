"""One run at work: asks the rules what to do, does it, and journals what came of it.

Made by `runner` for each run in turn. A turn takes in everything that has arrived, lets the rules
decide until they have nothing more to say, journals all of it in one transaction, and only then
acts: an intention is always in the journal before its act.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from mltui.errors import JournalError
from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    Event,
    Expand,
    GateJudged,
    Limits,
    Prepare,
    Record,
    RunEnded,
    RunPlanned,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
    StageRetried,
    Start,
    Stop,
)
from mltui.pipeline.rows import Failure, Instance, State
from mltui.runs import attempts, unchanged
from mltui.runs.builds import Environments
from mltui.runs.context import Context
from mltui.runs.crash import crash_point
from mltui.runs.executing import Executions
from mltui.runs.history import History
from mltui.runs.keys import Key
from mltui.runs.outcomes import Batch, Outcome
from mltui.runs.outputs import read_list
from mltui.runs.planning import Blueprint
from mltui.runs.preparing import Preparer
from mltui.runs.reserve import Reserve, is_full
from mltui.runs.rows import RunRow
from mltui.runs.summary import Summary
from mltui.runs.tasks import spawn

log = logging.getLogger(__name__)

_FULL_PAUSE_S = 0.5
_FULL_S = 60.0
"""How long a full disk is waited for before the run is given up (a later runner resumes it)."""
_PATIENCE_S = 0.02
"""How long a fact that can wait does: for others to share its transaction, and for the next fact
about the same attempt, which then share one row."""
_CRASHES = {
    RunPlanned: "planned",
    StageKeyed: "keyed",
    AttemptStarting: "starting",
    AttemptStarted: "started",
    AttemptEnded: "ended",
    GateJudged: "judged",
    StageRetried: "asked",
}


class Running:
    """A run, from its plan (or its journal) to its end."""

    def __init__(
        self,
        context: Context,
        history: History,
        limits: Limits,
        reserve: Reserve,
        row: RunRow,
    ) -> None:
        self.context = context
        self._request = row.request
        self._idle_s = row.idle_s
        self._limits = limits
        self._reserve = reserve
        self._history = history
        self._inbox: list[Outcome] = []
        self._batch = Batch()
        self._columns: dict[str, Any] = {}
        self._wake = asyncio.Event()
        self._failed: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._summary = Summary(context.scheduler)
        context.emit = self._take_in
        self.environments = Environments(
            context.project, context.store, context.journal, context.run, self._take_in
        )
        self.preparer = Preparer(context, self.environments)
        self._executions = Executions(context, self.environments, self._fail)

    @property
    def number(self) -> int:
        """The run's number."""
        return self.context.run

    async def go(self) -> RunEnded:
        """Work until the run is over. Whatever is raised leaves it to be resumed."""
        self._adopt()
        while True:
            self._wake.clear()
            ended = await self._turn()
            if ended is not None:
                await self._close()
                return ended
            await self._wake.wait()
            if self._failed is not None:
                raise self._failed

    async def _close(self) -> None:
        """The run is over: end what nobody waits for any more, tidy up."""
        for task in self._tasks:
            task.cancel()
        left = self.environments.close()
        await asyncio.gather(*self._tasks, *left, return_exceptions=True)
        await self._executions.settle()
        batch = Batch()
        for outcome in self._inbox:
            batch.builds.extend(outcome.builds)
        if batch.builds:
            await self._journal(batch)
        with suppress(OSError):  # what failed attempts left in it stays
            self.context.project.work_folder(self.number).rmdir()

    def let_go(self) -> int:
        """Drop what is under way here, not the attempts; how many of those go on."""
        for task in self._tasks:
            task.cancel()
        for timer in (self._alarm, self._patience):
            if timer is not None:
                timer.cancel()
        return self._executions.let_go()

    def note(self, event: Event, columns: dict[str, Any] | None = None) -> None:
        """A fact from outside: applied at once, journalled with the next turn (or `put_back`).

        `columns`: of the run's own line, journalled with it.
        """
        self._apply(event, self._batch)
        self._columns.update(columns or {})
        self._wake.set()

    def answer(self, request: int, answer: str = "") -> None:
        """A request is handled; journalled together with what was noted for it."""
        self._batch.answers.append((request, answer))
        self._wake.set()

    def offer(self, event: RunPlanned, blueprint: Blueprint) -> None:
        """What a RunPlanned that will be noted stands for."""
        self._history.offer(event, blueprint)

    async def put_back(self) -> None:
        """Journal what was noted for a run that is not at work; queue it again if it goes on."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failed is not None:
            raise self._failed
        if not self._batch.is_empty:
            batch, self._batch = self._batch, Batch()
            if not self.context.scheduler.finished:
                self._columns["state"] = State.PENDING.value
            await self._journal(batch)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the loop; what it raises ends the loop."""
        spawn(work, self._tasks, self._fail)

    # --- in -------------------------------------------------------------------------------------

    def _take_in(self, outcome: Outcome) -> None:
        self._inbox.append(outcome)
        if not outcome.can_wait:
            self._wake.set()
        elif self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(_PATIENCE_S, self._lose_patience)

    def _lose_patience(self) -> None:
        self._patience = None
        self._wake.set()

    def _arrived(self) -> list[Outcome]:
        """What has come in, but for what can wait and has not yet waited long enough."""
        arrived, self._inbox = self._inbox, []
        if self._patience is None:
            return arrived
        urgent = {
            getattr(event, "instance", None)
            for outcome in arrived
            if not outcome.can_wait
            for event in outcome.events
        }
        found = []
        for outcome in arrived:
            about = {getattr(event, "instance", None) for event in outcome.events}
            if outcome.can_wait and urgent.isdisjoint(about):
                self._inbox.append(outcome)
            else:
                found.append(outcome)
        if not self._inbox:
            self._patience.cancel()
            self._patience = None
        return found

    def _fail(self, error: BaseException) -> None:
        self._failed = self._failed or error
        self._wake.set()

    def _adopt(self) -> None:
        """Take over what an earlier runner began."""
        context = self.context
        busy = context.scheduler.in_flight()
        try:
            attempts.sweep(context.project, self.number, context.scheduler.rows(), busy)
        except OSError as error:
            log.warning("something is left behind: %s", error)
        for row in busy:
            self._executions.adopt(row, self._history.blueprint_of(row.instance, row.attempt))
        builds = self.environments.abandoned()
        if builds:
            self._take_in(Outcome(builds=builds))

    # --- a turn ---------------------------------------------------------------------------------

    async def _turn(self) -> RunEnded | None:
        """Take in, decide, journal, act; the run's end when this was its last turn."""
        batch, self._batch = self._batch, Batch()
        for outcome in self._arrived():
            batch.add(outcome)
            for event in outcome.events:
                self._apply(event, batch)
        acts: list[Callable[[], None]] = []
        while decisions := self.context.scheduler.next(time.time(), self._limits):
            for decision in decisions:
                self._decide(decision, batch, acts)
        self._set_alarm()
        if not batch.is_empty:
            await self._journal(batch)
        for after in batch.after:
            after()
        for act in acts:
            act()
        return self.context.scheduler.ended

    def _apply(self, event: Event, batch: Batch) -> None:
        batch.events.append(event)
        context = self.context
        if isinstance(event, StageKeyed | StageCached):
            context.keys[event.instance] = Key(event.key, event.parts)
        elif isinstance(event, RunPlanned):
            context.blueprint = self._history.planned(event)
            self.environments.forget()
        elif isinstance(event, AttemptStarting):
            self._history.starting(event)
        ended = context.scheduler.ended
        context.scheduler.apply(event)
        if ended is not None and context.scheduler.ended is None:
            self._idle_s += max(0.0, event.at - ended.at)
            self._columns["idle_s"] = self._idle_s

    def _decide(
        self,
        decision: Record | Prepare | Expand | Start | Stop,
        batch: Batch,
        acts: list[Callable[[], None]],
    ) -> None:
        if isinstance(decision, Record):
            self._apply(decision.event, batch)
        elif isinstance(decision, Prepare):
            answer = self.preparer.at_once(decision)
            if answer is not None:
                self._apply(answer, batch)
            else:
                acts.append(lambda: self.spawn(self.preparer.later(decision)))
        elif isinstance(decision, Expand):
            self._apply(self._expand(decision), batch)
        elif isinstance(decision, Start):
            self._apply(self._starting(decision.instance, decision.attempt), batch)
            acts.append(lambda: self._executions.begin(decision.instance, decision.attempt))
        else:
            acts.append(lambda: self._executions.stop(decision.instance, decision.attempt))

    def _starting(self, instance: Instance, attempt: int) -> AttemptStarting:
        blueprint = self.context.blueprint
        target = blueprint.target_of(blueprint.stage(instance.stage))
        return AttemptStarting(time.time(), instance, attempt, target.engine, target.name)

    def _expand(self, decision: Expand) -> Event:
        found = read_list(self.context.store, decision.source)
        now = time.time()
        if isinstance(found, Failure):
            attempt = self.context.scheduler.row(decision.instance).attempt + 1
            return StageFailed(now, decision.instance, attempt, found)
        return StageExpanded(now, decision.instance, found)

    def _set_alarm(self) -> None:
        """Wake up when the next backoff ends."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        at = self.context.scheduler.wake_at
        if at is not None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(0.0, at - time.time()), self._wake.set)

    # --- out ------------------------------------------------------------------------------------

    async def _journal(self, batch: Batch) -> None:
        scheduler = self.context.scheduler
        rows = scheduler.changed()
        now = time.time()
        if scheduler.ended is not None:
            crash_point("ending")
            if scheduler.ended.state is State.SUCCEEDED:
                unchanged.seal(self.context, self._request)
        update = self._summary.update(rows, self.context.blueprint, scheduler.ended)
        update.update(self._columns)
        self._columns = {}
        for event in batch.events:
            if isinstance(event, RunPlanned):
                update["spec"] = event.spec
        gone = scheduler.removed()
        pause_until = now + _FULL_S
        while True:
            try:
                self.context.journal.append(
                    self.number,
                    batch.events,
                    rows,
                    gone=gone,
                    results=batch.results,
                    builds=batch.builds,
                    answers=[(request, now, answer) for request, answer in batch.answers],
                    update=update,
                )
                break
            except JournalError as error:
                if not is_full(error):
                    raise
                self.context.full_at = time.time()
                if self._reserve.spend():
                    log.warning("%s; the reserve was given up to write this down", error)
                    continue
                if time.time() > pause_until:
                    raise
            await asyncio.sleep(_FULL_PAUSE_S)
        for event in batch.events:
            point = _CRASHES.get(type(event))
            if point is not None:
                crash_point(point)
