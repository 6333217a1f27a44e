"""Gates: is a round good enough, which round is the best, how far is it from what is needed.

Called by the scheduler to judge, by the runner to refuse an attempt or a cached result without
the metrics it needs, and by the screens for "accuracy 0.843, needs ≥ 0.98".
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Mapping

from mltui.pipeline.metrics import Metrics
from mltui.pipeline.model import Failure, Verdict
from mltui.spec.model import (
    And,
    Best,
    Compare,
    Expr,
    FailureClass,
    Gate,
    Metric,
    Not,
    Operand,
    Param,
    ParamValue,
    Stage,
)

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SIGN = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}


class _Unmeasured(Exception):
    """An operand has no number."""


def judge(
    gate: Gate,
    metrics: Mapping[str, float],
    params: Mapping[str, ParamValue],
    number: int,
) -> Verdict:
    """Judge a round (`number`) by its metrics: passed, not-passed or, without a number, unmeasured.

    A metric or param that is missing, NaN or no number never passes, whatever the expression.
    """
    if check_metrics(gate, metrics) is not None or check_params(gate, params) is not None:
        return Verdict.UNMEASURED
    try:
        passed = _holds(gate.require, metrics, params, number)
    except _Unmeasured:
        return Verdict.UNMEASURED
    return Verdict.PASSED if passed else Verdict.NOT_PASSED


def check_metrics(gate: Gate, metrics: Metrics | Mapping[str, float]) -> Failure | None:
    """Why an attempt breaks the contract with its gate: a needed metric has no number."""
    values = metrics.values if isinstance(metrics, Metrics) else metrics
    bad = metrics.bad if isinstance(metrics, Metrics) else {}
    for name in sorted(gate.metrics):
        value = values.get(name)
        if name in bad:
            message = f"the gate needs the metric `{name}`, but {bad[name]}"
        elif value is None:
            message = f"the gate needs the metric `{name}`, which was not written to ${{metrics}}"
            message += _instead(name, metrics)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            message = f"the gate needs the metric `{name}`, but it is not a number"
        elif not math.isfinite(value):
            message = f"the gate needs the metric `{name}`, but it is {value}"
        else:
            continue
        return Failure(FailureClass.CONTRACT, message)
    return None


def _instead(name: str, metrics: Metrics | Mapping[str, float]) -> str:
    """What was written in a metric's place."""
    values = metrics.values if isinstance(metrics, Metrics) else metrics
    if near := difflib.get_close_matches(name, values, 1) or [x for x in values if name in x]:
        return f": did you mean `{near[0]}`?"
    if isinstance(metrics, Metrics) and metrics.problems:
        return f": {metrics.problems[0]}"
    return ""


def check_params(gate: Gate, params: Mapping[str, ParamValue]) -> Failure | None:
    """Why a gate can't be judged with these params: one that it compares with is no number."""
    for name in sorted(_params(gate.require)):
        value = params.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            shown = "unset" if value is None else f"`{value}`, which is not a number"
            message = f"the gate `{gate.require_text}` compares with params.{name}, but it is"
            return Failure(FailureClass.CONFIG, f"{message} {shown}")
        if isinstance(value, float) and math.isnan(value):
            return Failure(FailureClass.CONFIG, f"params.{name} in the gate is NaN")
    return None


def usable(stage: Stage, metrics: Mapping[str, float]) -> bool:
    """Whether a cached result with these metrics may stand in for running the stage.

    Not if it lacks a metric that the gate needs now (the gate is not part of the key).
    """
    return stage.gate is None or check_metrics(stage.gate, metrics) is None


def best_round(best: Best, rounds: Mapping[int, Mapping[str, float]]) -> int | None:
    """The best of the measured rounds, the earliest of equals; None if none has the metric."""
    found: int | None = None
    top = 0.0
    for number in sorted(rounds):
        value = rounds[number].get(best.metric)
        if value is None or not math.isfinite(value):
            continue
        if found is None or (value > top if best.direction == "max" else value < top):
            found, top = number, value
    return found


def needs(gate: Gate, params: Mapping[str, ParamValue], number: int = 1) -> str:
    """What is needed, for a stage that has no metrics yet: "accuracy ≥ 0.98"."""
    return _text(gate.require, None, params, number, wanted=True, outer="")


