"""One deployment kept as it is wanted: replicas started, watched, replaced, ended.

Made by the supervisor for each deployment. A turn compares what is wanted (the journal) with what
is there and does the next thing; whatever happens (a commit, a replica's end, a probe) asks for
another turn. Replacing is one new replica at a time: healthy first, then an old one is drained.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mltui.engines.protocol import Attempt, Engine, Exit
from mltui.errors import MltuiError, StartFailed, Unreachable
from mltui.runs import attempts
from mltui.serving.front import Backend
from mltui.serving.fronting import FrontHandle
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.plans import Plans
from mltui.serving.probing import Answer, ask, is_well
from mltui.serving.replicas import Plan, free_port, last_line
from mltui.serving.rows import Course, Deployment, Health, Replica, Standing, Version

log = logging.getLogger("mltui.supervisor")

READY_S = float(os.environ.get("MLTUI_READY_S") or 120.0)
"""How long a new replica may take until its health path answers."""
PROBE_S = 2.0
_FIRST_PROBE_S = 0.1
UNWELL_AFTER = 3
"""Probes in a row that fail until a replica gets no connections; REPLACE_AFTER: until it goes."""
REPLACE_AFTER = 15
TRIES = 3
"""Replicas of a version that never got healthy until the version is given back."""
DRAIN_S = 60.0
"""How long what is in flight at a replica may take to end before the replica is ended anyway."""
GRACE_S = 10.0
_MAX_BACKOFF_S = 30.0
_AGAIN_S = 2.0


class Kept:
    """A replica as the keeper has it."""

    def __init__(self, row: Replica, attempt: Attempt, engine: Engine) -> None:
        self.row, self.attempt, self.engine = row, attempt, engine
        self.tasks: list[asyncio.Task[None]] = []
        self.failed_probes = 0
        self.is_found = False
        """It is known where it is reached."""

    @property
    def is_ready(self) -> bool:
        """It gets connections."""
        return self.row.health is Health.READY

    def is_over(self) -> bool:
        """It is on its way out."""
        return self.row.health in (Health.DRAINING, Health.GONE)

    @property
    def backend(self) -> Backend | None:
        """As the front knows it."""
        if self.row.port is None:
            return None
        return Backend(self.row.label, self.row.host, self.row.port)


class Keeper:
    """The keeper of one deployment."""

    def __init__(self, name: str, ledger: Ledger, maker: Maker, front: FrontHandle) -> None:
        self.name = name
        self._ledger, self._maker, self._front = ledger, maker, front
        self._wake = asyncio.Event()
        self._kept: dict[int, Kept] = {}
        self._plans = Plans(ledger, maker)
        self._failures: dict[int, int] = {}
        """Version → replicas that never got healthy, in a row."""
        self._crashes = 0
        self._not_before = 0.0
        self._last_reason = ""
        self._drains: set[asyncio.Task[None]] = set()
        self._is_adopted = False

    def wake(self) -> None:
        """Something has changed: look again."""
        self._wake.set()

    async def keep(self) -> None:
        """Keep it until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._turn()
            except Unreachable as error:
                self._say(Standing.UNKNOWN, str(error))
            except MltuiError as error:
                self._say(Standing.FAILED, str(error))
            except Exception as error:
                log.exception("%s", self.name)
                self._say(Standing.UNKNOWN, f"the supervisor could not go on ({error})")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _AGAIN_S)

    def let_go(self) -> None:
        """Leave replicas and front as they are."""
        self._front.let_go()
        for kept in self._kept.values():
            for task in kept.tasks:
                task.cancel()
        for drain in self._drains:
            drain.cancel()

    @property
    def ready(self) -> list[Kept]:
        """The replicas that get connections."""
        return [kept for kept in self._kept.values() if kept.is_ready]

    def ready_rows(self) -> list[Replica]:
        """The replicas that get connections, as the journal has them."""
        return [kept.row for kept in self.ready]

    async def ask(self, replica: Replica, path: str) -> Answer:
        """GET a path of a replica."""
        return await ask(replica.host, replica.port or 0, path)

    def metrics_path(self) -> str | None:
        """Where the service has its metrics."""
        service = self._plans.service
        return None if service is None else service.metrics

    # --- one turn -------------------------------------------------------------------------------

    async def _turn(self) -> None:
        wanted = self._ledger.deployment(self.name)
        if wanted is None:
            return
        if not self._is_adopted:
            await self._adopt()
        if not wanted.is_wanted:
            await self._wind_down()
            return
        version = self._ledger.version(self.name, wanted.version)
        assert version is not None
        if version.course is Course.FAILED:
            return  # until a person wants something else, or the same again
        if version.course is Course.WAITING and self._failures.get(version.number, 0) >= TRIES:
            self._give_back(wanted)
            return
        await self._tell_front(wanted)
        current, stale = self._sorted(wanted)
        await self._start_missing(wanted, version, current, stale)
        current, stale = self._sorted(wanted)
        self._drain_surplus(wanted, current, stale)
        await self._tell_front(wanted)
        self._judge(wanted, current, stale)

    def _sorted(self, wanted: Deployment) -> tuple[list[Kept], list[Kept]]:
        """What is there and not on its way out: of the wanted version, and of others."""
        current: list[Kept] = []
        stale: list[Kept] = []
        for kept in self._kept.values():
            if kept.row.health is not Health.DRAINING:
                is_current = (
                    kept.row.version == wanted.version and kept.row.made_at >= wanted.restarted_at
                )
                (current if is_current else stale).append(kept)
        return current, stale

    async def _start_missing(
        self, wanted: Deployment, version: Version, current: list[Kept], stale: list[Kept]
    ) -> None:
        missing = wanted.replicas - len(current)
        if stale and any(kept.is_ready for kept in stale):
            # One new one at a time while others serve.
            missing = min(missing, 1 - sum(not kept.is_ready for kept in current))
        if missing <= 0 or time.monotonic() < self._not_before:
            return
        plan = await self._plan(version)
        # A clock that was set back must not make a new replica look older than the restart.
        at = max(time.time(), wanted.restarted_at)
        for _ in range(missing):
            await self._start(plan, at)

    def _drain_surplus(self, wanted: Deployment, current: list[Kept], stale: list[Kept]) -> None:
        serving = sum(kept.is_ready for kept in (*current, *stale))
        ready_current = sum(kept.is_ready for kept in current)
        for kept in sorted(stale, key=lambda one: one.is_ready):
            if not kept.is_ready and (ready_current or not wanted.replicas):
                self._drain(kept, "it is replaced")
            elif kept.is_ready and serving > wanted.replicas:
                self._drain(kept, "it is replaced")
                serving -= 1
        surplus = len(current) - wanted.replicas
        if not stale and surplus > 0:
            order = sorted(current, key=lambda one: (one.is_ready, -one.row.number))
            for kept in order[:surplus]:
                self._drain(kept, "it is one too many")

    def _judge(self, wanted: Deployment, current: list[Kept], stale: list[Kept]) -> None:
        """Say how it stands; the wanted version serves once enough of it does."""
        ready = sum(kept.is_ready for kept in current)
        serving = len(self.ready)
        if self._front.problem:
            self._say(Standing.FAILED, self._front.problem)
        elif ready >= wanted.replicas and not stale:
            version = self._ledger.version(self.name, wanted.version)
            if version is not None and version.course is not Course.SERVING:
                self._ledger.settle(wanted)
                self._failures.clear()
                self._plans.forget(
                    but={wanted.version, *(k.row.version for k in self._kept.values())}
                )
            # Why an earlier version came back stays to be read until something else is wanted.
            reason = wanted.reason if "did not get healthy" in wanted.reason else ""
            self._say(Standing.READY, reason)
        elif stale and serving:
            done = f"{ready} of {wanted.replicas} replicas are of version {wanted.version}"
            self._say(Standing.REPLACING, self._last_reason or done)
        elif serving or self._crashes:
            self._say(Standing.DEGRADED, self._last_reason)
        else:
            self._say(Standing.STARTING, self._last_reason)

    def _say(self, state: Standing, reason: str) -> None:
        self._ledger.set_state(self.name, state, reason, len(self.ready))

    def _give_back(self, wanted: Deployment) -> None:
        reason = self._last_reason or "its replicas do not get healthy"
        before = self._ledger.give_back(wanted, reason, time.time())
        log.info("%s: version %d is given back: %s", self.name, wanted.version, reason)
        for kept in list(self._kept.values()):
            is_its = kept.row.version == wanted.version and kept.row.health is not Health.DRAINING
            if is_its and (before is not None or not kept.is_ready):
                self._drain(kept, "its version did not get healthy")
        self._last_reason = ""
        self._crashes, self._not_before = 0, 0.0
        self._failures.clear()
        self.wake()

    async def _wind_down(self) -> None:
        """Stopped by a person: the port is let go of first, then everything ends."""
        for kept in list(self._kept.values()):
            if kept.row.health is not Health.DRAINING:
                self._drain(kept, "the service was stopped")
        if self._front.is_there:
            await self._front.stop()
            self._ledger.set_front(self.name, {**self._front_row(), "port": None})
        self._crashes, self._not_before, self._last_reason = 0, 0.0, ""
        self._failures.clear()
        self._say(Standing.STOPPING if self._kept else Standing.STOPPED, "")

    def _front_row(self) -> dict[str, Any]:
        found = self._ledger.deployment(self.name)
        return dict(found.front) if found is not None else {}

    async def _tell_front(self, wanted: Deployment) -> None:
        if wanted.port is None:
            return
        try:
            await self._front.ensure(wanted.port, self._backends)
        except StartFailed as error:
            self._front.problem = str(error)

    def _backends(self) -> list[Backend]:
        found = (kept.backend for kept in self.ready)
        return [backend for backend in found if backend is not None]

    # --- replicas -------------------------------------------------------------------------------

    async def _plan(self, version: Version) -> Plan:
        """A version ready to be started. BuildFailed, StoreError, Unreachable."""
        try:
            return await self._plans.ready(version)
        except Unreachable:
            raise
        except MltuiError as error:
            self._last_reason = str(error)
            self._failures[version.number] = TRIES
            self.wake()
            raise

    async def _start(self, plan: Plan, at: float) -> None:
        """Start one replica; its intention is in the journal first."""
        engine = self._plans.engine(plan)
        port = free_port() if plan.service.port is not None else None
        row = self._ledger.next_replica(plan.version, port, at)
        kept = Kept(row, plan.attempt(row, engine), engine)
        self._kept[row.number] = kept
        try:
            await asyncio.to_thread(plan.lay_out, row.number)
            obj = await engine.start(kept.attempt)
        except Unreachable:
            self._gone(kept, "its engine did not answer")
            raise
        except (MltuiError, OSError) as error:
            self._gone(kept, str(error))
            self._count_failure(kept, str(error))
            return
        self._put(kept, object=obj)
        self._spawn(kept, self._await_end(kept, obj))
        self._spawn(kept, self._probe(kept, plan.service.health))

    async def _adopt(self) -> None:
        """Take over what an earlier supervisor started."""
        for row in self._ledger.replicas(self.name):
            if row.number in self._kept:
                continue
            version = self._ledger.version(self.name, row.version)
            assert version is not None
            plan = await self._plans.bare(row.version, version)
            engine = self._plans.engine(plan)
            kept = Kept(row, plan.attempt(row, engine), engine)
            obj = await engine.find(kept.attempt)
            if obj is None:
                self._kept[row.number] = kept
                self._gone(kept, "it never began")
                continue
            self._kept[row.number] = kept
            self._put(kept, object=obj)
            log.info("%s: found %s again", self.name, row.label)
            self._spawn(kept, self._await_end(kept, obj))
            if row.health is Health.DRAINING:
                self._drain(kept, row.reason)
            else:
                self._spawn(kept, self._probe(kept, plan.service.health))
        self._is_adopted = True

    def _spawn(self, kept: Kept, work: Coroutine[Any, Any, None]) -> None:
        kept.tasks.append(asyncio.create_task(work))

    def _put(self, kept: Kept, **columns: Any) -> None:
        row = replace(kept.row, **columns)
        if row != kept.row:
            kept.row = row
            self._ledger.put_replica(row)

    async def _await_end(self, kept: Kept, obj: str) -> None:
        """See its end, also one that nobody wanted."""
        while True:
            try:
                exit_ = await kept.engine.wait(kept.attempt, obj)
                break
            except Unreachable:
                await asyncio.sleep(_AGAIN_S)
        if kept.row.health is Health.DRAINING:
            return
        reason = f"{_how(exit_)}{last_line(kept.attempt.log)}"
        log.info("%s: %s", kept.row.label, reason)
        never_ready = kept.row.ready_at is None
        self._gone(kept, reason)
        with suppress(MltuiError):
            await kept.engine.remove(kept.attempt, obj)
        if never_ready:
            self._count_failure(kept, reason)
        else:
            self._count_crash(reason)

    def _count_failure(self, kept: Kept, reason: str) -> None:
        self._last_reason = reason
        self._failures[kept.row.version] = self._failures.get(kept.row.version, 0) + 1
        self._back_off(self._failures[kept.row.version])
        self.wake()

    def _count_crash(self, reason: str) -> None:
        """It served and died: replaced at once, then ever later while that goes on."""
        self._last_reason = reason
        self._crashes += 1
        if self._crashes > 1:
            self._back_off(self._crashes - 1)
        self.wake()

    def _back_off(self, times: int) -> None:
        pause_s = min(_MAX_BACKOFF_S, 0.25 * 2 ** min(times, 10))
        self._not_before = time.monotonic() + pause_s
        asyncio.get_running_loop().call_later(pause_s, self.wake)

    async def _probe(self, kept: Kept, path: str | None) -> None:
        """Ask it how it is, as long as it runs."""
        until = time.monotonic() + READY_S
        pause_s = _FIRST_PROBE_S
        while not kept.is_over():
            # One that is starting may take long to answer once; one that serves may not.
            problem = await self._look_at(kept, path)
            if kept.is_over():
                return
            if not problem:
                kept.failed_probes = 0
                if not kept.is_ready:
                    since = kept.row.ready_at or time.time()
                    self._put(kept, health=Health.READY, ready_at=since, reason="")
                    self.wake()
                pause_s = PROBE_S
            elif kept.row.health is Health.STARTING:
                self._last_reason = problem
                if time.monotonic() > until:
                    reason = f"it was not healthy within {READY_S:g} s: {problem}"
                    self._drain(kept, reason)
                    self._count_failure(kept, reason)
                    return
                pause_s = min(pause_s * 1.5, PROBE_S)
            else:
                kept.failed_probes += 1
                if kept.failed_probes >= REPLACE_AFTER:
                    self._drain(kept, problem)
                    self._count_crash(problem)
                    return
                if kept.failed_probes >= UNWELL_AFTER and kept.is_ready:
                    self._put(kept, health=Health.UNWELL, reason=problem)
                    self._last_reason = problem
                    self.wake()
            await asyncio.sleep(pause_s)
            if kept.is_ready and self._crashes and _age(kept) > 2 * _MAX_BACKOFF_S:
                self._crashes = 0
                self._last_reason = ""

    async def _look_at(self, kept: Kept, path: str | None) -> str:
        """Why it is not well; empty when it is. Where it is reached is found out first."""
        row = kept.row
        if row.port is not None and not kept.is_found:
            assert row.object is not None
            try:
                host, port = await self._maker.address(
                    kept.engine, kept.attempt, row.object, row.port
                )
            except MltuiError as error:
                return str(error)
            kept.is_found = True
            self._put(kept, host=host, port=port)
        return await is_well(kept.row.host, kept.row.port, path)

    def _drain(self, kept: Kept, reason: str) -> None:
        """Give it no more connections, let those in flight end, then end it."""
        self._put(kept, health=Health.DRAINING, reason=reason)
        task = asyncio.create_task(self._end(kept))
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _end(self, kept: Kept) -> None:
        wanted = self._ledger.deployment(self.name)
        if wanted is not None and wanted.is_wanted and kept.row.ready_at is not None:
            await self._tell_front(wanted)
            await self._await_quiet(kept)
        obj = kept.row.object
        while obj is not None:
            try:
                await kept.engine.stop(kept.attempt, obj, GRACE_S)
                await kept.engine.remove(kept.attempt, obj)
                break
            except Unreachable as error:
                log.info("%s: %s", kept.row.label, error)
                await asyncio.sleep(_AGAIN_S)
        self._gone(kept, kept.row.reason)
        self.wake()

    async def _await_quiet(self, kept: Kept) -> None:
        """Wait until the front has no connection open to it."""
        until = time.monotonic() + DRAIN_S
        left = 0
        while self._front.is_there and time.monotonic() < until:
            found = await self._front.open_connections()
            # No answer is no promise: on a busy machine it may just be late.
            left = found.get(kept.row.label, 0) if found is not None else left
            if found is not None and not left:
                return
            await asyncio.sleep(0.05)
        if left:
            log.warning("%s is ended with %d connections open", kept.row.label, left)

    def _gone(self, kept: Kept, reason: str) -> None:
        self._kept.pop(kept.row.number, None)
        self._put(kept, health=Health.GONE, ended_at=time.time(), reason=reason)
        current = asyncio.current_task()
        for task in kept.tasks:
            if task is not current:
                task.cancel()
        for folder in (kept.attempt.work, kept.attempt.secrets):
            if folder is not None:
                attempts.remove_tree(folder)


def _age(kept: Kept) -> float:
    return time.time() - (kept.row.ready_at or time.time())


def _how(exit_: Exit) -> str:
    if exit_.message:
        return exit_.message
    if exit_.code is not None and exit_.code > 128:
        return f"it was ended by signal {exit_.code - 128}"
    return f"it ended with exit code {exit_.code}"
