"""A thousand stages: what an event costs must not depend on how many stages there are.

Counts steps instead of seconds, so that it says the same on any machine.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mltui.pipeline.model import Limits
from mltui.pipeline.plan import Plan
from mltui.spec.model import (
    Command,
    FailureClass,
    ForEach,
    Input,
    Output,
    Phase,
    Resources,
    Stage,
    Template,
)

from .generated import project
from .projects import Outcomes
from .simulated import Simulation


def stage(name: str, *reads: str, cpu: float | None = None, each: ForEach | None = None) -> Stage:
    return Stage(
        name,
        Phase.DATA,
        Command(shell=Template("true", ("true",))),
        inputs={f"from-{one}": Input(stage=one, output="out") for one in reads},
        outputs={"out": Output("out")},
        resources=Resources(cpu=cpu),
        for_each=each,
    )


def chain(count: int) -> list[Stage]:
    return [stage(f"s{i}", *([f"s{i - 1}"] if i else [])) for i in range(count)]


def tree(count: int) -> list[Stage]:
    return [stage(f"s{i}", *([f"s{(i - 1) // 2}"] if i else [])) for i in range(count)]


def side_by_side(count: int) -> list[Stage]:
    return [stage(f"s{i}", cpu=1 + i % 3) for i in range(count)]


def fan(count: int) -> list[Stage]:
    items = tuple(f"i{i}" for i in range(count))
    return [
        stage("fan", each=ForEach("x", items=items)),
        stage("pair", "fan", each=ForEach("x", pairs_with="fan")),
        stage("all", "pair"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [chain, tree, side_by_side, fan])
def test_work_grows_as_the_number_of_stages(shape: Callable[[int], list[Stage]]) -> None:
    work = {}
    for count in (100, 1000):
        sim = Simulation(Plan.of(project(shape(count))), limits=Limits(jobs=8, cpu=6))
        sim.run(20_000)
        units = len(sim.scheduler.rows())
        work[count] = sim.scheduler.work / units
    assert work[1000] <= 15, "steps for each stage, over its whole life"
    assert work[1000] <= work[100] * 1.2, "and no more of them than among a tenth"


def test_a_failure_at_the_top_skips_a_thousand_without_recursion() -> None:
    outcomes = Outcomes(fails={"s0": FailureClass.PROGRAM})
    sim = Simulation(Plan.of(project(chain(1000))), outcomes)
    sim.run()
    assert sim.row("s999").reason == "s0 failed (program)"
    assert sim.scheduler.work <= 6000
