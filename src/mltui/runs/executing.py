"""Attempts at work: started, watched, ended, their outputs kept.

Called by `running` once the intention to start is in the journal. Each attempt is one task that
talks to the engine; what it learns goes to the loop as outcomes. The task may be dropped at any
moment (the runner is told to go, or dies): the attempt goes on and a later runner adopts it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from stat import S_ISDIR
from typing import TypeVar

from mltui.engines.protocol import Attempt, Built, Exit
from mltui.errors import BuildFailed, MltuiError, StartFailed, Unreachable, UsageError
from mltui.pipeline.model import AttemptEnded, AttemptStarted, AttemptUnknown, AttemptWaiting
from mltui.pipeline.rows import Failure, Instance, StageRow, Usage, attempt_label, attempt_slug
from mltui.pipeline.values import MissingInput
from mltui.runs import attempts, layout
from mltui.runs.builds import Environments
from mltui.runs.context import Context
from mltui.runs.crash import crash_point, is_armed
from mltui.runs.layout import SMALL_BYTES, Live
from mltui.runs.masking import masked
from mltui.runs.outcomes import Outcome
from mltui.runs.outputs import Collected, collect, failure_of, read_metrics_file, store_failure
from mltui.runs.planning import Blueprint
from mltui.runs.rows import Result
from mltui.runs.tasks import spawn
from mltui.runs.tidying import Tidier
from mltui.spec.model import FailureClass

GRACE_S = 5.0
"""From the request to end until an attempt is made to end."""
_FIRST_PAUSE_S = 1.0
_MAX_PAUSE_S = 30.0
_ANSWERS_AGAIN_S = 3.0
"""A call that has not failed for so long after an outage counts as answered."""
_FULL_BYTES = 1 << 20

T = TypeVar("T")


class _CouldNotBegin(Exception):
    """An attempt ended before its command could run."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class Executions:
    """The attempts of one run."""

    def __init__(
        self, context: Context, environments: Environments, fail: Callable[[BaseException], None]
    ) -> None:
        self._context = context
        self._environments = environments
        self._fail = fail
        self._live: dict[tuple[Instance, int], Live] = {}
        self._tidier = Tidier()

    # --- called by the loop ---------------------------------------------------------------------

    def begin(self, instance: Instance, number: int) -> None:
        """Start an attempt; its AttemptStarting is journalled."""
        live = self._add(instance, number, self._context.blueprint)
        self._spawn(live, self._run(live))

    def adopt(self, row: StageRow, blueprint: Blueprint) -> None:
        """Take over an attempt that an earlier runner meant to start, or started."""
        live = self._add(row.instance, row.attempt, blueprint)
        live.attempt, live.obj = self._describe(live), row.object
        self._spawn(live, self._take_over(live, row))

    def stop(self, instance: Instance, number: int) -> None:
        """End an attempt because a person, or what they changed, wants it."""
        live = self._live.get((instance, number))
        if live is not None:
            self._end(live, FailureClass.CANCELLED)

    def let_go(self) -> int:
        """Drop the tasks, not the attempts; how many attempts are left running."""
        for live in self._live.values():
            if live.timer is not None:
                live.timer.cancel()
            for task in live.tasks:
                task.cancel()
        self._tidier.let_go()
        return len(self._live)

    async def settle(self) -> None:
        """Wait for what still tidies up."""
        tasks = [task for live in self._live.values() for task in live.tasks]
        if tasks:
            await asyncio.wait(tasks)
        await self._tidier.settle()

    # --- one attempt ----------------------------------------------------------------------------

    def _add(self, instance: Instance, number: int, blueprint: Blueprint) -> Live:
        stage = blueprint.stage(instance.stage)
        context = self._context
        live = Live(
            instance,
            number,
            blueprint,
            context.engines.of(blueprint.target_of(stage)),
            attempts.place_of(context.project, context.run, instance, number),
        )
        self._live[instance, number] = live
        return live

    def _spawn(self, live: Live, work: Awaitable[None]) -> None:
        spawn(work, live.tasks, self._fail)

    async def _run(self, live: Live) -> None:
        try:
            await self._start(live)
        except _CouldNotBegin as error:
            self._ended(live, error.failure)
            return
        await self._follow(live)

    async def _take_over(self, live: Live, row: StageRow) -> None:
        attempt = live.attempt
        assert attempt is not None
        if live.obj is None:
            live.obj = await self._reach(live, lambda: live.engine.find(attempt))
            if live.obj is None:
                await self._run(live)
                return
            self._started(live)
            if live.is_ending():
                self._spawn(live, self._make_end(live))
        await self._follow(live, row.started_at)

    async def _start(self, live: Live) -> None:
        attempt = live.attempt = await self._make(live)
        if live.is_ending():
            raise _CouldNotBegin(Failure(FailureClass.CANCELLED, "cancelled before it began"))
        try:
            live.obj = await self._begin_or_find(live, attempt)
        except StartFailed as error:
            raise _CouldNotBegin(Failure(FailureClass.CONFIG, str(error))) from error
        crash_point("spawned")
        self._started(live)
        if live.is_ending():
            self._spawn(live, self._make_end(live))

    async def _begin_or_find(self, live: Live, attempt: Attempt) -> str:
        """Start it; after an outage first see whether it did start."""
        try:
            return await live.engine.start(attempt)
        except Unreachable as error:
            self._unknown(live, error)

        async def again() -> str:
            found = await live.engine.find(attempt)
            if found is None:
                # Whoever asks makes sure that the first start never happens: begin afresh.
                await asyncio.to_thread(layout.lay_out, self._context, live)
                found = await live.engine.start(attempt)
            return found

        await asyncio.sleep(_FIRST_PAUSE_S)
        return await self._reach(live, again)

    async def _make(self, live: Live) -> Attempt:
        """The attempt with its folders filled. _CouldNotBegin when that fails."""
        try:
            live.inputs = self._context.scheduler.inputs_of(live.instance)
            live.digests = self._context.input_digests(live.instance)
            environment = live.blueprint.environment_of(live.instance)
            ready = None
            if environment is not None:
                ready = self._environments.known(live.engine, environment)
                if ready is None:  # taken over from a runner that had it ready
                    ready = await self._environments.find(live.engine, environment)
                if ready is None:
                    ready = await self._environments.build(live.engine, environment)[1]
            attempt = self._describe(live, None if ready is None else ready.built)
            live.bytes_in = layout.weight(self._context, live)
            if live.bytes_in > SMALL_BYTES:
                await asyncio.to_thread(layout.lay_out, self._context, live)
            else:
                layout.lay_out(self._context, live)
        except (StartFailed, UsageError, MissingInput) as error:
            raise _CouldNotBegin(Failure(FailureClass.CONFIG, str(error))) from error
        except BuildFailed as error:
            raise _CouldNotBegin(Failure(FailureClass.BUILD, str(error))) from error
        except (MltuiError, OSError) as error:
            failure = store_failure(error, "its working folder could not be made")
            raise _CouldNotBegin(failure) from error
        return attempt

    def _describe(self, live: Live, built: Built | None = None) -> Attempt:
        context = self._context
        return attempts.make_attempt(
            context.project,
            live.blueprint.spec,
            context.run,
            live.instance,
            live.number,
            place=live.place,
            engine=live.engine,
            params=live.blueprint.plan.named_params_at(live.stage.name, live.instance.path),
            built=built,
            environment=live.blueprint.environment_of(live.instance),
            told=partial(self._waits, live),
        )

    # --- while it runs --------------------------------------------------------------------------

    def _started(self, live: Live) -> None:
        assert live.obj is not None
        built = None if live.attempt is None else live.attempt.built
        image = built.location if built is not None and live.engine.name != "process" else None
        event = AttemptStarted(time.time(), live.instance, live.number, live.obj, image)
        # The intention is in the journal: whoever comes after a crash finds the object by it.
        self._context.emit(Outcome((event,), can_wait=True))

    def _waits(self, live: Live, reason: str) -> None:
        """Its engine has nothing to run it on, or has now: only then does its time begin."""
        if reason == live.waits_for:
            return
        live.waits_for = reason
        event = AttemptWaiting(time.time(), live.instance, live.number, reason)
        self._context.emit(Outcome((event,), can_wait=True))
        if live.timer is not None:
            live.timer.cancel()
        if live.stage.timeout_s is not None and not reason:
            self._limit(live, live.stage.timeout_s)

    def _limit(self, live: Live, left_s: float) -> None:
        loop = asyncio.get_running_loop()
        live.timer = loop.call_later(left_s, self._end, live, FailureClass.TIMEOUT)

    async def _follow(self, live: Live, started_at: float | None = None) -> None:
        """Wait for its end and keep what it left. `started_at`: Unix seconds, None means now."""
        attempt, obj = live.attempt, live.obj
        assert attempt is not None and obj is not None
        loop = asyncio.get_running_loop()
        if is_armed("running"):
            loop.call_later(0.05, crash_point, "running")
        if live.stage.timeout_s is not None:
            gone = 0.0 if started_at is None else max(0.0, time.time() - started_at)
            self._limit(live, max(0.0, live.stage.timeout_s - gone))
        secrets = live.place.secrets if live.stage.secrets else None
        async with nullcontext() if secrets is None else masked(attempt.log, secrets):
            exit_ = await self._reach(live, lambda: live.engine.wait(attempt, obj))
        if live.timer is not None:
            live.timer.cancel()
        crash_point("exited")
        if self._is_heavy(live):
            collected = await asyncio.to_thread(self._collect, live, exit_)
        else:
            collected = self._collect(live, exit_)
        crash_point("collected")
        self._ended(live, collected.failure, exit_, collected)

    def _end(self, live: Live, why: FailureClass) -> None:
        """Have it ended, once. Before it has begun, whoever begins it sees to that."""
        if not live.is_ending():
            live.ending = why
            if live.obj is not None:
                self._spawn(live, self._make_end(live))

    async def _make_end(self, live: Live) -> None:
        attempt, obj = live.attempt, live.obj
        assert attempt is not None and obj is not None
        await self._reach(live, lambda: live.engine.stop(attempt, obj, GRACE_S))

    async def _reach(self, live: Live, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the engine answers; meanwhile the attempt is shown as unknown."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                if not live.is_unknown:
                    return await call()
                return await self._reach_again(live, call)
            except Unreachable as error:
                self._unknown(live, error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _MAX_PAUSE_S)

    async def _reach_again(self, live: Live, call: Callable[[], Awaitable[T]]) -> T:
        task = asyncio.ensure_future(call())
        try:
            done, _ = await asyncio.wait({task}, timeout=_ANSWERS_AGAIN_S)
            if not done and live.obj is not None:
                live.is_unknown = False
                self._started(live)
            return await task
        finally:
            task.cancel()

    def _unknown(self, live: Live, error: Unreachable) -> None:
        if not live.is_unknown:
            live.is_unknown = True
            event = AttemptUnknown(time.time(), live.instance, live.number, str(error))
            self._context.emit(Outcome((event,)))

    # --- when it is over ------------------------------------------------------------------------

    def _is_heavy(self, live: Live) -> bool:
        """Whether keeping its outputs takes long enough for a thread to be worth it."""
        total = 0
        metrics = f"{live.place.folder}/metrics"
        for name in (metrics, *attempts.output_paths(live.stage, live.place.work)):
            with suppress(OSError):
                info = os.lstat(name)
                total += info.st_size if not S_ISDIR(info.st_mode) else SMALL_BYTES + 1
        return total > SMALL_BYTES

    def _collect(self, live: Live, exit_: Exit) -> Collected:
        """What is kept of it. Blocks for as long as hashing the outputs takes."""
        failure = failure_of(live.stage, exit_, live.ending)
        if failure is None:
            return collect(live.stage, self._context.store, live.place.work, live.place.metrics)
        if failure.kind is FailureClass.PROGRAM and self._was_full(live):
            failure = Failure(
                FailureClass.INFRASTRUCTURE,
                f"{failure.message}, and the disk is full: free some space (`mltui gc`), "
                "then retry",
            )
        return Collected(failure, {}, read_metrics_file(live.place.metrics).values)

    def _was_full(self, live: Live) -> bool:
        """Whether there is no room, or was none while it ran: the reserve makes some."""
        with suppress(OSError):
            space = os.statvfs(self._context.project.folder)
            if space.f_bavail * space.f_frsize < _FULL_BYTES:
                return True
        return self._context.full_at >= live.since

    def _ended(
        self,
        live: Live,
        failure: Failure | None,
        exit_: Exit | None = None,
        collected: Collected | None = None,
    ) -> None:
        now = time.time()
        event = AttemptEnded(
            now,
            live.instance,
            live.number,
            failure,
            None if exit_ is None else exit_.code,
            {} if collected is None else collected.outputs,
            {} if collected is None else collected.metrics,
            Usage() if exit_ is None else exit_.usage,
        )
        results = () if failure is not None else (self._result(live, event),)
        self._context.emit(
            Outcome((event,), results, after=partial(self._tidy, live, failure is None))
        )

    def _result(self, live: Live, event: AttemptEnded) -> Result:
        context = self._context
        key = context.keys[live.instance]
        slug = attempt_slug(live.instance, live.number)
        return Result(
            key=key.key,
            stage=live.instance.stage,
            source=f"run {context.run} {attempt_label(live.instance, live.number)}",
            at=event.at,
            outputs=event.outputs,
            metrics=event.metrics,
            parts=key.parts,
            log=f"runs/{context.run}/{slug}",
        )

    def _tidy(self, live: Live, is_done: bool) -> None:
        """Remove what nobody needs any more; its end is in the journal."""
        self._live.pop((live.instance, live.number), None)
        self._tidier.tidy(
            live.place,
            has_secrets=bool(live.stage.secrets),
            is_done=is_done,
            size_bytes=live.bytes_in,
        )
        if live.attempt is not None:
            self._tidier.release(live.engine, live.attempt, live.obj)
