"""`try:` as a search: every combination of a grid, or a seeded draw from lists and ranges.

It becomes the list of configurations that `try` could have been, when the project is read: the same
text always means the same rounds, so that a rerun takes them from the cache. Used by
`mltui.spec.stage_fields`; checked by `mltui.spec.lint_loops`.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltui.spec import scalars
from mltui.spec.fields import Either, Field, Keys, Listed, Mapped, Object, Scalar
from mltui.spec.model import ParamValue
from mltui.spec.yaml12 import ScalarNode

MAX_ROUNDS = 10_000
DEFAULT_ROUNDS = 10
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones if both are."""

    low: float
    high: float
    is_log: bool = False

    @property
    def problem(self) -> str:
        """What is wrong with it, as the end of a sentence; empty: nothing."""
        if self.low >= self.high:
            return "has no room: `from` must be less than `to`"
        if self.is_log and self.low <= 0:
            return "can't be drawn from on a logarithmic scale: `from` must be more than 0"
        return ""

    def draw(self, source: random.Random) -> float | int:
        """A number of it."""
        if self.is_log:
            value = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = source.uniform(self.low, self.high)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return min(max(round(value), self.low), self.high)
        # Six digits are as good a guess and can be read.
        return float(f"{value:.{_DIGITS}g}")


def make_range(name: str, v: Mapping[str, Any]) -> Range:
    """A range; linear unless said."""
    return Range(v.get("from", 0), v.get("to", 1), v.get("scale") == "log")


def make_search(name: str, v: Mapping[str, Any]) -> tuple[Mapping[str, ParamValue], ...]:
    """The configurations. What is wrong with the search is for the linter to say."""
    grid, drawn = v.get("grid"), v.get("random")
    if grid is not None:
        if math.prod(len(values) for values in grid.values()) > MAX_ROUNDS:
            return ()
        combined = itertools.product(*grid.values())
        return tuple(dict(zip(grid, values, strict=True)) for values in combined)
    if drawn is None or any(isinstance(x, Range) and x.problem for x in drawn.values()):
        return ()
    source = random.Random(v.get("seed", 0))
    return tuple(
        {
            param: one.draw(source) if isinstance(one, Range) else source.choice(one)
            for param, one in drawn.items()
        }
        for _ in range(v.get("rounds", DEFAULT_ROUNDS))
    )


def _number(node: ScalarNode) -> float:
    value = scalars.amount(node)
    if isinstance(value, str):
        from mltui.spec.fields import Unfit

        raise Unfit()
    return value


_NAMES = Keys(scalars.NAME_PATTERN, scalars.name_problem)
_NUMBER = Scalar("a number", _number, {"type": "number"})
_VALUES = Listed(scalars.AnyValue(), "a list of values", minimum=1)
RANGE = Object(
    "range",
    "Numbers to draw from.",
    (
        Field("from", _NUMBER, "The least.", 0.001, required=True, also=("low", "min")),
        Field("to", _NUMBER, "The greatest.", 10, required=True, also=("high", "max")),
        Field(
            "scale",
            scalars.choice(["linear", "log"]),
            "With `log` there are as many between 0.1 and 1 as between 1 and 10.",
            "log",
        ),
    ),
    make_range,
)
SEARCH = Object(
    "search",
    "Configurations that are made: all of a grid, or some drawn by chance.",
    (
        Field(
            "grid",
            Mapped(_NAMES, _VALUES, "a mapping of params to lists of values", minimum=1),
            "Every combination of these values, the last param changing first.",
            {"c": [0.1, 1, 10], "gamma": [0.01, 0.1]},
        ),
        Field(
            "random",
            Mapped(
                _NAMES,
                Either(
                    "a list of values, or a range with `from` and `to`",
                    listed=_VALUES,
                    mapped=RANGE,
                ),
                "a mapping of params to values or ranges",
                minimum=1,
            ),
            "Drawn for each round from these lists and ranges.",
            {"c": {"from": 0.01, "to": 10, "scale": "log"}},
        ),
        Field(
            "rounds",
            scalars.integer(1, MAX_ROUNDS),
            f"How many are drawn; {DEFAULT_ROUNDS} unless said.",
            8,
            also=("n", "samples", "trials", "count"),
        ),
        Field("seed", scalars.integer(0), "Another number draws others; 0 unless said.", 7),
    ),
    make_search,
)
