"""The replicas of one deployment where each is a process or a container of its own.

Made by the keeper, which decides how many there are to be and of what. Here they are started, found
again, probed, drained and ended; what goes wrong is told to `Trouble`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mltui.engines.protocol import Attempt, Engine, Exit
from mltui.errors import MltuiError, Unreachable
from mltui.runs import attempts
from mltui.serving.front import Backend
from mltui.serving.fronting import FrontHandle
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.plans import Plans
from mltui.serving.probing import is_well
from mltui.serving.replicas import Plan, free_port, last_line
from mltui.serving.rows import Health, Replica
from mltui.serving.trouble import MAX_BACKOFF_S, Trouble

log = logging.getLogger("mltui.supervisor")

READY_S = float(os.environ.get("MLTUI_READY_S") or 120.0)
"""How long a new replica may take until its health path answers."""
PROBE_S = 2.0
_FIRST_PROBE_S = 0.1
UNWELL_AFTER = 3
"""Probes in a row that fail until a replica gets no connections."""
REPLACE_AFTER = 15
"""Until it goes, and another takes its place."""
DRAIN_S = 60.0
"""How long what is in flight at a replica may take to end before the replica is ended anyway."""
GRACE_S = 10.0
_AGAIN_S = 2.0


class Kept:
    """A replica as the keeper has it."""

    def __init__(self, row: Replica, attempt: Attempt, engine: Engine) -> None:
        self.row, self.attempt, self.engine = row, attempt, engine
        self.tasks: list[asyncio.Task[None]] = []
        self.failed_probes = 0
        self.is_found = False
        """It is known where it is reached."""
        self.waits_for = ""
        """Why it is not healthy yet, of one that starts."""

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


class Fleet:
    """The replicas of one deployment. `tell_front`: has the front know those of just now."""

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        maker: Maker,
        plans: Plans,
        front: FrontHandle,
        trouble: Trouble,
        wake: Callable[[], None],
        tell_front: Callable[[], Awaitable[None]],
    ) -> None:
        self._name = name
        self._ledger, self._maker, self._plans = ledger, maker, plans
        self._front, self._trouble = front, trouble
        self._wake, self._tell_front = wake, tell_front
        self.kept: dict[int, Kept] = {}
        self._drains: set[asyncio.Task[None]] = set()
        self.is_adopted = False

    @property
    def ready(self) -> list[Kept]:
        """Those that get connections."""
        return [kept for kept in self.kept.values() if kept.is_ready]

    def backends(self) -> list[Backend]:
        """Those that get connections, as the front knows them."""
        found = (kept.backend for kept in self.ready)
        return [backend for backend in found if backend is not None]

    def let_go(self) -> None:
        """Leave them as they are."""
        for kept in self.kept.values():
            for task in kept.tasks:
                task.cancel()
        for drain in self._drains:
            drain.cancel()

    async def start(self, plan: Plan, at: float) -> None:
        """Start one replica; its intention is in the journal first."""
        engine = self._plans.engine(plan)
        port = free_port() if plan.service.port is not None else None
        row = self._ledger.next_replica(plan.version, port, at)
        kept = Kept(row, plan.attempt(row, engine), engine)
        self.kept[row.number] = kept
        try:
            await asyncio.to_thread(plan.lay_out, row.number)
            obj = await engine.start(kept.attempt)
        except Unreachable:
            self._gone(kept, "its engine did not answer")
            raise
        except (MltuiError, OSError) as error:
            self._gone(kept, str(error))
            self._trouble.failed(kept.row.version, str(error))
            return
        self._put(kept, object=obj)
        self._spawn(kept, self._await_end(kept, obj))
        self._spawn(kept, self._probe(kept, plan.service.health))

    async def adopt(self) -> None:
        """Take over what an earlier supervisor started."""
        for row in self._ledger.replicas(self._name):
            if row.number in self.kept:
                continue
            version = self._ledger.version(self._name, row.version)
            assert version is not None
            plan = await self._plans.bare(row.version, version)
            engine = self._plans.engine(plan)
            kept = Kept(row, plan.attempt(row, engine), engine)
            obj = await engine.find(kept.attempt)
            if obj is None:
                self.kept[row.number] = kept
                self._gone(kept, "it never began")
                continue
            self.kept[row.number] = kept
            self._put(kept, object=obj)
            log.info("%s: found %s again", self._name, row.label)
            self._spawn(kept, self._await_end(kept, obj))
            if row.health is Health.DRAINING:
                self.drain(kept, row.reason)
            else:
                self._spawn(kept, self._probe(kept, plan.service.health))
        self.is_adopted = True

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
            self._trouble.failed(kept.row.version, reason)
        else:
            self._trouble.crashed(reason)

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
                kept.failed_probes, kept.waits_for = 0, ""
                if not kept.is_ready:
                    since = kept.row.ready_at or time.time()
                    self._put(kept, health=Health.READY, ready_at=since, reason="")
                    self._wake()
                pause_s = PROBE_S
            elif kept.row.health is Health.STARTING:
                kept.waits_for = problem
                if time.monotonic() > until:
                    reason = f"it was not healthy within {READY_S:g} s: {problem}"
                    self.drain(kept, reason)
                    self._trouble.failed(kept.row.version, reason)
                    return
                pause_s = min(pause_s * 1.5, PROBE_S)
            else:
                kept.failed_probes += 1
                if kept.failed_probes >= REPLACE_AFTER:
                    self.drain(kept, problem)
                    self._trouble.crashed(problem)
                    return
                if kept.failed_probes >= UNWELL_AFTER and kept.is_ready:
                    self._put(kept, health=Health.UNWELL, reason=problem)
                    self._wake()
            await asyncio.sleep(pause_s)
            if kept.is_ready and self._trouble.crashes and _age(kept) > 2 * MAX_BACKOFF_S:
                self._trouble.lasts()

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

    def drain(self, kept: Kept, reason: str) -> None:
        """Give it no more connections, let those in flight end, then end it."""
        self._put(kept, health=Health.DRAINING, reason=reason)
        task = asyncio.create_task(self._end(kept))
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _end(self, kept: Kept) -> None:
        wanted = self._ledger.deployment(self._name)
        if wanted is not None and wanted.is_wanted and kept.row.ready_at is not None:
            until = time.monotonic() + DRAIN_S
            await self._tell_front()
            # On a busy machine it may hear of it late: until then it goes on giving connections.
            while self._front.may_give(kept.row.label) and time.monotonic() < until:
                await asyncio.sleep(0.05)
                await self._tell_front()
            await await_quiet(self._front, kept.row.label)
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
        self._wake()

    def _gone(self, kept: Kept, reason: str) -> None:
        self.kept.pop(kept.row.number, None)
        self._put(kept, health=Health.GONE, ended_at=time.time(), reason=reason)
        current = asyncio.current_task()
        for task in kept.tasks:
            if task is not current:
                task.cancel()
        for folder in (kept.attempt.work, kept.attempt.secrets):
            if folder is not None:
                attempts.remove_tree(folder)


async def await_quiet(front: FrontHandle, label: str) -> None:
    """Wait until the front has no connection open to a replica."""
    until = time.monotonic() + DRAIN_S
    left = 0
    while front.is_there and time.monotonic() < until:
        found = await front.open_connections()
        # No answer is no promise: on a busy machine it may just be late.
        left = found.get(label, 0) if found is not None else left
        if found is not None and not left:
            return
        await asyncio.sleep(0.05)
    if left:
        log.warning("%s is ended with %d connections open", label, left)


def _age(kept: Kept) -> float:
    return time.time() - (kept.row.ready_at or time.time())


def _how(exit_: Exit) -> str:
    if exit_.message:
        return exit_.message
    if exit_.code is not None and exit_.code > 128:
        return f"it was ended by signal {exit_.code - 128}"
    return f"it ended with exit code {exit_.code}"
