"""Runs stages as processes of this machine; made by the runner for targets `engine: process`.

An attempt is a session of its own around a small shell shim (`shim`), so it outlives the runner
and says itself how it ended. Its object is `pid:start time:boot id`. Everything it starts carries
a mark in its environment, by which also what has left the session is found and ended. Memory
limits are measured, not enforced: that takes a container.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mltui.engines.process import procs, shim
from mltui.engines.process.environments import Environments
from mltui.engines.process.keeping import Keeping
from mltui.engines.process.orphans import Orphans
from mltui.engines.process.plain import without_shell
from mltui.engines.process.procs import MARK, Identity
from mltui.engines.process.shells import Shells
from mltui.engines.process.watch import Watched
from mltui.engines.protocol import Attempt, Built, Exit, Stopped
from mltui.errors import StartFailed, Unreachable
from mltui.spec.model import Environment

_CLAIM_S = 5.0
"""How long a claim may be empty: the shim is between two system calls."""
_RECORD_S = 1.0
"""How long the shim has to record the end of a command that was killed."""
_SWEEP_S = 10.0
"""How long killed processes may take to go before it is reported."""
_ISOLATED = ("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__")


class ProcessEngine:
    """The process engine. `cache_folder` holds the virtual environments of all projects.

    None: `$MLTUI_CACHE`, or `mltui` under `$XDG_CACHE_HOME` (`~/.cache`). One instance belongs
    to one event loop.
    """

    name = "process"

    def __init__(
        self, cache_folder: Path | None = None, *, base_env: Mapping[str, str] | None = None
    ) -> None:
        self._environments = Environments(cache_folder)
        base = os.environ if base_env is None else base_env
        # A runner may itself be inside a stage, whose inputs are nobody else's.
        self._base = {
            name: value
            for name, value in base.items()
            if not name.startswith("MLTUI_") or name == "MLTUI_CACHE"
        }
        self._watched: dict[str, Watched] = {}
        self._stopped: set[str] = set()
        self._strays = procs.Strays()
        self._orphans: Orphans | None = None
        self._keeping: Keeping | None = None
        self._programs: dict[tuple[str, str], str] = {}
        """Program and PATH → where it is."""
        self._oom = (-1.0, 0)
        self.shells = Shells(self.environ, self._environments.built)

    # --- environments ---------------------------------------------------------------------------

    async def built(self, environment: Environment, project: Path) -> Built | None:
        """See `Engine`."""
        return self._environments.built(self.build_key(environment, project))

    def build_key(self, environment: Environment, project: Path) -> str:
        """See `Engine`."""
        return self._environments.key(environment, project)

    async def build(self, environment: Environment, project: Path, log: Path) -> Built:
        """See `Engine`. Cancelling it ends pip and leaves nothing that would be trusted."""
        return await self._environments.build(environment, project, log)

    # --- attempts -------------------------------------------------------------------------------

    def environ(self, attempt: Attempt) -> dict[str, str]:
        """The variables an attempt sees: the person's, the virtual environment's, its own."""
        env = {**self._base, **attempt.env}
        if attempt.built is not None:
            location = attempt.built.location
            for name in _ISOLATED:
                if name not in attempt.env:
                    env.pop(name, None)
            env["PATH"] = f"{location}/bin{os.pathsep}{env.get('PATH', os.defpath)}"
            env["VIRTUAL_ENV"] = location
        env.setdefault("PYTHONUNBUFFERED", "1")
        env.setdefault("PYTHONDONTWRITEBYTECODE", "1")
        env[MARK] = str(attempt.folder)
        return env

    async def start(self, attempt: Attempt) -> str:
        """See `Engine`. The command runs only if it can be claimed first.

        By the keeper, once that is there; by a shim until then, and where the keeper can't: the
        shell says why.
        """
        env = self.environ(attempt)
        program, argv = self._command(attempt, env)
        if self._orphans is None:
            self._orphans = Orphans()
        watched = None
        if self._keeping is None:
            self._begin_keeping()  # for those that follow
        elif self._keeping.is_ready:
            work = str(attempt.work)
            if "PWD" in env:
                env["PWD"] = work
            watched = await self._keeping.start(
                str(attempt.folder), work, program, argv, env, self._oom_kills()
            )
        if watched is None:
            log = f"{attempt.folder}/log"  # `attempt.log` would make a Path
            pid = shim.spawn(attempt.folder, attempt.work, procs.boot_id(), argv, env, log)
            identity = Identity.of(pid)  # our own child, not reaped yet: it is still there
            watched = Watched(identity, self._oom_kills(), is_child=True)
        obj = str(watched.identity)
        self._watched[obj] = watched
        return obj

    def _begin_keeping(self) -> None:
        # Where a keeper's orphans would not be ours, a shim does it all.
        if self._keeping is None and self._orphans is not None and self._orphans.works:
            self._keeping = Keeping()

    async def keep(self) -> bool:
        """Have the keeper there before the first attempt; False where there can be none."""
        self._orphans = self._orphans or Orphans()
        self._begin_keeping()
        return self._keeping is not None and await self._keeping.ready()

    def _command(self, attempt: Attempt, env: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        """What to execute, and where it is: without a shell that would only start it."""
        if not attempt.argv:
            raise StartFailed(f"{attempt.name} has no command")
        path = env.get("PATH", os.defpath)
        call = without_shell(attempt.argv)
        if call is not None and (where := self._find_program(call[0], path, attempt)) is not None:
            return where, call
        where = self._find_program(attempt.argv[0], path, attempt)
        if where is None:
            program = attempt.argv[0]
            raise StartFailed(f"there is no program {program!r} on the PATH of {attempt.name}")
        return where, attempt.argv

    def _find_program(self, program: str, path: str, attempt: Attempt) -> str | None:
        known = self._programs.get((program, path))
        if known is not None:
            return known
        if "/" in program:
            return shutil.which(str(attempt.work / program))
        found = shutil.which(program, path=path)
        if found is not None:
            self._programs[program, path] = found
        return found

    async def find(self, attempt: Attempt) -> str | None:
        """See `Engine`. Without a claim it is taken here, so the shim that comes late ends."""
        if not attempt.folder.exists() or shim.claim(attempt.folder):
            return None
        deadline = asyncio.get_running_loop().time() + _CLAIM_S
        while True:
            record = shim.read_record(attempt.folder)
            if record is not None:
                identity = record.identity
                return None if identity is None else str(identity.found(str(attempt.folder)))
            if not shim.is_kept(attempt.folder) and not self._strays.find(
                str(attempt.folder), fresh=True
            ):
                # Nobody is left who could write it, and the command runs only after that.
                if shim.read_record(attempt.folder) is None:
                    return None
            elif asyncio.get_running_loop().time() > deadline:
                raise Unreachable(f"{attempt.name} neither starts nor ends: is it stopped?")
            else:
                await asyncio.sleep(0.01)

    async def wait(self, attempt: Attempt, obj: str) -> Exit:
        """See `Engine`. What the attempt left running is ended too."""
        watched = self._watch(obj)
        await watched.ended.wait()
        if not watched.is_child or self._may_be_left(attempt, watched.identity.pid):
            await self._sweep(attempt, fresh=False)
        if watched.code == 0:  # our own shim or keeper claimed the attempt and wrote its record
            return Exit(Stopped.EXITED, 0, watched.usage(None))
        record = await self._read_record(attempt)
        usage = watched.usage(None if record is None else record.cpu_s)
        owner = None if record is None else record.identity
        if record is not None and (owner is None or not owner.is_same(watched.identity)):
            return Exit(Stopped.LOST, None, usage, "another runner had taken this attempt over")
        code = watched.code if record is None or record.code is None else record.code
        if record is None and code in (None, shim.NOT_CLAIMED):
            message = f"it could not write to its folder {attempt.folder}, so it did not start"
            return Exit(Stopped.LOST, None, usage, message)
        if code is None and obj in self._stopped:
            code = 128 + signal.SIGKILL
        if code is None:
            return Exit(Stopped.LOST, None, usage, _lost(Identity.parse(obj)))
        return Exit(self._how(code, watched, obj), code, usage)

    async def _read_record(self, attempt: Attempt) -> shim.Record | None:
        """The record of what has ended; a keeper writes it a moment later."""
        while True:
            is_kept = shim.is_kept(attempt.folder)
            record = shim.read_record(attempt.folder)
            if not is_kept or (record is not None and record.code is not None):
                return record
            await asyncio.sleep(0.005)

    def _may_be_left(self, attempt: Attempt, session: int) -> bool:
        others = {each.identity.pid for each in self._watched.values() if not each.ended.is_set()}
        if self._keeping is not None:
            others.add(self._keeping.pid)
        mark = str(attempt.folder)
        return self._orphans is None or self._orphans.may_be_left(session, mark, others)

    def _how(self, code: int, watched: Watched, obj: str) -> Stopped:
        # A shell can't tell a command that a signal ended from one that exits with 128 + n.
        if not (code > 128 and code - 128 in signal.valid_signals()):
            return Stopped.EXITED
        if code == 128 + signal.SIGKILL and obj not in self._stopped and watched.saw_oom_kill:
            return Stopped.OUT_OF_MEMORY
        return Stopped.SIGNALLED

    async def stop(self, attempt: Attempt, obj: str, grace_s: float) -> None:
        """See `Engine`. SIGTERM to its processes, after `grace_s` SIGKILL; then what escaped."""
        watched = self._watch(obj)
        if not watched.ended.is_set():
            self._stopped.add(obj)
            watched.signal_group(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(watched.ended.wait(), grace_s)
        # A shim is spared at first, so that it can record the end.
        record = shim.read_record(attempt.folder)
        is_shim = record is None or record.keeper is None
        spare = watched if is_shim and not watched.ended.is_set() else None
        left = await self._sweep(attempt, spare=spare)
        if not watched.ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(watched.ended.wait(), _RECORD_S)
            watched.signal_group(signal.SIGKILL)
            with suppress(TimeoutError):
                await asyncio.wait_for(watched.ended.wait(), _SWEEP_S)
            left = await self._sweep(attempt)
        if left or not watched.ended.is_set():
            pids = ", ".join(map(str, left)) or obj.partition(":")[0]
            raise Unreachable(f"{attempt.name} was killed but does not end (process {pids})")

    async def _sweep(
        self, attempt: Attempt, *, spare: Watched | None = None, fresh: bool = True
    ) -> list[int]:
        """End every process with the attempt's mark; those that won't go within `_SWEEP_S`."""
        mark = str(attempt.folder)
        deadline = asyncio.get_running_loop().time() + _SWEEP_S
        pause_s = 0.001
        while True:
            found = self._strays.find(mark, fresh=fresh)
            if spare is not None and spare.identity.pid in found:
                found.remove(spare.identity.pid)
            if not found or asyncio.get_running_loop().time() > deadline:
                return found
            # All are halted before the first is killed: a parent would otherwise see its child go
            # and start another, or end as if all were well.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in found:
                    procs.signal_marked(pid, mark, number)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.1)

    async def remove(self, attempt: Attempt, obj: str | None) -> None:
        """See `Engine`. The claim stays in the attempt's folder as long as that does."""
        self.forget(obj)

    def forget(self, obj: str | None) -> None:
        """As `remove`, at once: there is nothing to wait for."""
        if obj is not None:
            watched = self._watched.pop(obj, None)
            if watched is not None:
                watched.close()
            self._stopped.discard(obj)

    def _watch(self, obj: str) -> Watched:
        watched = self._watched.get(obj)
        if watched is None:
            identity = Identity.parse(obj)
            watched = Watched(identity, self._oom_kills(), is_child=False)
            self._watched[obj] = watched
        return watched

    def _oom_kills(self) -> int:
        """The kernel's count, at most a second old: reading it costs more than starting."""
        now = time.monotonic()
        if now - self._oom[0] > 1.0:
            self._oom = (now, procs.oom_kills())
        return self._oom[1]

    async def close(self) -> None:
        """Give back descriptors and timers; attempts go on."""
        if self._keeping is not None:
            await self._keeping.close()
            self._keeping = None
        for watched in self._watched.values():
            watched.close()
        self._watched.clear()


def _lost(identity: Identity) -> str:
    if identity.boot != procs.boot_id():
        return "the machine was restarted while it ran"
    return f"process {identity.pid} vanished without saying how it ended: somebody killed it"
