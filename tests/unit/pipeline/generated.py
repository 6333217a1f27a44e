"""Random projects and random histories: the tests in test_histories run these.

A project is a random graph with nested and disjoint loops, gates without a loop, fan-outs of all
kinds, retries and resources; a history is what an unreliable engine and a hasty person do to it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import Random

from mltui.errors import UsageError
from mltui.pipeline.model import (
    Instance,
    Limits,
    StageStale,
    State,
)
from mltui.pipeline.plan import Plan
from mltui.spec.graph import Graph
from mltui.spec.model import (
    Best,
    Command,
    Compare,
    FailureClass,
    ForEach,
    Gate,
    Input,
    Metric,
    Otherwise,
    Output,
    Phase,
    Resources,
    Retry,
    Spec,
    Stage,
    Template,
)

from .simulated import Outcome, Simulation

REQUIRE = Compare(">=", Metric("acc"), 0.7)


def project(stages: list[Stage]) -> Spec:
    return Spec(
        file="mltui.yaml",
        text="",
        name="random",
        code=None,
        params={"c": 1, "seed": 7},
        environments={},
        secrets={},
        stages={stage.name: stage for stage in stages},
        services={},
        monitors={},
        targets={},
        marks={},
    )


def random_spec(random: Random) -> Spec:
    count = random.randint(1, 9)
    names = [f"s{i}" for i in range(count)]
    stages: dict[str, Stage] = {}
    for i, name in enumerate(names):
        reads = random.sample(names[:i], k=min(i, random.choice((0, 1, 1, 1, 2, 3))))
        stages[name] = Stage(
            name=name,
            phase=Phase.DATA,
            run=Command(shell=Template("true", ("true",))),
            inputs={f"from-{one}": Input(stage=one, output="out") for one in reads},
            outputs={"out": Output("out")},
            params=("c",) if random.random() < 0.5 else (),
            uses_round=random.random() < 0.3,
            retry=Retry(
                attempts=random.randint(1, 3),
                backoff_s=random.choice((0.0, 2.0)),
                on=frozenset(random.sample(list(FailureClass), k=random.randint(0, 3))),
            ),
            resources=Resources(
                cpu=random.choice((None, 0.5, 1, 3)),
                memory_bytes=random.choice((None, 100, 700)),
                gpu=random.choice((0, 0, 1)),
            ),
        )
    _add_gates(random, stages)
    _add_fanouts(random, stages)
    return project(list(stages.values()))


def _add_gates(random: Random, stages: dict[str, Stage]) -> None:
    for name in list(stages):
        if random.random() > 0.4:
            continue
        before = stages[name]
        stages[name] = replace(before, gate=_gate(random, stages, name))
        if not _nests(stages):
            stages[name] = before


def _gate(random: Random, stages: dict[str, Stage], name: str) -> Gate:
    graph = Graph.of_stages(stages)
    above = [*sorted(graph.ancestors(name)), name]
    otherwise = random.choice(list(Otherwise))
    if random.random() < 0.2:
        plain = Otherwise.FAIL if otherwise is Otherwise.ACCEPT_BEST else otherwise
        return Gate(REQUIRE, "acc >= 0.7", otherwise=plain)
    tries = tuple({"c": i} for i in range(random.choice((0, 0, 2, 3))))
    return Gate(
        REQUIRE,
        "acc >= 0.7",
        restart=random.choice(above),
        tries=tries,
        best=Best(random.choice(("max", "min")), "acc"),
        max_rounds=len(tries) or random.randint(1, 3),
        otherwise=otherwise,
    )


def _nests(stages: dict[str, Stage]) -> bool:
    bodies = [loop.body for loop in Graph.of_stages(stages).loops]
    try:
        Plan.of(project(list(stages.values())))
    except UsageError:
        return False  # loops that wait for each other
    return all(
        one < other or other < one or not one & other
        for i, one in enumerate(bodies)
        for other in bodies[i + 1 :]
    )


def _add_fanouts(random: Random, stages: dict[str, Stage]) -> None:
    for name, stage in list(stages.items()):
        if stage.gate is not None or random.random() > 0.35:
            continue
        reads = [one.stage for one in stage.inputs.values() if one.stage is not None]
        fans = [one for one in reads if stages[one].for_each is not None]
        plain = [one for one in reads if stages[one].for_each is None]
        kinds = ["literal", *(["pairs"] * 2 if fans else []), *(["output"] * 2 if plain else [])]
        kind = random.choice(kinds)
        if kind == "literal":
            some = tuple(random.sample(("x", "y", "z"), k=random.randint(0, 3)))
            each = ForEach("item", items=some)
        elif kind == "pairs":
            each = ForEach("item", pairs_with=random.choice(fans))
        else:
            each = ForEach("item", stage=random.choice(plain), output="out")
        stages[name] = replace(stage, for_each=each)


def random_limits(random: Random) -> Limits:
    return Limits(
        jobs=random.randint(1, 4),
        cpu=random.choice((None, 2, 4)),
        memory_bytes=random.choice((None, 500, 1000)),
        gpu=random.choice((None, 0, 1)),
    )


def simulation(seed: int) -> Simulation:
    random = Random(seed)
    spec = random_spec(random)
    asked = random.sample(list(spec.stages), k=1) if random.random() < 0.2 else []
    forced = random.sample(list(spec.stages), k=1) if not asked and random.random() < 0.2 else []
    failing = random.choice((0.0, 0.1, 0.3))
    caching = random.choice((0.0, 0.3))

    def outcome(instance: Instance, attempt: int) -> Outcome:
        chance = Random(f"{seed} {instance.label} {attempt}")
        failure = chance.choice(list(FailureClass)) if chance.random() < failing else None
        return Outcome(
            failure,
            {"acc": chance.choice((0.1, 0.5, 0.5, 0.6, 0.8))},
            cached=chance.random() < caching,
            early=chance.random() < 0.3,
        )

    def items(instance: Instance) -> tuple[str, ...]:
        chance = Random(f"{seed} {instance.label}")
        return tuple(chance.sample(("x", "y", "z", "no/path"), k=chance.randint(0, 4)))

    return Simulation(
        Plan.of(spec, asked, forced),
        outcome,
        items=items,
        limits=random_limits(random),
        random=random,
    )


def act(sim: Simulation) -> None:
    """A person does something, sensible or not."""
    random = sim.random
    assert random is not None
    rows = sim.scheduler.rows()
    row = random.choice(rows)
    if random.random() < 0.1:  # what the runner says of what is kept
        sim.emit(StageStale(sim.tick(), row.instance, "code"))
    what = random.random()
    if what < 0.45:
        stopped = [one for one in rows if one.state in (State.FAILED, State.CANCELLED)]
        row = random.choice(stopped) if stopped and random.random() < 0.7 else row
        sim.retry(row.stage, row.path, row.item)
    elif what < 0.55:
        sim.cancel(row.instance)
    elif what < 0.62:
        sim.cancel()
    elif what < 0.9:
        gated = [one for one in rows if one.stage in sim.plans[-1].gates]
        if gated:
            decide(sim, random.choice(gated).instance)
    else:
        sim.replan(edited(random, sim.plans[-1]))


def decide(sim: Simulation, instance: Instance) -> None:
    assert sim.random is not None
    offer = sim.scheduler.decide_options(instance)
    if offer is None:
        return  # of a forgotten round, about to end
    choices = [{"accept": one.round} for one in offer.rounds] + [{"more": 1}, {"more": 2}, {}]
    with suppress(UsageError):
        sim.decide(instance, **sim.random.choice(choices))


def edited(random: Random, plan: Plan) -> Plan:
    """The project after a person's edit: a stage more, one less to wait for, other tries."""
    stages = dict(plan.spec.stages)
    name = random.choice(list(stages))
    stage = stages[name]
    what = random.random()
    if what < 0.3:
        pass
    elif what < 0.5 and stage.gate is not None:
        gate = replace(stage.gate, max_rounds=random.randint(1, 4), tries=())
        stages[name] = replace(stage, gate=gate)
    elif what < 0.7 and stage.for_each is not None and stage.for_each.items is not None:
        stages[name] = replace(stage, for_each=replace(stage.for_each, items=("w", "x")))
    elif what < 0.8 and stage.gate is not None:
        stages[name] = replace(stage, gate=None)
    elif what < 0.9:
        stages["new"] = Stage(
            "new",
            Phase.DATA,
            Command(shell=Template("true", ("true",))),
            inputs={"one": Input(stage=name, output="out")},
            outputs={"out": Output("out")},
        )
    else:
        reads = dict(list(stage.inputs.items())[1:])
        each = stage.for_each
        source = (each.stage or each.pairs_with) if each is not None else None
        if source is None or any(one.stage == source for one in reads.values()):
            stages[name] = replace(stage, inputs=reads)
    if not _nests(stages):
        return plan
    return Plan.of(replace(plan.spec, stages=stages), [a for a in plan.asked if a in stages])
