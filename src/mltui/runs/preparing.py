"""From "all inputs are known" to a key: is there a result already, or must the stage run.

Called by `running` for each `Prepare`. What is known already (environments, hashed files) is
answered at once; only a build or a large file makes a stage wait. A project file is kept as it is
hashed, so that an attempt gets the very bytes that its key names.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from mltui.engines.protocol import Engine
from mltui.errors import BuildFailed, MltuiError, NoRoom, StoreError, Unreachable
from mltui.pipeline.model import (
    Event,
    InputValue,
    Prepare,
    StageBuilding,
    StageCached,
    StageFailed,
    StageKeyed,
    StageWaiting,
)
from mltui.pipeline.rows import Failure, Instance
from mltui.runs import keys
from mltui.runs.builds import Environments, Ready
from mltui.runs.context import Context
from mltui.runs.inputfiles import Files
from mltui.runs.outcomes import Outcome
from mltui.runs.outputs import store_failure
from mltui.spec.model import Environment, FailureClass

_RETRY_S = 5.0
_LONGEST_S = 120.0
"""Between two builds on a disk that is full: each writes until there is no room."""


class Preparer:
    """Finds keys and cached results for the instances of one run."""

    def __init__(self, context: Context, environments: Environments) -> None:
        self._context = context
        self._environments = environments
        self._files = Files(context.project.root, context.store)

    def at_once(self, wanted: Prepare) -> Event | None:
        """The answer to a `Prepare` if nothing has to be waited for; else None: use `later`."""
        instance = wanted.instance
        try:
            environment = self._context.blueprint.environment_of(instance)
            ready = None
            if environment is not None:
                ready = self._environments.known(self._engine_of(instance), environment)
                if ready is None:
                    return None
            digests = self.input_digests(self._context.scheduler.inputs_of(instance))
            if digests is None:
                return None
            return self._answer(wanted, environment, ready, digests)
        except MltuiError as error:
            return failed(wanted, error)

    async def later(self, wanted: Prepare) -> None:
        """Answer a `Prepare` that needs a build, a long look, or an engine that is away."""
        context = self._context
        said, pause_s = "", _RETRY_S
        while context.scheduler.is_wanted(wanted):
            try:
                answer = await self.answer(wanted)
            except (NoRoom, Unreachable) as error:
                is_full = isinstance(error, NoRoom)
                why = f"{error}; built again when there is room" if is_full else str(error)
                if is_full or why != said:  # a build was told between
                    said = why
                    context.emit(Outcome((StageWaiting(time.time(), wanted.instance, said),)))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_S) if is_full else _RETRY_S
                continue
            except MltuiError as error:
                answer = failed(wanted, error)
            if answer is not None and context.scheduler.is_wanted(wanted):
                context.emit(Outcome((answer,)))
            return

    def input_digests(self, inputs: Mapping[str, InputValue]) -> dict[str, str] | None:
        """Input → digest; None when a large file has to be hashed first."""
        digests = {}
        for name, value in inputs.items():
            if value.path is None:
                digests[name] = keys.input_digest(self._context.store, value)
            elif (found := self._files.at_once(value.path)) is not None:
                digests[name] = found
            else:
                return None
        return digests

    async def read_digests(self, inputs: Mapping[str, InputValue]) -> dict[str, str]:
        """As `input_digests`, large files in a thread."""
        digests = {}
        for name, value in inputs.items():
            if value.path is None:
                digests[name] = keys.input_digest(self._context.store, value)
            else:
                known = self._files.at_once(value.path)
                if known is None:
                    known = await asyncio.to_thread(self._files.read, value.path)
                digests[name] = known
        return digests

    async def answer(self, wanted: Prepare, *, may_build: bool = True) -> Event | None:
        """The answer to a `Prepare`; None when its environment would have to be built for it.

        Raises what can't be helped: BuildFailed, OutputError, StoreError …; and what passes:
        NoRoom, Unreachable.
        """
        instance = wanted.instance
        environment = self._context.blueprint.environment_of(instance)
        ready = None
        if environment is not None:
            ready = await self._find(instance, environment)
            if ready is None and not may_build:
                return None
            ready = ready or await self._build(instance, environment)
        digests = await self.read_digests(self._context.scheduler.inputs_of(instance))
        return self._answer(wanted, environment, ready, digests)

    async def _find(self, instance: Instance, environment: Environment) -> Ready | None:
        engine = self._engine_of(instance)
        ready = self._environments.known(engine, environment)
        return ready or await self._environments.find(engine, environment)

    async def _build(self, instance: Instance, environment: Environment) -> Ready:
        """The environment, built now or by a build that is under way."""
        row, task = self._environments.build(self._engine_of(instance), environment)
        event = StageBuilding(time.time(), instance, environment.name, row.id)
        self._context.emit(Outcome((event,)))
        # Others may wait for the same build: it does not end because one of them lost interest.
        return await asyncio.shield(task)

    def _answer(
        self,
        wanted: Prepare,
        environment: Environment | None,
        ready: Ready | None,
        digests: Mapping[str, str],
    ) -> Event:
        context, instance = self._context, wanted.instance
        stage = context.blueprint.stage(instance.stage)
        key = keys.key_for(
            context.blueprint,
            instance,
            digests,
            context.scheduler.params_of(instance),
            environment,
            None if ready is None else ready.resolved,
        )
        now = time.time()
        found, why = None, "it was asked for"
        if not wanted.force:
            found, why = keys.find_result(context.journal, context.store, stage, key.key, now)
        if found is not None:
            return StageCached(
                now, instance, key.key, key.parts, found.outputs, found.metrics, found.source
            )
        why = why or keys.why_it_runs(context.journal, context.store, instance, key.parts)
        return StageKeyed(now, instance, wanted.attempt, key.key, key.parts, why)

    def _engine_of(self, instance: Instance) -> Engine:
        blueprint = self._context.blueprint
        return self._context.engines.of(blueprint.target_of(blueprint.stage(instance.stage)))


def failed(wanted: Prepare, error: MltuiError) -> StageFailed:
    """Why a stage could not be prepared, as the event of its failure."""
    if isinstance(error, BuildFailed):
        failure = Failure(FailureClass.BUILD, str(error))
    elif isinstance(error, StoreError):
        failure = store_failure(error, "its inputs could not be kept")
    else:
        failure = Failure(FailureClass.CONFIG, str(error))
    return StageFailed(time.time(), wanted.instance, wanted.attempt, failure)
