"""A contest: is a new run's model better than the one that serves, on the same held-out data.

Called by `monitoring` when a run that a monitor started has succeeded. The judge is the nearest
gated stage behind what the service serves; it is run with the serving artifacts and the new run's
other inputs, code and params. So both numbers are of the same judge on the same data.
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass

from mltui.errors import UsageError
from mltui.pipeline.gates import format_number
from mltui.pipeline.model import InputValue, RunPlanned
from mltui.pipeline.rows import StageRow
from mltui.runs.planning import Blueprint, blueprint_of
from mltui.serving.lonework import Lone, perform
from mltui.serving.making import Maker
from mltui.serving.releases import accepted_rows, inputs_of
from mltui.serving.replicas import FOLDER, mark_of
from mltui.serving.rows import Served, Version
from mltui.spec.graph import Graph
from mltui.spec.model import Compare, Gate, Metric, Service, Spec, Stage


@dataclass(frozen=True, slots=True)
class Judge:
    """The stage that tells two models apart, and by what."""

    stage: Stage
    metric: str
    is_more_better: bool


@dataclass(frozen=True, slots=True)
class Result:
    """How a contest ended. `is_better`: the new one."""

    is_better: bool
    sentence: str


def judge_of(spec: Spec, service: Service) -> Judge | None:
    """The nearest gated stage behind what a service serves; None when nothing judges it."""
    graph = Graph.of(spec)
    todo = deque(one.stage for one in service.inputs.values() if one.stage is not None)
    seen = set(todo)
    served = {(one.stage, one.output) for one in service.inputs.values()}
    while todo:
        for name in graph.children.get(todo.popleft(), ()):
            if name in seen:
                continue
            seen.add(name)
            todo.append(name)
            stage = spec.stages[name]
            reads = any((one.stage, one.output) in served for one in stage.inputs.values())
            found = _metric(stage.gate) if stage.gate is not None and reads else None
            if found is not None and stage.for_each is None:
                return Judge(stage, *found)
    return None


def _metric(gate: Gate) -> tuple[str, bool] | None:
    """What a gate compares, and whether more of it is better."""
    if gate.best is not None:
        return gate.best.metric, gate.best.direction == "max"
    if isinstance(gate.require, Compare):
        left, op = gate.require.left, gate.require.op
        if isinstance(left, Metric) and op in ("<", "<=", ">", ">="):
            return left.name, op in (">", ">=")
    return None


async def hold(
    maker: Maker, service: Service, serving: Version, challenger: Version, number: int
) -> Result:
    """Hold it; `number` names its folder. UsageError when it can't be held. Unreachable."""
    run = challenger.run
    assert run is not None
    if challenger.inputs.keys() == serving.inputs.keys() and all(
        one.artifact == serving.inputs[name].artifact
        for name, one in challenger.inputs.items()
    ):  # fmt: skip
        return Result(False, f"run {run} made the same model again")
    blueprint, rows, inputs, judge = _read(maker, service, run)
    new = accepted_rows(rows, judge.stage.name)
    if not new or judge.metric not in new[-1].metrics:
        raise UsageError(f"run {run} has no accepted `{judge.stage.name}` to compare with")
    for name, one in judge.stage.inputs.items():
        for mine, served in service.inputs.items():
            if (one.stage, one.output) == (served.stage, served.output) and one.stage:
                inputs[name] = serving.inputs[mine]
    place = maker.project.folder / FOLDER / "contests" / str(number)
    path = new[-1].path
    lone = Lone(
        f"{blueprint.spec.name}-{mark_of(maker.project)}-contest-{number}",
        place,
        blueprint.spec,
        judge.stage,
        blueprint.target,
        blueprint.code[judge.stage.name],
        {name: _value(served) for name, served in inputs.items()},
        blueprint.plan.named_params_at(judge.stage.name, path),
        {},
    )
    measured = await perform(maker, lone)
    if judge.metric not in measured.metrics:
        # A model that the judge can't even read any more is no rival.
        why = measured.problem or f"it gives no {judge.metric}"
        return Result(True, f"the serving model can't be judged by run {run}'s code: {why}")
    return verdict(judge, new[-1].metrics[judge.metric], measured.metrics[judge.metric], run)


def verdict(judge: Judge, new: float, old: float, run: int) -> Result:
    """How a contest ends, given both numbers; a tie keeps what serves."""
    is_better = new > old if judge.is_more_better else new < old
    sign = "=" if new == old else ">" if new > old else "<"
    sentence = (
        f"{judge.metric} {format_number(new)} {sign} {format_number(old)} of what serves, on the "
        f"held-out data of run {run}"
    )
    return Result(is_better, sentence)


def _read(
    maker: Maker, service: Service, run: int
) -> tuple[Blueprint, list[StageRow], dict[str, Served], Judge]:
    with closing(maker.project.journal()) as journal:
        row = journal.run(run)
        planned = journal.newest_event(run, RunPlanned)
        if row is None or planned is None:
            raise UsageError(f"there is no run {run} any more")
        blueprint = blueprint_of(planned, maker.store)
        judge = judge_of(blueprint.spec, service)
        if judge is None:
            raise UsageError(
                f"no gated stage judges what `{service.name}` serves, so nothing can say whether "
                f"run {run} is better: `mltui deploy {service.name} --run {run}` decides"
            )
        rows = journal.stages(run)[1]
        wanted = judge.stage.inputs
        inputs = inputs_of(maker.project, maker.store, journal, row, wanted, judge.stage.name)
    return blueprint, rows, inputs, judge


def _value(served: Served) -> InputValue:
    if served.artifact is not None:
        return InputValue(artifact=served.artifact)
    return InputValue(items=served.items)
