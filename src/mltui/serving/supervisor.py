"""The supervisor: a detached process that keeps a project's services and runs its monitors.

Started by `client.ensure_supervisor` as `python -m mltui.serving.supervisor ROOT`. It holds a lock
of its own while anything is wanted, and goes when nothing is. It may be killed at any moment:
replicas and fronts go on, and the next supervisor finds them again from the serving journal.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from pathlib import Path

from mltui.runs.detached import work
from mltui.runs.lock import SUPERVISOR, RunnerLock
from mltui.runs.project import Project
from mltui.serving import records
from mltui.serving.fronting import FrontHandle
from mltui.serving.hosted import HOSTED, HostedKeeper
from mltui.serving.keeper import Keeper
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.monitoring import Monitors
from mltui.serving.rows import Deployment, Standing
from mltui.serving.scraping import Scraper

log = logging.getLogger("mltui.supervisor")

POLL_S = 0.1
"""How often the journal is looked at for what is wanted: a few microseconds a look."""
LEAVE_AFTER_S = 1.0
_SWEEP_S = 3_600.0


class Supervisor:
    """One supervisor at work. It has the lock."""

    def __init__(self, project: Project, ledger: Ledger) -> None:
        self._project, self._ledger = project, ledger
        self._maker = Maker(project, project.store(), project.journal(write=True))
        self._keepers: dict[str, tuple[Keeper | HostedKeeper, asyncio.Task[None]]] = {}
        self._scrapers: list[asyncio.Task[None]] = []
        self._monitors = Monitors(ledger, self._maker)
        doubt(ledger)

    async def serve(self) -> None:
        """Work until nothing is wanted."""
        loop = asyncio.get_running_loop()
        seen, idle_since = -1, loop.time()
        others = [asyncio.create_task(work) for work in (self._monitors.keep(), self._note())]
        try:
            while True:
                version = self._ledger.data_version()
                if version != seen:
                    seen = version
                    self._look()
                self._monitors.notice()
                for task in (*others, *(task for _, task in self._keepers.values())):
                    if task.done():
                        task.result()
                if self._ledger.is_needed():
                    idle_since = loop.time()
                elif loop.time() - idle_since > LEAVE_AFTER_S:
                    return
                await asyncio.sleep(POLL_S)
        finally:
            await self._let_go(others)

    async def _note(self) -> None:
        """Note what services have recorded, and tidy up after replicas that are no more."""
        swept = 0.0
        while True:
            for found in self._ledger.deployments():
                records.note_sizes(self._project, self._ledger, found.name)
                if time.monotonic() - swept > _SWEEP_S:
                    alive = [replica.number for replica in self._ledger.replicas(found.name)]
                    now = time.time()
                    records.forget_sizes(self._ledger, found.name, now)
                    old = {
                        number: records.size_at(
                            self._ledger, found.name, number, now - records.KEEP_S
                        )
                        for number in alive
                    }
                    await asyncio.to_thread(
                        records.sweep, self._project, found.name, alive, now, old
                    )
            if time.monotonic() - swept > _SWEEP_S:
                swept = time.monotonic()
            await asyncio.sleep(records.STEP_S)

    def _look(self) -> None:
        """Something is wanted: a keeper for what has none, and all of them look again."""
        for found in self._ledger.deployments():
            kept = self._keepers.get(found.name)
            if kept is not None and isinstance(kept[0], HostedKeeper) != self._is_hosted(found):
                # Stopped, and deployed again where its target has another engine by now.
                kept[0].let_go()
                kept[1].cancel()
                kept = None
            if kept is None:
                keeper = self._keeper(found)
                self._keepers[found.name] = (keeper, asyncio.create_task(keeper.keep()))
                scraper = Scraper(self._ledger, found.name)
                self._scrapers.append(asyncio.create_task(scraper.keep(keeper)))
            self._keepers[found.name][0].wake()

    def _is_hosted(self, found: Deployment) -> bool:
        version = self._ledger.version(found.name, found.version)
        return version is not None and version.engine == HOSTED

    def _keeper(self, found: Deployment) -> Keeper | HostedKeeper:
        if self._is_hosted(found):
            return HostedKeeper(found.name, self._ledger, self._maker)
        front = FrontHandle(self._project, self._ledger, self._maker.fronts, found.name)
        return Keeper(found.name, self._ledger, self._maker, front)

    async def _let_go(self, tasks: list[asyncio.Task[None]]) -> None:
        for keeper, task in self._keepers.values():
            keeper.let_go()
            tasks.append(task)
        tasks.extend(self._scrapers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._monitors.let_go(), return_exceptions=True)
        await self._maker.close()

    def is_needed(self) -> bool:
        """Whether something is wanted that this supervisor could see to."""
        return self._ledger.is_needed()


def doubt(ledger: Ledger) -> None:
    """What an earlier supervisor said of services is not known until they are looked at."""
    for found in ledger.deployments():
        if found.is_wanted and found.state in (Standing.READY, Standing.DEGRADED):
            why = found.reason or "its supervisor has just begun and looks for it"
            ledger.set_state(found.name, Standing.STARTING, why, found.ready, found)


def main(arguments: list[str]) -> int:
    """Keep the project in `arguments[0]`; the exit code."""
    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(message)s", level="INFO")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    project = Project(Path(arguments[0]))
    lock = RunnerLock(project.folder, SUPERVISOR)
    try:
        ledger = Ledger.open(project.folder, write=True)
        work(lock, lambda: Supervisor(project, ledger), log)
    except Exception:
        log.exception("the supervisor ends because of an error; `mltui resume` starts another")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
