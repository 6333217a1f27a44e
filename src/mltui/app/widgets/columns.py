"""What a grid shows of a row, and how wide: columns as declarations, dropped when it is narrow.

Each kind declares its columns once; the grid, help and docs read the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from mltui.text.width import Align


R = TypeVar("R")

EXTRA = 65
"""Columns of a lower priority come only once nothing else has to be shortened much for them."""
GAP = 2
"""Blank cells between columns."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in one role (see roles.py); the role "" is the row's normal text."""

    text: str
    role: str = ""


# no slots: Column[Row](…) of a frozen generic with slots is a TypeError in Python 3.11
@dataclass(frozen=True)
class Column(Generic[R]):
    """One column of a grid.

    *width* fixes it; otherwise it is at least *min* and takes its share (*flex*) of what is left,
    up to *max*. The column of lowest *priority* goes first when there is no room. *sort* gives
    the value to sort by (None sorts last); without it the cell's text is used.
    """

    key: str
    title: str
    cell: Callable[[R], Cell | str]
    width: int | None = None
    min: int = 4
    flex: int = 0
    max: int | None = None
    align: Align = "left"
    priority: int = 100
    sort: Callable[[R], Any] | None = None
    shorten: Literal["middle", "end"] = "middle"
    help: str = ""
    """What the person is told of it."""

    def cell_of(self, row: R) -> Cell:
        """The cell of *row*, whichever way the column gives it."""
        found = self.cell(row)
        return found if isinstance(found, Cell) else Cell(found)

    def sort_value(self, row: R) -> Any:
        """What *row* is sorted by in this column."""
        return self.cell_of(row).text if self.sort is None else self.sort(row)

    @property
    def narrowest(self) -> int:
        """The least cells it needs."""
        return self.min if self.width is None else self.width


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
