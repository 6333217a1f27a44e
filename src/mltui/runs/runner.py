"""The runner: a detached process that works through a project's runs, one after the other.

Started by `client.ensure_runner` as `python -m mltui.runs.runner ROOT`, or by `warm`. It holds the
runner's lock while it works and goes when nothing is left. It may be killed at any moment: its
attempts go on, and the next runner takes them over from the journal.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from mltui.errors import MltuiError
from mltui.pipeline.model import Event, Limits, RunEnded, RunPlanned
from mltui.pipeline.rows import Instance, State
from mltui.pipeline.scheduler import Scheduler
from mltui.runs import attempts, git, planning, requests
from mltui.runs.client import LOG
from mltui.runs.context import Context
from mltui.runs.crash import crash_point
from mltui.runs.detached import work
from mltui.runs.engines import Engines
from mltui.runs.history import History
from mltui.runs.journal import Journal
from mltui.runs.keys import Key
from mltui.runs.lock import RunnerLock
from mltui.runs.planning import Blueprint
from mltui.runs.project import Project
from mltui.runs.reserve import Reserve
from mltui.runs.rows import Request, RunRow
from mltui.runs.running import Running
from mltui.runs.summary import state_columns
from mltui.runs.warm import WHEN_TOLD, wait_to_begin

log = logging.getLogger("mltui.runner")

POLL_S = 0.05
"""How often the journal is looked at for requests: a few microseconds a look."""
_EXIT_USAGE = 2
_GOING_ON = (State.PENDING, State.RUNNING, State.UNKNOWN)


class Runner:
    """One runner at work. It has the lock."""

    def __init__(self, project: Project, journal: Journal) -> None:
        self._project = project
        self._journal = journal
        self._store = project.store()
        self._engines = Engines()
        self._reserve = Reserve(project.folder)
        self._active: Running | None = None
        self._failed: set[int] = set()
        """Runs that this runner could not go on with; the next one may."""
        self._seen = -1
        self._seat = asyncio.Lock()
        """Held while a request is handled and while a run is taken up: a run that is at rest
        must not be changed by two at once."""

    async def serve(self) -> None:
        """Work until neither a run nor a request is left."""
        runs = (r.number for r in self._journal.runs() if r.state in _GOING_ON)
        attempts.sweep_secrets(self._project, runs)
        poller = asyncio.create_task(self._poll())
        try:
            while True:
                await self._handle_requests()
                row = self._next_run()
                if row is None:
                    break
                await self._work(row, poller)
        finally:
            poller.cancel()
            if self._active is not None:
                left = self._active.let_go()
                log.info("going; %d attempts of run %d go on", left, self._active.number)
            await self._engines.close()

    def is_needed(self) -> bool:
        """Whether something is left that this runner could do."""
        return self._next_run() is not None or bool(self._journal.open_requests())

    def _next_run(self) -> RunRow | None:
        left = (row for row in self._journal.unfinished() if row.number not in self._failed)
        return next(left, None)

    # --- runs -----------------------------------------------------------------------------------

    async def _work(self, row: RunRow, poller: asyncio.Task[None]) -> None:
        """Take one run to its end, or as far as it goes."""
        number = row.number
        try:
            self._reserve.lay_by()
            async with self._seat:
                running = self._active = await self._open(number)
            gc.freeze()  # a plan of a thousand stages is not looked through again and again
            if running is None:
                return
            work = asyncio.create_task(running.go())
            # A fault in handling requests must end this too, or nobody would be answered.
            await asyncio.wait({work, poller}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                poller.result()
            ended = await work
            self._active = None
            await running.put_back()
            log.info("run %d: %s%s", number, ended.state, f": {ended.reason}" * bool(ended.reason))
        except Exception as error:
            self._give_up(number, error)

    def _give_up(self, number: int, error: Exception) -> None:
        """Go on without this run; what is under way in it goes on and is found again."""
        log.exception("run %d can't go on", number)
        self._failed.add(number)
        if self._active is not None:
            self._active.let_go()
            self._active = None
        what = str(error) if isinstance(error, MltuiError) else f"{type(error).__name__}: {error}"
        reason = f"the runner could not go on ({what}): see .mltui/runner.log, then `mltui resume`"
        try:
            self._journal.append(
                number, [], update={"state": State.UNKNOWN.value, "reason": reason}
            )
        except MltuiError:
            log.exception("run %d is left as it is", number)

    async def _open(self, number: int) -> Running | None:
        """A run made ready for work: planned now, or rebuilt from its journal."""
        row = self._journal.run(number)
        if row is None or row.state not in (State.PENDING, State.RUNNING):
            return None  # a request came first
        crash_point("queued")
        events = [event for _, event in self._journal.events(row.number)]
        if any(isinstance(event, RunPlanned) for event in events):
            return self._rebuild(row, events)
        return await self._plan(row)

    async def _plan(self, row: RunRow) -> Running | None:
        now = time.time()
        try:
            (event, blueprint), (commit, is_dirty) = await asyncio.gather(
                asyncio.to_thread(planning.take, self._project, self._store, row.request, now),
                asyncio.to_thread(git.state, self._project.root),
            )
        except MltuiError as error:
            ended = RunEnded(now, State.FAILED, str(error), _EXIT_USAGE)
            columns = {"started_at": now, **state_columns(ended)}
            self._journal.append(row.number, [ended], update=columns)
            log.info("run %d can't begin: %s", row.number, error)
            return None
        history = History(self._store)
        history.offer(event, blueprint)
        scheduler = Scheduler(row.number, history.planned(event).plan, history.plan_for)
        running = self._running(row, history, blueprint, scheduler, {})
        running.note(event, {"started_at": now, "commit": commit, "dirty": int(is_dirty)})
        return running

    def _rebuild(self, row: RunRow, events: list[Event]) -> Running:
        history = History(self._store)
        keys = history.read(events)
        scheduler = Scheduler.replay(row.number, history.plan_for, events)
        scheduler.changed()  # the rows of these events are in the journal
        scheduler.removed()
        return self._running(row, history, history.present, scheduler, keys)

    def _running(
        self,
        row: RunRow,
        history: History,
        blueprint: Blueprint,
        scheduler: Scheduler,
        keys: dict[Instance, Key],
    ) -> Running:
        context = Context(
            self._project,
            self._store,
            self._journal,
            self._engines,
            row.number,
            blueprint,
            scheduler,
            keys=keys,
        )
        target = planning.find_target(blueprint.spec, blueprint.target)
        limits = limits_of(target.engine, row.request.jobs)
        return Running(context, history, limits, self._reserve, row)

    # --- requests -------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Look for requests as long as there is work."""
        while True:
            version = self._journal.data_version()
            if version != self._seen:
                self._seen = version
                await self._handle_requests()
            await asyncio.sleep(POLL_S)

    async def _handle_requests(self) -> None:
        async with self._seat:
            for request in self._journal.open_requests():
                try:
                    await self._handle(request)
                except Exception as error:
                    # Of this run only; the one at work has nothing to do with it.
                    log.exception("request %d about run %d", request.id, request.run)
                    answer = f"the runner could not do that ({error}): see .mltui/runner.log"
                    self._journal.answer(request.id, time.time(), answer)

    async def _handle(self, request: Request) -> None:
        row = self._journal.run(request.run)
        if row is None:
            self._journal.answer(request.id, time.time(), f"there is no run {request.run}")
        elif request.kind == "resume" or row.state is State.UNKNOWN:
            self._failed.discard(row.number)
            self._journal.append(row.number, [], update={"state": State.PENDING.value})
            if request.kind == "resume":
                self._journal.answer(request.id, time.time())
            else:
                await self._handle_at_rest(request, row)
        elif self._active is not None and self._active.number == row.number:
            running = self._active
            await requests.handle(request, running, row.request)
            if running is not self._active:  # it ended meanwhile: nobody else journals the answer
                await running.put_back()
        else:
            await self._handle_at_rest(request, row)

    async def _handle_at_rest(self, request: Request, row: RunRow) -> None:
        """A request for a run that is not at work: it may have to be queued again."""
        events = [event for _, event in self._journal.events(row.number)]
        if any(isinstance(event, RunPlanned) for event in events):
            running = self._rebuild(row, events)
            await requests.handle(request, running, row.request)
            await running.put_back()
            return
        now, answer = time.time(), ""
        ended: list[RunEnded] = []
        columns: dict[str, object] = {}
        if request.kind == "cancel" and row.state is State.PENDING:
            ended = [RunEnded(now, State.CANCELLED, f"cancelled by {request.by}", 1)]
            columns = state_columns(ended[0])
        elif request.kind == "retry" and row.state is not State.PENDING:
            columns = {**state_columns(None), "state": State.PENDING.value}
        else:
            answer = f"run {row.number} has not begun yet"
        self._journal.append(row.number, ended, answers=[(request.id, now, answer)], update=columns)


def limits_of(engine: str, jobs: int | None) -> Limits:
    """How much runs at once: on this machine what it has, elsewhere only `jobs` attempts."""
    processors = os.cpu_count() or 2
    if engine != "process":
        return Limits(jobs or 2 * processors)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    devices = len(list(Path("/dev").glob("nvidia[0-9]*")))
    return Limits(jobs or max(2, processors), float(processors), memory, devices)


def main(arguments: list[str]) -> int:
    """Run the project in `arguments[0]`; the exit code. With `WHEN_TOLD`: once it is told to."""
    # What a run allocates, it keeps: looking through it every 700 objects finds nothing.
    gc.set_threshold(50_000, 20, 20)
    project = Project(Path(arguments[0]))
    if WHEN_TOLD in arguments:
        with suppress(MltuiError):  # whoever starts us says what is wrong with it
            project.read_spec()
        if not wait_to_begin(project.folder / LOG):
            return 0
    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(message)s", level="INFO")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lock = RunnerLock(project.folder)
    try:
        journal = project.journal(write=True)
        work(lock, lambda: Runner(project, journal), log)
    except Exception:
        log.exception("the runner ends because of an error; `mltui resume` starts another")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
