"""What a gate asks for: comparisons of metrics, params and the round, joined by words.

Made by `expr` from the text of `require` and `best`; judged by `mltui.pipeline.gates`. Part of the
model, from where it is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the gated stage, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Param:
    """`${params.x}` in a gate."""

    name: str


@dataclass(frozen=True, slots=True)
class Round:
    """`${round}` in a gate."""


Operand: TypeAlias = Metric | Param | Round | float | int


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`; op is one of `< <= > >= == !=`."""

    op: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class And:
    """True when all terms are."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when any term is."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when its term is not."""

    term: Expr


Expr: TypeAlias = Compare | And | Or | Not


@dataclass(frozen=True, slots=True)
class Best:
    """`max(metric)` or `min(metric)`: which round `accept-best` takes."""

    direction: str
    metric: str
