"""What a kind shows of a row: columns as declarations, cells as text in a role.

Grids and `mltui ls` are made of these; they stand here because kinds must not know a screen. Names,
labels and images are other people's text: `plain` makes them safe for a terminal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from mltui.text import format_age

if TYPE_CHECKING:
    from mltui.text.width import Align

R = TypeVar("R")

_SPACES = str.maketrans("\r\n\t", "   ")
NOTHING = "–"
"""What a cell shows when there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in one role (`app.widgets.roles`); the role "" is the row's normal text."""

    text: str
    role: str = ""


# no slots: Column[Row](…) of a frozen generic with slots is a TypeError in Python 3.11
@dataclass(frozen=True)
class Column(Generic[R]):
    """One column.

    *width* fixes it; otherwise it is at least *min* and takes its share (*flex*) of what is left,
    up to *max*. The column of lowest *priority* goes first when there is no room. *sort* gives
    the value to sort by (None sorts last); without it the cell's text is used. *help* is what the
    person is told of it.
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


def age_column(
    at: Callable[[Any], float | None] = lambda row: row.created_at, *, priority: int = 160
) -> Column[Any]:
    """How long it has been there; the newest come first."""

    def order(row: Any) -> float | None:
        since = at(row)
        return None if since is None else -since

    return Column("age", "AGE", lambda row: Cell(age(at(row))), width=4, align="right",
                  priority=priority, sort=order)  # fmt: skip


def plain(text: str) -> str:
    """Somebody's text, safe on a terminal and on one line."""
    if text.isprintable():
        return text
    from mltui.logs.sanitize import safe  # seldom needed, and not for the first frame

    return safe(text.replace("\r\n", " ").translate(_SPACES))


def now() -> float:
    """Seconds since the epoch; what ages are counted from. Tests put another clock here."""
    return time.time()


def age(at: float | None) -> str:
    """How long ago a moment was: `41s 7m 3h 12d`; a dash when unknown."""
    return format_age(None if at is None else now() - at)
