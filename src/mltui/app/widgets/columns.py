"""Where a grid's columns stand, and how wide they are: dropped when it is narrow.

Each kind declares its columns once (`live.cells`); the grid, help and docs read the same
declarations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mltui.live.cells import Column

R = TypeVar("R")

EXTRA = 65
"""Columns of a lower priority come only once nothing else has to be shortened much for them."""
GAP = 2
"""Blank cells between columns."""


@dataclass(frozen=True)
class Placed(Generic[R]):
    """A column that has room: it starts *x* cells in and is *width* wide."""

    column: Column[R]
    x: int
    width: int


def place(columns: Sequence[Column[R]], width: int, *, gap: int = GAP) -> list[Placed[R]]:
    """Columns that fit in *width* cells, with what is left shared among those that flex."""
    shown = list(columns)

    def needed() -> int:
        return sum(column.narrowest for column in shown) + gap * (len(shown) - 1)

    def at_ease() -> int:
        """The same with names and the like at a width in which most are whole."""
        more = (c.min for c in shown if c.width is None and c.flex > 0)
        return needed() + sum(more)

    while len(shown) > 1:
        # of equal priority the rightmost goes: names stand on the left
        last = min(reversed(shown), key=lambda column: column.priority)
        if (at_ease() if last.priority < EXTRA else needed()) <= width:
            break
        shown.remove(last)
    if not shown or width <= 0:
        return []
    widths = {column.key: column.narrowest for column in shown}
    if len(shown) == 1:
        widths[shown[0].key] = min(widths[shown[0].key], width)
    spare = max(width - needed(), 0)
    growing = [column for column in shown if column.width is None and column.flex > 0]
    while spare > 0 and growing:
        total = sum(column.flex for column in growing)
        share, before = spare / total, spare
        for column in list(growing):
            room = width if column.max is None else max(column.max - widths[column.key], 0)
            grow = min(max(int(share * column.flex), 1), room, spare)
            widths[column.key] += grow
            spare -= grow
            if grow == room:
                growing.remove(column)
        if spare == before:
            break
    placed, x = [], 0
    for column in shown:
        placed.append(Placed(column, x, widths[column.key]))
        x += widths[column.key] + gap
    return placed
