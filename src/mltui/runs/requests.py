"""What people ask of a run: cancel, retry, decide. Checked by the rules, answered in a sentence.

Called by `runner` for each request in the journal, for the run at work and for others alike. What
a request causes is journalled together with its answer, so that it takes effect exactly once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from mltui.errors import MltuiError, UsageError
from mltui.pipeline.model import RunCancelled, StageRetried, StageStale
from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs import keys, planning
from mltui.runs.client import instance_of
from mltui.runs.project import SPEC_FILE
from mltui.runs.rows import Request, RunRequest
from mltui.runs.running import Running

_RETRYABLE = (State.FAILED, State.CANCELLED)


async def handle(request: Request, running: Running, asked: RunRequest) -> None:
    """Do what is asked and note the answer, also why not. `asked`: what the run was queued with."""
    try:
        if request.kind == "cancel":
            cancel(request, running)
        elif request.kind == "cancel-build":
            running.environments.cancel(str(request.data["build"]), request.by)
        elif request.kind == "decide":
            decide(request, running)
        elif request.kind == "retry":
            await retry(request, running, asked)
        elif request.kind != "resume":  # that has happened by being here
            raise UsageError(f"this mltui does not know the request {request.kind!r}")
    except MltuiError as error:
        running.answer(request.id, str(error))
    else:
        running.answer(request.id)


def cancel(request: Request, running: Running) -> None:
    """End the run, or one instance. UsageError when there is nothing to end."""
    scheduler = running.context.scheduler
    data = request.data.get("instance")
    if scheduler.ended is not None:
        raise UsageError(f"run {request.run} has ended already: {scheduler.ended.state}")
    instance = None
    if data is not None:
        instance = instance_of(data)
        row = _row(running, instance)
        if row.state.is_final:
            raise UsageError(f"{instance.label} has ended already: {row.state}")
    running.note(RunCancelled(time.time(), instance, request.by))


def decide(request: Request, running: Running) -> None:
    """A person's decision at a gate. UsageError when the rules don't offer it."""
    data = request.data
    instance = instance_of(data["instance"])
    choice = data["choice"]
    running.note(
        running.context.scheduler.decide(
            instance,
            time.time(),
            request.by,
            accept=data.get("round") if choice == "accept" else None,
            more=max(1, data.get("more") or 0) if choice == "again" else 0,
        )
    )


async def retry(request: Request, running: Running, asked: RunRequest) -> None:
    """Another attempt with the project as it is now.

    SpecError, UsageError or CodeError when the project or the request is wrong: nothing changes.
    """
    data = request.data.get("instances")
    wanted = None if data is None else [instance_of(one) for one in data]
    _check(running, wanted)
    context = running.context
    event, blueprint = await asyncio.to_thread(
        planning.take, context.project, context.store, asked, time.time()
    )
    # The run went on meanwhile: choose by how it is now. From here to the last note nothing waits.
    chosen = _check(running, wanted)
    gone = [one.stage for one in chosen if one.stage not in blueprint.plan.index]
    if gone:
        raise UsageError(f"there is no stage `{gone[0]}` in {SPEC_FILE} any more")
    running.offer(event, blueprint)
    running.note(event)
    for instance in chosen:
        running.note(StageRetried(time.time(), instance, request.by))
    running.spawn(note_stale(running))


async def note_stale(running: Running) -> None:
    """Mark what a retry keeps although its key would differ now, saying which part."""
    for row in running.context.scheduler.rows():
        if row.state in (State.SUCCEEDED, State.CACHED) and row.key is not None:
            try:
                because = await _why_stale(running, row)
            except (MltuiError, KeyError):
                continue  # it has no place in the project any more, or was retried meanwhile
            if because and not (row.stale and row.reason == because):
                running.note(StageStale(time.time(), row.instance, because))


async def _why_stale(running: Running, row: StageRow) -> str:
    context = running.context
    instance, blueprint = row.instance, context.blueprint
    stage = blueprint.stage(instance.stage)
    environment = blueprint.environment_of(instance)
    resolved = None
    if environment is not None:
        engine = context.engines.of(blueprint.target_of(stage))
        ready = running.environments.known(engine, environment)
        ready = ready or await running.environments.find(engine, environment)
        if ready is None:
            return f"its environment {environment.name} changed"
        resolved = ready.resolved
    inputs = context.scheduler.inputs_of(instance)
    digests = await running.preparer.read_digests(inputs)
    params = context.scheduler.params_of(instance)
    key = keys.key_for(blueprint, instance, digests, params, environment, resolved)
    if key.key == row.key or instance not in context.keys:
        return ""
    return keys.sentence(context.store, context.keys[instance].parts, key.parts)


def _check(running: Running, wanted: list[Instance] | None) -> list[Instance]:
    """What to retry. UsageError when it can't be, or nothing failed."""
    scheduler = running.context.scheduler
    if wanted is not None:
        for instance in wanted:
            why = scheduler.why_not_retry(instance)
            if why is not None:
                raise UsageError(why)
        return wanted
    failed = _failed(scheduler.rows())
    chosen = [one for one in failed if scheduler.why_not_retry(one) is None]
    if not chosen:
        ended = scheduler.ended
        why = f": {ended.reason}" if ended is not None and ended.reason else ""
        raise UsageError(f"no stage of this run failed{why}")
    return chosen


def _failed(rows: Iterable[StageRow]) -> list[Instance]:
    """What failed or was cancelled; a `for_each` as a whole, which retries its failed items."""
    rows = [row for row in rows if row.state in _RETRYABLE]
    wholes = {(row.stage, row.path) for row in rows if row.item is None}
    return [row.instance for row in rows if row.item is None or (row.stage, row.path) not in wholes]


def _row(running: Running, instance: Instance) -> StageRow:
    try:
        return running.context.scheduler.row(instance)
    except KeyError:
        raise UsageError(f"there is no {instance.label} in run {running.number}") from None
