"""Which stages take part in a run, and how long what is left of it will take."""

from __future__ import annotations

import pytest

from mltui.errors import UsageError
from mltui.pipeline.estimate import remaining_s
from mltui.pipeline.model import StageRow, State
from mltui.pipeline.plan import Plan

from .projects import plan

DIGITS = """
acquire: {run: "true ${round}"}
clean: {inputs: {raw: acquire.out}, run: [x, "${metrics}"],
  gate: {require: bad < 0.01, restart: acquire, max_rounds: 5}}
vectorize: {inputs: {clean: clean.out}}
train: {inputs: {features: vectorize.out}, params: [c]}
evaluate: {inputs: {model: train.out}, run: [x, "${metrics}"],
  gate: {require: acc > 1, restart: train, try: [{c: 1}, {c: 2}]}}
detect: {}
translate: {for_each: {pair: detect.out}}
check: {for_each: {pair: translate}, inputs: {text: translate.out}}
"""


def test_all_stages_take_part_producers_first() -> None:
    found = plan(DIGITS)
    assert found.order == (
        *("acquire", "clean", "vectorize", "train", "evaluate"),
        *("detect", "translate", "check"),
    )
    assert found.consumers["train"] == ("evaluate",)
    assert [loop.gate_stage for loop in found.loops_of["acquire"]] == ["clean"]
    assert found.family == {"translate": "translate", "check": "translate"}


def test_asked_stages_bring_what_they_need() -> None:
    assert plan(DIGITS, "vectorize").order == ("acquire", "clean", "vectorize")
    assert plan(DIGITS, "check").order == ("detect", "translate", "check")
    assert plan(DIGITS, "acquire").order == ("acquire",)


def test_an_unknown_stage_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no stage `evalaute`: did you mean `evaluate`"):
        plan(DIGITS, "evalaute")
    with pytest.raises(UsageError, match="no stage `x`"):
        plan(DIGITS, start_from=("x",))
    with pytest.raises(UsageError, match="`train` takes no part in a run of detect"):
        plan(DIGITS, "detect", start_from=("train",))


def test_a_gate_that_others_wait_for_comes_before_them() -> None:
    text = """
    train: {run: "true ${round}"}
    report: {inputs: {model: train.out}}
    evaluate: {inputs: {model: train.out}, run: [x, "${metrics}"],
      gate: {require: a > 1, restart: train, max_rounds: 2}}
    """
    assert plan(text).order == ("train", "evaluate", "report")


def row(
    stage: str, state: State, started_at: float | None = None, item: str | None = None
) -> StageRow:
    return StageRow(1, stage, item, (), 1, state, "data", started_at=started_at)


def rows(the_plan: Plan, states: dict[str, State]) -> list[StageRow]:
    return [row(name, states.get(name, State.PENDING), 0.0) for name in the_plan.order]


def test_the_estimate_follows_the_longest_chain_and_the_slots() -> None:
    found = plan("a: {}\nb: {inputs: {a: a.out}}\nc: {}\nd: {}")
    took = {"a": [10.0], "b": [5.0, 7.0, 100.0], "c": [4.0], "d": [2.0, 4.0]}
    assert remaining_s(found, rows(found, {}), took, 0.0, jobs=4) == 17.0
    assert remaining_s(found, rows(found, {}), took, 0.0, jobs=1) == 24.0
    half = rows(found, {"a": State.RUNNING, "c": State.CACHED, "d": State.SUCCEEDED})
    assert remaining_s(found, half, took, 4.0, jobs=1) == 13.0
    done = rows(found, dict.fromkeys(found.order, State.SUCCEEDED))
    assert remaining_s(found, done, {}, 0.0) == 0.0


def test_the_estimate_says_nothing_of_a_stage_that_never_ran() -> None:
    found = plan("a: {}\nb: {}")
    assert remaining_s(found, rows(found, {}), {"a": [1.0]}, 0.0) is None
    overdue = rows(found, {"a": State.RUNNING, "b": State.SUCCEEDED})
    left = remaining_s(found, overdue, {"a": [10.0]}, 100.0)
    assert left is not None and 0 < left < 1


def test_the_estimate_counts_the_items_instead_of_the_whole() -> None:
    found = plan("a: {for_each: {x: [p, q, r]}}")
    some = [row("a", State.RUNNING, 0.0)]
    some += [row("a", State.PENDING, item=item) for item in "pq"]
    assert remaining_s(found, some, {"a": [10.0]}, 0.0, jobs=1) == 20.0
    assert remaining_s(found, some, {"a": [10.0]}, 0.0, jobs=2) == 10.0
