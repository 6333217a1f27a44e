"""One stage, run once and outside any run: a monitor's, or the judge of a contest.

Called by `monitoring` and `contest`. It is laid out as in a run, from the same kept artifacts and
code; its outputs are not kept, only what it measured.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from mltui.engines.protocol import Attempt, Engine
from mltui.errors import MltuiError, Unreachable
from mltui.pipeline.gates import check_metrics
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import Instance
from mltui.runs import attempts, secretfiles
from mltui.runs.attempts import Place
from mltui.runs.code import materialise_code
from mltui.runs.outputs import failure_of, read_metrics_file
from mltui.runs.planning import NO_CODE, environment_of
from mltui.serving.making import Maker
from mltui.spec.model import FailureClass, ParamValue, Spec, Stage

log = logging.getLogger("mltui.supervisor")

TIMEOUT_S = 3_600.0
"""For a stage that names none."""
_GRACE_S = 5.0
_AGAIN_S = 3.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lone:
    """What is to be run. `name` is unique on the engine, and the same after a crash."""

    name: str
    folder: Path
    spec: Spec
    stage: Stage
    target: str
    code: str
    inputs: Mapping[str, InputValue]
    params: Mapping[str, ParamValue]
    variables: Mapping[str, str]
    fill: Callable[[Path, Mapping[str, str]], None] | None = None
    """Writes the inputs that no artifact is: given the working folder and the inputs' paths."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it. `problem` empty: it did as it should."""

    metrics: Mapping[str, float]
    problem: str = ""


async def perform(
    maker: Maker, lone: Lone, tell: Callable[[str], None] = lambda why: None
) -> Measured:
    """Run it to its end. Unreachable when the engine does not answer; all else is in `problem`.

    An engine that is out of reach is asked again for as long as the stage may take: what runs
    there goes on. `tell`: why it takes so long; empty once it is asked no more.
    """
    place = _place(lone)
    engine = maker.engine_of(lone.spec, lone.stage.target or lone.target)
    limit_s = lone.stage.timeout_s or TIMEOUT_S
    patiently = partial(_patiently, limit_s, tell)
    if place.folder.exists():  # an earlier supervisor began it
        await patiently(lambda: abandon(engine, lone.name, lone.folder))
    try:
        attempt = await patiently(lambda: lay_out(maker, lone, engine))
        obj = await patiently(lambda: engine.start(attempt))
    except (MltuiError, OSError) as error:
        attempts.remove_tree(place.work)
        attempts.remove_tree(place.secrets)
        return Measured({}, str(error))
    ending: FailureClass | None = None
    try:
        async with asyncio.timeout(limit_s):
            exit_ = await patiently(lambda: engine.wait(attempt, obj))
    except TimeoutError:
        ending = FailureClass.TIMEOUT
        await patiently(lambda: engine.stop(attempt, obj, _GRACE_S))
        exit_ = await patiently(lambda: engine.wait(attempt, obj))
    failure = failure_of(lone.stage, exit_, ending)
    metrics = read_metrics_file(place.metrics)
    if failure is None and lone.stage.gate is not None:
        failure = check_metrics(lone.stage.gate, metrics)
    await patiently(lambda: engine.remove(attempt, obj))
    attempts.remove_tree(place.work)
    attempts.remove_tree(place.secrets)
    if failure is not None:
        return Measured(metrics.values, f"{failure.message} (its log is {attempt.log})")
    return Measured(metrics.values)


async def _patiently(
    limit_s: float, tell: Callable[[str], None], act: Callable[[], Awaitable[T]]
) -> T:
    """What `act` gives, asked again while the engine does not answer. Unreachable after that."""
    until = time.monotonic() + limit_s
    is_late = False
    while True:
        try:
            found = await act()
        except Unreachable as error:
            if time.monotonic() > until:
                raise
            log.info("%s: asked again", error)
            is_late = True
            tell(str(error))
        else:
            if is_late:
                tell("")
            return found
        await asyncio.sleep(_AGAIN_S)


async def abandon(engine: Engine, name: str, folder: Path) -> None:
    """End what an earlier supervisor left running under this name."""
    attempt = Attempt(name, {}, (), {}, folder, folder / "work", None)
    obj = await engine.find(attempt)
    if obj is not None:
        await engine.stop(attempt, obj, _GRACE_S)
        await engine.remove(attempt, obj)
    attempts.remove_tree(folder)


def _place(lone: Lone) -> Place:
    return Place(lone.folder, lone.folder / "work", lone.folder / "secrets")


async def lay_out(maker: Maker, lone: Lone, engine: Engine) -> Attempt:
    """Its folders, filled, and its environment, ready. MltuiError, OSError.

    Like any stage; what reads a service's records is written beside (`fill`).
    """
    place = _place(lone)
    spec = replace(lone.spec, stages={**lone.spec.stages, lone.stage.name: lone.stage})
    instance = Instance(lone.stage.name)
    environment = environment_of(spec, instance)
    ready = None if environment is None else await maker.ready(environment, engine)

    def fill() -> None:
        attempts.make_folders(place)
        if lone.code != NO_CODE:
            materialise_code(lone.code, place.work, maker.store)
        given = {name: one for name, one in lone.inputs.items() if name in lone.stage.inputs}
        digests = {name: one.path for name, one in given.items() if one.path is not None}
        attempts.put_inputs(maker.store, spec, lone.stage, given, digests, place.work)
        if lone.fill is not None:
            lone.fill(place.work, attempts.input_paths(spec, lone.stage, place.work))
        attempts.make_output_parents(place, lone.stage)
        if lone.stage.secrets:
            import os

            root = maker.project.root
            found = secretfiles.read_secrets(spec, lone.stage.secrets, root, os.environ)
            secretfiles.write_secrets(found, place.secrets)

    await asyncio.to_thread(fill)
    attempt = attempts.make_attempt(
        maker.project,
        spec,
        0,
        instance,
        1,
        place=place,
        engine=engine,
        params=lone.params,
        built=None if ready is None else ready.built,
        environment=environment,
    )
    env = {**attempt.env, **lone.variables}
    return replace(attempt, name=lone.name, env=env, outputs=())
