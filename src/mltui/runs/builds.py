"""Environments made ready: found as they were built before, or built, once for all who wait.

Called by the runner while it prepares stages. Each build has its own line in the journal and its
own log (`.mltui/builds/ID/log`), so that a failed one can be read like a failed stage.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from mltui.engines.protocol import Built, Engine
from mltui.errors import BuildFailed, MltuiError, UsageError
from mltui.pipeline.rows import State
from mltui.runs.crash import crash_point
from mltui.runs.journal import Journal
from mltui.runs.outcomes import Outcome
from mltui.runs.project import Project
from mltui.runs.rows import BuildRow
from mltui.runs.store import Store
from mltui.spec.model import Environment

FOLDER = "builds"
CONCURRENT = 2
"""Builds at once: they load the network and the disk more than the processor."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An environment that can be used; `resolved` is the digest of what is installed."""

    built: Built
    resolved: str


class Environments:
    """The environments of one run, as this runner knows them."""

    def __init__(
        self,
        project: Project,
        store: Store,
        journal: Journal,
        run: int | None,
        emit: Callable[[Outcome], None],
    ) -> None:
        """`run` None: a person asked for a build by itself."""
        self._project = project
        self._store = store
        self._journal = journal
        self._run = run
        self._emit = emit
        self._ready: dict[tuple[Engine, str], Ready] = {}
        self._building: dict[tuple[Engine, str], tuple[BuildRow, asyncio.Task[Ready]]] = {}
        self._room = asyncio.Semaphore(CONCURRENT)
        self._cancelled: dict[str, str] = {}

    def forget(self) -> None:
        """What was ready may be so no longer: requirements were edited (a retry)."""
        self._ready.clear()

    def known(self, engine: Engine, environment: Environment) -> Ready | None:
        """The environment if this run has used it already; asks nobody."""
        return self._ready.get((engine, environment.name))

    async def find(self, engine: Engine, environment: Environment) -> Ready | None:
        """The environment if it was ever built. Unreachable when the engine does not answer."""
        built = await engine.built(environment, self._project.root)
        return None if built is None else self._keep(engine, environment, built)

    def build(
        self, engine: Engine, environment: Environment, *, no_cache: bool = False
    ) -> tuple[BuildRow, asyncio.Task[Ready]]:
        """The build of an environment, begun now unless it is under way. BuildFailed if it can't.

        no_cache: every step anew, on engines that keep steps.
        The task raises BuildFailed when the tool says no.
        """
        key = engine.build_key(environment, self._project.root)
        found = self._building.get((engine, key))
        if found is not None:
            return found
        try:
            new_id = self._new_id(environment.name)
        except OSError as error:
            raise BuildFailed(f"the environment {environment.name}: {error}") from error
        row = BuildRow(
            id=new_id,
            environment=environment.name,
            engine=engine.name,
            key=key,
            state=State.BUILDING,
            started_at=time.time(),
            run=self._run,
        )
        row = replace(row, log=f"{FOLDER}/{row.id}/log")
        is_known = asyncio.Event()
        task = asyncio.create_task(self._make(engine, environment, row, is_known, no_cache))
        # Whoever waited may have lost interest; a failure is in the journal in any case.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._building[engine, key] = (row, task)
        self._emit(Outcome(builds=(row,), after=is_known.set))
        return row, task

    def cancel(self, build: str, by: str) -> None:
        """End a build that is under way; what waits for it fails. UsageError when it is over."""
        for row, task in self._building.values():
            if row.id == build:
                self._cancelled[build] = by
                task.cancel()
                return
        raise UsageError(f"the build {build} has ended already")

    def abandoned(self) -> tuple[BuildRow, ...]:
        """Builds of this run that a dead runner left, as they are to be journalled now."""
        return tuple(
            replace(
                row,
                state=State.FAILED,
                ended_at=time.time(),
                reason="the runner ended during the build; it is built again when it is needed",
            )
            for row in self._journal.builds()
            if row.run == self._run and row.state is State.BUILDING
        )

    def close(self) -> list[asyncio.Task[Ready]]:
        """End the builds that nobody waits for any more; wait for these tasks."""
        tasks = [task for _, task in self._building.values()]
        for task in tasks:
            task.cancel()
        return tasks

    async def _make(
        self,
        engine: Engine,
        environment: Environment,
        row: BuildRow,
        is_known: asyncio.Event,
        no_cache: bool,
    ) -> Ready:
        """Build it once its line is in the journal (`is_known`)."""
        log = self._project.folder / row.log
        try:
            async with self._room:
                await is_known.wait()
                crash_point("building")
                anew = {"no_cache": True} if no_cache else {}
                built = await engine.build(environment, self._project.root, log, **anew)
                crash_point("built")
            ready = self._keep(engine, environment, built)
        except asyncio.CancelledError as error:
            by = self._cancelled.get(row.id)
            reason = "nothing needs it any more" if self._run is not None else "cancelled"
            if by is not None:
                reason = f"cancelled by {by}"
            done = replace(row, state=State.CANCELLED, ended_at=time.time(), reason=reason)
            self._emit(Outcome(builds=(done,)))
            if by is not None:
                what = f"the build of the environment {environment.name} was {reason}"
                raise BuildFailed(f"{what}: retry builds it again") from error
            raise
        except (MltuiError, OSError) as error:
            done = replace(row, state=State.FAILED, ended_at=time.time(), reason=str(error))
            self._emit(Outcome(builds=(done,)))
            if isinstance(error, MltuiError):
                raise
            raise BuildFailed(f"the environment {environment.name}: {error}") from error
        finally:
            del self._building[engine, row.key]
        self._emit(
            Outcome(
                builds=(
                    replace(
                        row,
                        state=State.SUCCEEDED,
                        ended_at=time.time(),
                        resolved=ready.resolved,
                    ),
                )
            )
        )
        return ready

    def _keep(self, engine: Engine, environment: Environment, built: Built) -> Ready:
        ready = Ready(built, self._store.put_text(built.resolved).digest)
        self._ready[engine, environment.name] = ready
        return ready

    def _new_id(self, name: str) -> str:
        """`train-3`: the third build of `train`. Its folder claims the number."""
        number = len(self._journal.builds(environment=name, limit=-1)) + 1
        while True:
            try:
                (self._project.folder / FOLDER / f"{name}-{number}").mkdir(parents=True)
            except FileExistsError:
                number += 1
            else:
                return f"{name}-{number}"
