"""What makes replicas and monitors' attempts: engines, environments, plans of versions.

Made once by the supervisor and shared by its keepers and its monitors.
"""

from __future__ import annotations

from pathlib import Path

from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Attempt, Built, Engine
from mltui.runs.builds import Environments, Ready
from mltui.runs.engines import Engines
from mltui.runs.journal import Journal
from mltui.runs.outcomes import Outcome
from mltui.runs.planning import find_target
from mltui.runs.project import Project
from mltui.runs.store import Store
from mltui.serving.replicas import Plan
from mltui.serving.rows import Version
from mltui.spec.model import Environment, Spec

NO_RUN = 0
"""In place of a run's number, for builds that no run asked for."""


class Maker:
    """The engines and environments of one supervisor."""

    def __init__(self, project: Project, store: Store, journal: Journal) -> None:
        self.project, self.store, self.journal = project, store, journal
        self._engines = Engines()
        self.fronts = ProcessEngine()
        """Fronts run here, whatever the replicas run on."""
        self._environments = Environments(project, store, journal, NO_RUN, self._note)
        for row in self._environments.abandoned():
            journal.put_build(row)

    def _note(self, outcome: Outcome) -> None:
        """A build's line in the journal of runs."""
        for build in outcome.builds:
            self.journal.put_build(build)
        if outcome.after is not None:
            outcome.after()

    def plan(self, version: Version) -> Plan:
        """A version to be made replicas of. Reads the store. StoreError, SpecError."""
        return Plan(self.project, self.store, version)

    def engine(self, plan: Plan) -> Engine:
        """What the replicas of a version run on."""
        return self.engine_of(plan.spec, plan.version.deployment.partition("@")[2])

    def engine_of(self, spec: Spec, target: str) -> Engine:
        """The engine of a target. UsageError for one that there is not."""
        return self._engines.of(find_target(spec, target))

    async def environment(self, plan: Plan, engine: Engine) -> Ready | None:
        """The environment of a version; None: it has none.

        The one that the version was made with, where it is still there: what was promoted or
        rolled back is not built anew. BuildFailed, Unreachable.
        """
        if plan.environment is None:
            return None
        built = plan.version.built
        is_there = built is not None and (
            engine.name != "process" or (Path(built.location) / "bin").is_dir()
        )
        if built is not None and is_there:
            text = self.store.read_bytes(built.resolved).decode("utf-8")
            return Ready(Built(built.key, text, built.location), built.resolved)
        return await self.ready(plan.environment, engine)

    async def ready(self, environment: Environment, engine: Engine) -> Ready:
        """An environment as it was built before, or built now. BuildFailed, Unreachable."""
        found = await self._environments.find(engine, environment)
        return found or await self._environments.build(engine, environment)[1]

    async def address(
        self, engine: Engine, attempt: Attempt, obj: str, port: int | None
    ) -> tuple[str, int | None]:
        """Where a replica is reached from here. Unreachable, StartFailed."""
        find = getattr(engine, "address", None)
        if find is None or attempt.port is None:
            return "127.0.0.1", port
        host, found = await find(attempt, obj)
        return str(host), int(found)

    async def close(self) -> None:
        """Give back what engines hold; what they run goes on."""
        for task in self._environments.close():
            task.cancel()
        await self._engines.close()
        await self.fronts.close()
