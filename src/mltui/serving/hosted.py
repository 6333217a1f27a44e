"""One deployment at a host that keeps services by itself, a cluster: told what is wanted, watched.

Made by the supervisor in place of a `Keeper` where the target's engine has a `host`. The cluster
replaces, restarts and spreads replicas, also while no supervisor is there; what is seen to here is
what it can't know: which version is wanted, when one is given back, what goes into the journal.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from mltui.engines.hosting import Host, Hosting, Look, Member, Wanted
from mltui.errors import Forbidden, MltuiError, StartFailed, Unreachable
from mltui.runs import attempts
from mltui.serving.fleet import READY_S
from mltui.serving.following import Follower
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.plans import Plans
from mltui.serving.probing import Answer
from mltui.serving.replicas import Plan, mark_of
from mltui.serving.rows import Course, Deployment, Health, Replica, Standing, Version
from mltui.serving.trouble import TRIES

log = logging.getLogger("mltui.supervisor")

HOSTED = "kubernetes"
"""The engine that keeps services by itself."""
_CALM_S = 10.0
_BUSY_S = 1.0
_AGAIN_S = 3.0
_LAY_OUT = 0
"""In place of a replica's number: what all of a version are made from."""
_SOON_S = 5.0
"""For so long what is wrong with connections may be that everybody has yet to hear of a change."""


