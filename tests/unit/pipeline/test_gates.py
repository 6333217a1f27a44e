"""Judging, choosing the best round, and the words for how far off a round is."""

from __future__ import annotations

import pytest

from mltui.pipeline.gates import (
    best_round,
    check_metrics,
    check_params,
    gap,
    judge,
    needs,
    usable,
)
from mltui.pipeline.metrics import read_metrics
from mltui.pipeline.model import Verdict
from mltui.spec.model import Best, FailureClass, Gate, ParamValue

from .projects import project


def gate(require: str) -> Gate:
    spec = project(f'a: {{run: [x, "${{metrics}}"], gate: {{require: "{require}"}}}}')
    found = spec.stages["a"].gate
    assert found is not None
    return found


PARAMS: dict[str, ParamValue] = {"target": 0.98, "c": None, "gamma": None}


@pytest.mark.parametrize(
    ("require", "metrics", "verdict"),
    [
        ("acc >= ${params.target}", {"acc": 0.98}, "passed"),
        ("acc >= ${params.target}", {"acc": 0.97}, "not-passed"),
        ("acc > 0.5 and loss < 1", {"acc": 0.6, "loss": 2}, "not-passed"),
        ("acc > 0.5 or loss < 1", {"acc": 0.6, "loss": 2}, "passed"),
        ("not acc > 0.5", {"acc": 0.4}, "passed"),
        ("acc != 0.5", {"acc": 0.5}, "not-passed"),
        ("acc > 0.9 or ${round} > 2", {"acc": 0.5}, "passed"),
        ("acc > 0.5 or loss < 1", {"acc": 0.6}, "unmeasured"),
        ("not acc > 0.5", {}, "unmeasured"),
        ("not acc > 0.5", {"acc": float("nan")}, "unmeasured"),
        ("acc < 1", {"acc": float("-inf")}, "unmeasured"),
        ("acc >= ${params.c}", {"acc": 1}, "unmeasured"),
    ],
)
def test_judging(require: str, metrics: dict[str, float], verdict: str) -> None:
    assert str(judge(gate(require), metrics, PARAMS, 3)) == verdict


def test_a_boolean_is_no_metric() -> None:
    assert judge(gate("acc >= 1"), {"acc": True}, PARAMS, 1) is Verdict.UNMEASURED


def test_the_failure_names_the_metric() -> None:
    failure = check_metrics(gate("loss < 1 and acc > 0.5"), {"loss": 0.1})
    assert failure is not None and failure.kind is FailureClass.CONTRACT
    assert failure.message == "the gate needs the metric `acc`, which was not written to ${metrics}"
    near = check_metrics(gate("f1 > 0.5"), {"f1_score": 0.9})
    assert near is not None and near.message.endswith(": did you mean `f1_score`?")
    text = check_metrics(gate("acc > 0.5"), read_metrics("acc=0.9\n"))
    assert text is not None and text.message.endswith(": line 1 is not a JSON object")
    nan = check_metrics(gate("acc > 0.5"), {"acc": float("nan")})
    assert nan is not None and nan.message == "the gate needs the metric `acc`, but it is nan"
    unset = check_params(gate("acc >= ${params.c}"), PARAMS)
    assert unset is not None and unset.kind is FailureClass.CONFIG
    assert unset.message.endswith("compares with params.c, but it is unset")


def test_a_cached_result_without_the_metric_of_the_gate_is_not_usable() -> None:
    spec = project('a: {run: [x, "${metrics}"], gate: {require: acc > 1}}\nb: {}')
    assert not usable(spec.stages["a"], {"loss": 1})
    assert usable(spec.stages["a"], {"acc": 0.1}), "not passing is for the gate to say"
    assert usable(spec.stages["b"], {})


def test_the_best_round_is_the_earliest_of_equals() -> None:
    rounds = {3: {"acc": 0.8}, 1: {"acc": 0.5}, 2: {"acc": 0.8}, 4: {}}
    assert best_round(Best("max", "acc"), rounds) == 2
    assert best_round(Best("min", "acc"), rounds) == 1
    assert best_round(Best("max", "acc"), {4: {}, 5: {"acc": float("nan")}}) is None


@pytest.mark.parametrize(
    ("require", "metrics", "text"),
    [
        ("acc >= ${params.target}", {"acc": 0.8433333}, "acc 0.8433, needs ≥ 0.98"),
        ("0.98 <= acc", {"acc": 0.5}, "acc 0.5, needs ≥ 0.98"),
        ("acc >= 0.98", {"acc": 0.99}, ""),
        ("acc >= 0.98", {"acc": 0.97999999}, "acc 0.97999999, needs ≥ 0.98"),
        ("acc > 0.98", {}, "acc not measured, needs > 0.98"),
        ("acc > 0.9 and loss < 1", {"acc": 0.95, "loss": 2}, "loss 2, needs < 1"),
        ("acc > 0.9 and loss < 1", {"acc": 0, "loss": 2}, "acc 0, needs > 0.9; loss 2, needs < 1"),
        ("acc > 0.9 or loss < 1", {"acc": 0, "loss": 2}, "acc 0, needs > 0.9 or loss 2, needs < 1"),
        ("acc > 0.9 or loss < 1", {"acc": 0, "loss": 0}, ""),
        ("not acc > 0.9", {"acc": 0.95}, "acc 0.95, needs ≤ 0.9"),
        ("p >= r", {"p": 0.8, "r": 0.9}, "p 0.8, needs ≥ r (0.9)"),
    ],
)
def test_how_far_off_a_round_is(require: str, metrics: dict[str, float], text: str) -> None:
    assert gap(gate(require), metrics, PARAMS) == text


def test_what_is_needed_before_anything_is_measured() -> None:
    assert needs(gate("acc >= ${params.target}"), PARAMS) == "acc ≥ 0.98"
    assert needs(gate("acc >= ${params.c}"), PARAMS) == "acc ≥ params.c"
    assert needs(gate("a > 1 and (b < 2 or c == 3)"), PARAMS) == "a > 1 and (b < 2 or c = 3)"
    assert needs(gate("not (a > 1 and b > 2)"), PARAMS) == "a ≤ 1 or b ≤ 2"
