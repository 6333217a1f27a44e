"""One row of a grid as one strip: gutter, section, cells in their columns and roles.

`Grid` makes a `RowPainter` for a width and a set of columns and asks it for lines.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from mltui.app.present.line import wrapped
from mltui.app.widgets.columns import Placed, place
from mltui.app.widgets.paint import LineBuilder
from mltui.app.widgets.roles import RoleStyles
from mltui.live.cells import Column
from mltui.text import fit, shorten_end
from mltui.text.glyphs import in_ascii

R = TypeVar("R")

_GUTTER = 2  # cursor bar, mark
_RESTLESS = frozenset(
    ("age", "since", "last", "count", "cpu", "memory", "cpu_share", "memory_share", "net")
)
"""Columns that change all the time."""


class RowPainter(Generic[R]):
    """Paints rows of *columns* into *width* cells; *section_width* 0 leaves out that gutter."""

    def __init__(
        self,
        columns: Sequence[Column[R]],
        width: int,
        roles: RoleStyles,
        *,
        section_width: int = 0,
        unicode: bool = True,
    ) -> None:
        self.width = width
        self.left = _GUTTER + section_width
        """Cells before the first column."""
        self.placed = place(columns, width - self.left)
        self._roles = roles
        self._section_width = section_width
        self._unicode = unicode

    def column_at(self, x: int) -> Column[R] | None:
        """The column that has cell *x* of a line."""
        for placed in self.placed:
            if placed.x <= x - self.left < placed.x + placed.width:
                return placed.column
        return None

    def header(self, base: Style, sorted_by: str | None, reverse: bool) -> Strip:
        """The line of titles, with an arrow on the column sorted by."""
        style = self._roles.on(base, "header")
        line = LineBuilder()
        for placed in self.placed:
            column = placed.column
            title = column.title
            if column.key == sorted_by:
                arrow = ("↓" if reverse else "↑") if self._unicode else ("v" if reverse else "^")
                title = shorten_end(title, placed.width - 1, measure=cell_len) + arrow
            line.pad(self.left + placed.x, style)
            line.add(self._fit(title, placed), style)
        line.pad(self.width, style)
        return line.strip().adjust_cell_length(self.width, style)

    def note(self, text: str, base: Style) -> list[Strip]:
        """What stands where there are no rows, on as many lines as it takes."""
        room = max(self.width - _GUTTER - 1, 1)
        strips = []
        for each in wrapped(text if self._unicode else in_ascii(text), room):
            line = LineBuilder()
            line.pad(min(_GUTTER, self.width), base)
            shown = shorten_end(each.text, room, measure=cell_len)
            line.add(shown, self._roles.on(base, "dim"))
            line.pad(self.width, base)
            strips.append(line.strip())
        return strips

    def row(
        self,
        row: R,
        base: Style,
        *,
        cursor: bool,
        focused: bool,
        marked: bool,
        section: str,
        flash: Collection[str] = (),
    ) -> Strip:
        """The line of *row*; the columns of *flash* stand out."""
        roles = self._roles
        line = LineBuilder()
        if cursor:
            base = roles.on(base, "cursor" if focused else "cursor-blurred")
            line.add("▌" if self._unicode else ">", roles.on(base, "accent"))
        else:
            line.add(" ", base)
        if marked:
            line.add("◆" if self._unicode else "*", roles.on(base, "mark"))
        else:
            line.add(" ", base)
        if section and self._section_width:
            text = shorten_end(section, self._section_width - 1, measure=cell_len)
            line.add(text if self._unicode else in_ascii(text), roles.on(base, "section"))
        for placed in self.placed:
            cell = placed.column.cell_of(row)
            line.pad(self.left + placed.x, base)
            style = roles.on(base, cell.role)
            if placed.column.key in flash:
                style = roles.on(style, "flash")
            self._add_cell(line, self._fit(cell.text, placed), base, style)
        line.pad(self.width, base)
        return line.strip().adjust_cell_length(self.width, base)

    def differing(self, old: R, new: R) -> frozenset[str]:
        """Columns in which two rows read otherwise; what is measured all the time is none."""
        return frozenset(
            placed.column.key
            for placed in self.placed
            if placed.column.key not in _RESTLESS
            and placed.column.cell_of(old).text != placed.column.cell_of(new).text
        )

    def _add_cell(self, line: LineBuilder, text: str, base: Style, style: Style) -> None:
        if style is base or style.bgcolor != base.bgcolor or style.underline or style.reverse:
            line.add(text, style)
            return
        # blanks look the same in any colour: given the row's style they merge with what is beside
        bare = text.strip(" ")
        start = text.find(bare)
        line.add(text[:start], base)
        line.add(bare, style)
        line.add(text[start + len(bare) :], base)

    def _fit(self, text: str, placed: Placed[R]) -> str:
        column = placed.column
        return fit(
            text if self._unicode else in_ascii(text),
            placed.width,
            align=column.align,
            shorten=column.shorten,
            ellipsis="…" if self._unicode else "~",
            measure=cell_len,
        )
