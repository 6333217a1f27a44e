"""What a gate asks for, in the few cells that a line has for it: `≥ 0.98`, `accuracy ≥ 0.98`.

The stage list, the strip below it and the Gate pane say it the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mltui.text.format import format_number

if TYPE_CHECKING:
    from mltui.spec.model import Gate

_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def target_of(gate: Gate, params: Mapping[str, Any]) -> tuple[str, str, float] | None:
    """Metric, comparison and value of a gate that is one comparison; None for a richer one."""
    from mltui.spec.model import Compare, Metric, Param, Round

    expr = gate.require
    if not isinstance(expr, Compare):
        return None
    left, op, right = expr.left, expr.op, expr.right
    if isinstance(right, Metric) and not isinstance(left, Metric):
        left, op, right = right, _MIRROR[op], left
    if not isinstance(left, Metric) or isinstance(right, (Metric, Round)):
        return None
    value = params.get(right.name) if isinstance(right, Param) else right
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return left.name, op, float(value)


def short_need(gate: Gate, params: Mapping[str, Any], *, unicode: bool = True) -> str:
    """`≥ 0.98`; a gate that is more than one comparison in its own words."""
    target = target_of(gate, params)
    if target is None:
        return gate.require_text
    _, op, value = target
    return f"{sign(op, unicode=unicode)} {format_number(value)}"


def sign(op: str, *, unicode: bool = True) -> str:
    """A comparison as people write it."""
    return _SIGNS.get(op, op) if unicode else op


def main_metric(gate: Gate) -> str | None:
    """The metric that the gate's story is told by: the one compared, or the one ranked by."""
    from mltui.spec.model import Compare, Metric

    if isinstance(gate.require, Compare):
        for side in (gate.require.left, gate.require.right):
            if isinstance(side, Metric):
                return side.name
    if gate.best is not None:
        return gate.best.metric
    return min(gate.metrics, default=None)