class HostedKeeper:
    """The keeper of one deployment at a host."""

    def __init__(self, name: str, ledger: Ledger, maker: Maker) -> None:
        self.name = name
        self._ledger, self._maker = ledger, maker
        self._plans = Plans(ledger, maker)
        self._wake = asyncio.Event()
        self._rows: dict[str, Replica] = {}
        """Object → its row, of those that are there."""
        self._followers: dict[str, Follower] = {}
        self._host: Host | None = None
        self._hosting: Hosting | None = None
        self._since: dict[str, float] = {}
        """What is wrong → since when it is."""
        self._is_adopted = False
        self._wanted: Deployment | None = None
        """What this turn goes by."""
        self._told: tuple[object, ...] | None = None
        """What the host is being told: how it stands is not said anew at each try."""

    def wake(self) -> None:
        """Something has changed: look again."""
        self._wake.set()

    async def keep(self) -> None:
        """Keep it until cancelled."""
        while True:
            self._wake.clear()
            pause_s = _AGAIN_S
            try:
                pause_s = await self._turn()
            except (Unreachable, Forbidden) as error:
                self._say(Standing.UNKNOWN, str(error))
            except MltuiError as error:
                # What serves goes on serving.
                is_up = bool(self.ready_rows())
                self._say(Standing.DEGRADED if is_up else Standing.FAILED, str(error))
            except Exception as error:
                log.exception("%s", self.name)
                self._say(Standing.UNKNOWN, f"the supervisor could not go on ({error})")
            await self._rest(pause_s)

    async def _rest(self, limit_s: float) -> None:
        """Until something is asked for, changes there, or `limit_s` has passed."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._wake.wait())]
        if self._host is not None and self._hosting is not None:
            waits.append(asyncio.create_task(self._host.changed(self._hosting, limit_s)))
        try:
            await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def let_go(self) -> None:
        """Leave everything as it is: the supervisor goes."""
        for follower in self._followers.values():
            follower.let_go()

    def ready_rows(self) -> list[Replica]:
        """The replicas that get requests."""
        return [row for row in self._rows.values() if row.health is Health.READY]

    def metrics_path(self) -> str | None:
        """Where the service has its metrics."""
        service = self._plans.service
        return None if service is None else service.metrics

    async def ask(self, replica: Replica, path: str) -> Answer:
        """GET a path of a replica."""
        if self._host is None or self._hosting is None or replica.object is None:
            return Answer(0, b"", "it is not known where it is")
        said = await self._host.ask(self._hosting, replica.object, replica.port or 0, path)
        return Answer(*said)

    # --- one turn -------------------------------------------------------------------------------

    async def _turn(self) -> float:
        """Look, and do what is to be done; how long nothing need be looked at after that."""
        wanted = self._wanted = self._ledger.deployment(self.name)
        if wanted is None:
            return _CALM_S
        version = self._ledger.version(self.name, wanted.version)
        assert version is not None
        plan = await self._plans.bare(version.number, version)
        host, hosting = self._reach(plan)
        if not self._is_adopted:
            self._rows = {r.object: r for r in self._ledger.replicas(self.name) if r.object}
            self._is_adopted = True
        look = await host.look(hosting)
        self._note(look, wanted, version)
        if not wanted.is_wanted:
            return await self._wind_down(host, hosting, look)
        if version.course is Course.FAILED:
            return _CALM_S  # until a person wants something else, or the same again
        is_told = look.told is not None and look.told[:2] == (version.number, wanted.restarted_at)
        if not is_told:
            if self._told != wanted.wish:
                self._told = wanted.wish
                self._say(Standing.REPLACING if self.ready_rows() else Standing.STARTING, "")
            if not await self._tell(host, wanted, version):
                return 0.0
            self._told = None
            look = await host.look(hosting)
            self._note(look, wanted, version)
        elif look.told is not None and look.told[2] != wanted.replicas:
            await host.scale(hosting, wanted.replicas)
            return 0.0
        why = ""
        if version.course is Course.WAITING:
            why = await self._hopeless(host, look, version)
        if why:
            await self._give_back(host, hosting, wanted, why)
            return 0.0
        self._judge(look, wanted, version)
        is_calm = look.is_done and not look.problem and not any(m.is_going for m in look.members)
        return _CALM_S if is_calm else _BUSY_S

    def _reach(self, plan: Plan) -> tuple[Host, Hosting]:
        engine = self._plans.engine(plan)
        host = getattr(engine, "host", None)
        if host is None:
            raise StartFailed(
                f"target {self.name.partition('@')[2]} was a cluster when {self.name} began and is "
                f"{engine.name} now: `mltui stop {self.name}` first"
            )
        self._host = host
        name = f"{plan.spec.name}-{plan.service.name}"
        self._hosting = Hosting(self.name, name, mark_of(self._maker.project))
        return host, self._hosting

    async def _tell(self, host: Host, wanted: Deployment, version: Version) -> bool:
        """Have the host replace what is there; whether it could be."""
        try:
            plan = await self._plans.ready(version)
            assert self._hosting is not None
            row = Replica(self.name, _LAY_OUT, version.number, Health.STARTING, 0.0)
            engine = self._plans.engine(plan)
            attempt = plan.attempt(row, engine)
            try:
                await asyncio.to_thread(plan.lay_out, _LAY_OUT)
                await host.tell(
                    Wanted(
                        self._hosting,
                        attempt,
                        version.number,
                        wanted.restarted_at,
                        wanted.replicas,
                        wanted.port,
                        plan.service.health,
                        READY_S,
                    )
                )
            finally:
                for folder in (attempt.work, attempt.secrets):
                    if folder is not None:
                        await asyncio.to_thread(attempts.remove_tree, folder)
        except (Unreachable, Forbidden):
            raise
        except (MltuiError, OSError) as error:
            if version.course is not Course.WAITING:
                raise
            self._ledger.give_back(wanted, str(error), time.time())
            return False
        self._since.clear()
        return True

    def _note(self, look: Look, wanted: Deployment, version: Version) -> None:
        """Write down which replicas there are."""
        there = {member.object for member in look.members}
        for obj, row in list(self._rows.items()):
            if obj not in there:
                del self._rows[obj]
                reason = row.reason if row.health is not Health.READY else "it was removed"
                gone = replace(row, health=Health.GONE, ended_at=time.time(), reason=reason)
                self._ledger.put_replica(gone)
                self._end_following(obj)
        for member in look.members:
            self._note_member(member, wanted, version)
        if look.url and wanted.front.get("url") != look.url:
            self._ledger.set_front(self.name, {"url": look.url})

    def _note_member(self, member: Member, wanted: Deployment, version: Version) -> None:
        row = self._rows.get(member.object)
        if row is None:
            # Made before a restart or after it: what it was made from says so, not its clock.
            is_new = member.restarted_at >= wanted.restarted_at
            at = member.made_at
            at = max(at, wanted.restarted_at) if is_new else min(at, wanted.restarted_at - 1e-3)
            of = version
            if member.version != version.number:
                of = self._ledger.version(self.name, member.version) or version
            row = self._ledger.next_replica(of, None, at)
        service = self._plans.service
        port = None if service is None else service.port
        health, ready_at, reason = Health.STARTING, row.ready_at, member.problem
        if member.is_going:
            health, reason = Health.DRAINING, row.reason or "it is replaced"
        elif member.is_ready:
            health, ready_at, reason = Health.READY, row.ready_at or time.time(), ""
        elif row.ready_at is not None:
            health = Health.UNWELL
        new = replace(
            row,
            health=health,
            object=member.object,
            host=member.address or row.host,
            port=port,
            ready_at=ready_at,
            reason=reason,
        )
        if new != self._rows.get(member.object):
            self._rows[member.object] = new
            self._ledger.put_replica(new)
        has_run = member.started_at is not None or member.ends > 0
        if member.object not in self._followers and has_run:
            assert self._host is not None and self._hosting is not None
            folder = self._maker.project
            self._followers[member.object] = Follower(folder, self._host, self._hosting, new)

    def _end_following(self, obj: str) -> None:
        follower = self._followers.pop(obj, None)
        if follower is not None:
            follower.end()

    async def _hopeless(self, host: Host, look: Look, version: Version) -> str:
        """Why a version does not get healthy; empty while it may."""
        members = [m for m in look.members if m.version == version.number and not m.is_going]
        now = time.time()
        for member in members:
            if member.is_hopeless:
                return member.problem
            stuck = f"{member.object} {member.problem}" if member.is_stuck else ""
            if stuck and now - self._since.setdefault(stuck, now) > host.patience_s:
                return member.problem
            if member.started_at is not None and not member.is_ready and not member.ends:
                began = self._since.setdefault(f"{member.object} runs", now)
                if now - began > READY_S:
                    return f"it was not healthy within {READY_S:g} s: {member.problem}"
        if sum(member.ends for member in members) >= TRIES:
            worst = max(members, key=lambda each: each.ends)
            return f"{worst.problem}{await self._last_words(worst)}"
        if not look.problem or look.is_done:
            return ""
        since = self._since.setdefault(look.problem, now)
        return look.problem if now - since > host.patience_s else ""

    async def _last_words(self, member: Member) -> str:
        follower = self._followers.get(member.object)
        return "" if follower is None else await follower.last_words()

    async def _give_back(
        self, host: Host, hosting: Hosting, wanted: Deployment, reason: str
    ) -> None:
        before = self._ledger.give_back(wanted, reason, time.time())
        log.info("%s: version %d is given back: %s", self.name, wanted.version, reason)
        self._since.clear()
        if before is None and not self.ready_rows():
            found = self._ledger.deployment(self.name)
            if found is not None and found.version == wanted.version:
                await host.take_down(hosting)

    def _judge(self, look: Look, wanted: Deployment, version: Version) -> None:
        """Say how it stands; the wanted version serves once all of it does."""
        ready = [m for m in look.members if m.is_ready and not m.is_going]
        current = sum(m.version == version.number for m in ready)
        problem = next((m.problem for m in look.members if m.problem), look.problem)
        if not look.is_done:
            stale = len(ready) - current
            if stale and current < wanted.replicas:
                done = f"{current} of {wanted.replicas} replicas are of version {version.number}"
                self._say(Standing.REPLACING, problem or done)
            elif version.course is Course.SERVING and look.told is not None:
                is_busy = problem in ("", "it starts", "its pod begins", "its pod is being made")
                state = Standing.REPLACING if is_busy and ready else Standing.DEGRADED
                self._say(state, problem or f"{len(ready)} of {wanted.replicas} replicas are ready")
            else:
                self._say(Standing.REPLACING if ready else Standing.STARTING, problem)
            return
        # Why an earlier version came back stays to be read until something else is wanted.
        reason = wanted.reason if "did not get healthy" in wanted.reason else ""
        state = Standing.READY
        self._since = {key: at for key, at in self._since.items() if key == look.problem}
        if look.problem:
            since = self._since.setdefault(look.problem, time.time())
            if time.time() - since > _SOON_S:
                state, reason = Standing.DEGRADED, look.problem
            elif wanted.state is not Standing.READY:
                return  # whoever waits for it is told once it is reached
        self._say(state, reason)
        # Last: whoever waits for the version finds its service ready.
        if version.course is not Course.SERVING:
            self._ledger.settle(wanted)
            self._plans.forget(but=(version.number,))

    async def _wind_down(self, host: Host, hosting: Hosting, look: Look) -> float:
        if look.told is not None or look.url:
            await host.take_down(hosting)
        if look.members:
            self._say(Standing.STOPPING, "")
            return _BUSY_S
        if look.told is not None:
            return 0.0
        self._say(Standing.STOPPED, "")
        return _CALM_S

    def _say(self, state: Standing, reason: str) -> None:
        self._ledger.set_state(self.name, state, reason, len(self.ready_rows()), self._wanted)
