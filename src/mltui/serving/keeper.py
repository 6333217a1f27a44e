"""One deployment kept as it is wanted: replicas started, watched, replaced, ended.

Made by the supervisor for each deployment. A turn compares what is wanted (the journal) with what
is there and does the next thing; whatever happens (a commit, a replica's end, a probe) asks for
another turn. Replacing is one new replica at a time: healthy first, then an old one is drained.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from mltui.errors import MltuiError, StartFailed, Unreachable
from mltui.serving.fleet import Fleet, Kept
from mltui.serving.fronting import FrontHandle
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.plans import Plans
from mltui.serving.probing import Answer, ask
from mltui.serving.replicas import Plan
from mltui.serving.rows import Course, Deployment, Health, Replica, Standing, Version
from mltui.serving.trouble import Trouble

log = logging.getLogger("mltui.supervisor")

_AGAIN_S = 2.0


class Keeper:
    """The keeper of one deployment."""

    def __init__(self, name: str, ledger: Ledger, maker: Maker, front: FrontHandle) -> None:
        self.name = name
        self._ledger, self._maker, self._front = ledger, maker, front
        self._wanted: Deployment | None = None
        """What this turn goes by."""
        self._wake = asyncio.Event()
        self._plans = Plans(ledger, maker)
        self._trouble = Trouble(self.wake)
        self._fleet = Fleet(
            name, ledger, maker, self._plans, front, self._trouble, self.wake, self._tell_front
        )

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
        self._fleet.let_go()

    def ready_rows(self) -> list[Replica]:
        """The replicas that get connections, as the journal has them."""
        return [kept.row for kept in self._fleet.ready]

    async def ask(self, replica: Replica, path: str) -> Answer:
        """GET a path of a replica."""
        return await ask(replica.host, replica.port or 0, path)

    def metrics_path(self) -> str | None:
        """Where the service has its metrics."""
        service = self._plans.service
        return None if service is None else service.metrics

    # --- one turn -------------------------------------------------------------------------------

    async def _turn(self) -> None:
        wanted = self._wanted = self._ledger.deployment(self.name)
        if wanted is None:
            return
        if not self._fleet.is_adopted:
            await self._fleet.adopt()
        if not wanted.is_wanted:
            await self._wind_down()
            return
        version = self._ledger.version(self.name, wanted.version)
        assert version is not None
        if version.course is Course.FAILED:
            return  # until a person wants something else, or the same again
        if version.course is Course.WAITING and self._trouble.is_given_up(version.number):
            self._give_back(wanted)
            return
        await self._tell_front()
        current, stale = self._sorted(wanted)
        await self._start_missing(wanted, version, current, stale)
        current, stale = self._sorted(wanted)
        self._drain_surplus(wanted, current, stale)
        await self._tell_front()
        self._judge(wanted, current, stale)

    def _sorted(self, wanted: Deployment) -> tuple[list[Kept], list[Kept]]:
        """What is there and not on its way out: of the wanted version, and of others."""
        current: list[Kept] = []
        stale: list[Kept] = []
        for kept in self._fleet.kept.values():
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
        if missing <= 0 or self._trouble.is_waiting:
            return
        plan = await self._plan(version)
        # A clock that was set back must not make a new replica look older than the restart.
        at = max(time.time(), wanted.restarted_at)
        for _ in range(missing):
            await self._fleet.start(plan, at)

    def _drain_surplus(self, wanted: Deployment, current: list[Kept], stale: list[Kept]) -> None:
        serving = sum(kept.is_ready for kept in (*current, *stale))
        ready_current = sum(kept.is_ready for kept in current)
        for kept in sorted(stale, key=lambda one: one.is_ready):
            if not kept.is_ready and (ready_current or not wanted.replicas):
                self._fleet.drain(kept, "it is replaced")
            elif kept.is_ready and serving > wanted.replicas:
                self._fleet.drain(kept, "it is replaced")
                serving -= 1
        surplus = len(current) - wanted.replicas
        if not stale and surplus > 0:
            order = sorted(current, key=lambda one: (one.is_ready, -one.row.number))
            for kept in order[:surplus]:
                self._fleet.drain(kept, "it is one too many")

    def _judge(self, wanted: Deployment, current: list[Kept], stale: list[Kept]) -> None:
        """Say how it stands; the wanted version serves once enough of it does."""
        ready = sum(kept.is_ready for kept in current)
        serving = len(self._fleet.ready)
        why = self._why(current)
        if self._front.problem:
            self._say(Standing.FAILED, self._front.problem)
        elif ready >= wanted.replicas and not stale:
            if wanted.port is not None and not self._front.knows(self._fleet.backends()):
                return  # it is late, or one got ready meanwhile: another turn comes
            # Why an earlier version came back stays to be read until something else is wanted.
            reason = wanted.reason if "did not get healthy" in wanted.reason else ""
            self._say(Standing.READY, reason)
            self._trouble.is_well()
            # Last: whoever waits for the version finds its service ready.
            version = self._ledger.version(self.name, wanted.version)
            if version is not None and version.course is not Course.SERVING:
                self._ledger.settle(wanted)
                self._trouble.settled()
                self._plans.forget(
                    but={wanted.version, *(k.row.version for k in self._fleet.kept.values())}
                )
        elif stale and serving:
            done = f"{ready} of {wanted.replicas} replicas are of version {wanted.version}"
            self._say(Standing.REPLACING, why or done)
        elif serving or self._trouble.crashes:
            self._say(Standing.DEGRADED, why)
        else:
            self._say(Standing.STARTING, why)

    def _why(self, current: list[Kept]) -> str:
        """Why not all of it serves: what went wrong, rather than what its replacement waits for."""
        unwell = (k.row.reason for k in current if k.row.health is Health.UNWELL)
        waits = (k.waits_for for k in current if k.waits_for)
        return next(unwell, "") or self._trouble.reason or next(waits, "")

    def _say(self, state: Standing, reason: str) -> None:
        self._ledger.set_state(self.name, state, reason, len(self._fleet.ready), self._wanted)

    def _give_back(self, wanted: Deployment) -> None:
        reason = self._trouble.why(wanted.version)
        before = self._ledger.give_back(wanted, reason, time.time())
        log.info("%s: version %d is given back: %s", self.name, wanted.version, reason)
        for kept in list(self._fleet.kept.values()):
            is_its = kept.row.version == wanted.version and kept.row.health is not Health.DRAINING
            if is_its and (before is not None or not kept.is_ready):
                self._fleet.drain(kept, "its version did not get healthy")
        self._trouble.clear()
        self.wake()

    async def _wind_down(self) -> None:
        """Stopped by a person: the port is let go of first, then everything ends."""
        for kept in list(self._fleet.kept.values()):
            if kept.row.health is not Health.DRAINING:
                self._fleet.drain(kept, "the service was stopped")
        if self._front.is_there:
            await self._front.stop()
            self._ledger.set_front(self.name, {**self._front_row(), "port": None})
        self._trouble.clear()
        self._say(Standing.STOPPING if self._fleet.kept else Standing.STOPPED, "")

    def _front_row(self) -> dict[str, Any]:
        found = self._ledger.deployment(self.name)
        return dict(found.front) if found is not None else {}

    async def _tell_front(self) -> None:
        wanted = self._ledger.deployment(self.name)
        if wanted is None or wanted.port is None:
            return
        try:
            await self._front.ensure(wanted.port, self._fleet.backends)
        except StartFailed as error:
            self._front.problem = str(error)

    async def _plan(self, version: Version) -> Plan:
        """A version ready to be started. BuildFailed, StoreError, Unreachable."""
        try:
            return await self._plans.ready(version)
        except Unreachable:
            raise
        except MltuiError as error:
            self._trouble.is_hopeless(version.number, str(error))
            raise