def gap(
    gate: Gate,
    metrics: Mapping[str, float],
    params: Mapping[str, ParamValue],
    number: int = 1,
) -> str:
    """How far a round is from passing: "accuracy 0.843, needs ≥ 0.98"; "" if it passes."""
    return _text(gate.require, metrics, params, number, wanted=True, outer="")


def format_number(value: float) -> str:
    """A number for people: four significant digits, no trailing zeros."""
    return f"{value:.4g}"


def _holds(
    expr: Expr, metrics: Mapping[str, float], params: Mapping[str, ParamValue], number: int
) -> bool:
    if isinstance(expr, Compare):
        left = _value(expr.left, metrics, params, number)
        right = _value(expr.right, metrics, params, number)
        return _HOLDS[expr.op](left, right)
    if isinstance(expr, Not):
        return not _holds(expr.term, metrics, params, number)
    # Every term is looked at, so that what is not measured is never hidden by a shortcut.
    found = [_holds(term, metrics, params, number) for term in expr.terms]
    return all(found) if isinstance(expr, And) else any(found)


def _value(
    operand: Operand, metrics: Mapping[str, float], params: Mapping[str, ParamValue], number: int
) -> float:
    value: ParamValue
    if isinstance(operand, Metric):
        value = metrics.get(operand.name)
    elif isinstance(operand, Param):
        value = params.get(operand.name)
    elif isinstance(operand, int | float):
        value = operand
    else:
        value = number
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise _Unmeasured
    return value


def _params(expr: Expr) -> set[str]:
    if isinstance(expr, Compare):
        return {side.name for side in (expr.left, expr.right) if isinstance(side, Param)}
    if isinstance(expr, Not):
        return _params(expr.term)
    return {name for term in expr.terms for name in _params(term)}


def _text(
    expr: Expr,
    metrics: Mapping[str, float] | None,
    params: Mapping[str, ParamValue],
    number: int,
    *,
    wanted: bool,
    outer: str,
) -> str:
    """The needs, or with metrics only the unmet ones; `not` turns what is wanted around."""
    if isinstance(expr, Not):
        return _text(expr.term, metrics, params, number, wanted=not wanted, outer=outer)
    if isinstance(expr, Compare):
        return _compare_text(expr, metrics, params, number, wanted)
    joint = " and " if isinstance(expr, And) == wanted else " or "
    parts = [
        _text(term, metrics, params, number, wanted=wanted, outer=joint) for term in expr.terms
    ]
    if joint == " or " and metrics is not None and not all(parts):
        return ""
    kept = list(dict.fromkeys(part for part in parts if part))
    if metrics is not None and joint == " and ":
        return "; ".join(kept)
    text = joint.join(kept)
    return f"({text})" if outer not in ("", joint) and len(kept) > 1 else text


def _compare_text(
    expr: Compare,
    metrics: Mapping[str, float] | None,
    params: Mapping[str, ParamValue],
    number: int,
    wanted: bool,
) -> str:
    left, right, op = expr.left, expr.right, expr.op
    if isinstance(right, Metric) and not isinstance(left, Metric):
        left, right, op = right, left, _MIRRORED[op]
    if not wanted:
        op = _OPPOSITE[op]
    known = metrics or {}
    try:
        target: float | None = _value(right, known, params, number)
    except _Unmeasured:
        target = None
    if isinstance(right, Metric):
        need = right.name if target is None else f"{right.name} ({format_number(target)})"
    elif target is None:
        need = f"params.{right.name}" if isinstance(right, Param) else "a number"
    else:
        need = format_number(target)
    name = _operand_text(left, params)
    if metrics is None:
        return f"{name} {_SIGN[op]} {need}"
    try:
        value = _value(left, known, params, number)
    except _Unmeasured:
        return f"{name} not measured, needs {_SIGN[op]} {need}"
    if target is not None and _HOLDS[op](value, target):
        return ""
    shown = format_number(value)
    if target is not None and value != target and shown == format_number(target):
        shown, full = repr(float(value)), repr(float(target))
        need = f"{right.name} ({full})" if isinstance(right, Metric) else full
    return f"{name} {shown}, needs {_SIGN[op]} {need}"


def _operand_text(operand: Operand, params: Mapping[str, ParamValue]) -> str:
    if isinstance(operand, Metric):
        return operand.name
    if isinstance(operand, Param):
        return f"params.{operand.name}"
    return format_number(operand) if isinstance(operand, int | float) else "round"
