"""Which columns a list shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.app.lineview import LineView
from mltui.app.present.line import EMPTY, Line, line, wrapped
from mltui.app.widgets.columns import Column as AnyColumn
from mltui.live.cells import Column
from mltui.text.glyphs import unicode_ok
from mltui.text.width import fit


class ColumnsDialog(ModalScreen[tuple[str, ...] | None]):
    """Space shows or hides, J and K move, Enter keeps it; empty: as the kind declares it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("K,shift+up", "carry(-1)", "Earlier", show=False),
        Binding("J,shift+down", "carry(1)", "Later", show=False),
        Binding("space", "choose", "Show or hide", show=False),
        Binding("r", "reset", "As it was", show=False),
        Binding("enter", "keep", "Keep", show=False),
    ]

    def __init__(
        self, columns: Sequence[Column[Any] | AnyColumn[Any]], chosen: Sequence[str]
    ) -> None:
        super().__init__()
        self._columns = {column.key: column for column in columns}
        known = [key for key in chosen if key in self._columns]
        self._order = [*known, *(key for key in self._columns if key not in known)]
        self._shown = set(known or self._columns)
        self._current = 0
        self._head: list[Line] = []

    def compose(self) -> ComposeResult:
        """The columns, one a line."""
        said = "Columns: Space shows or hides, J and K move, r as declared, Enter keeps."
        self._head = [*wrapped(said, min(self.app.size.width - 8, 68)), EMPTY]
        with Vertical(classes="dialog"):
            view = LineView(self._lines())
            view.can_focus = False
            view.styles.height = min(len(self._order) + len(self._head), self.app.size.height - 6)
            yield view

    def _lines(self) -> list[Line]:
        shown, hidden = ("◆", "·") if unicode_ok() else ("*", ".")
        lines = list(self._head)
        for index, key in enumerate(self._order):
            column = self._columns[key]
            mark = shown if key in self._shown else hidden
            text = f" {mark} {fit(column.title, 12)} {column.help}"
            role = "cursor" if index == self._current else ("" if key in self._shown else "dim")
            lines.append(line((f"{fit(text, 66, shorten='end')} ", role)))
        return lines

    def _show(self) -> None:
        view = self.query_one(LineView)
        view.show(self._lines())
        below = self._current + len(self._head) - view.size.height + 1
        view.scroll_to(y=max(below, 0), animate=False)

    def action_move(self, step: int) -> None:
        """The next or previous column."""
        self._current = min(max(self._current + step, 0), len(self._order) - 1)
        self._show()

    def action_carry(self, step: int) -> None:
        """Put the column one place further."""
        there = min(max(self._current + step, 0), len(self._order) - 1)
        order = self._order
        order[self._current], order[there] = order[there], order[self._current]
        self._current = there
        self._show()

    def action_choose(self) -> None:
        """Show or hide the column; one is always left."""
        key = self._order[self._current]
        if key not in self._shown:
            self._shown.add(key)
        elif len(self._shown) > 1:
            self._shown.remove(key)
        self.action_move(1)

    def action_reset(self) -> None:
        """As the kind declares it."""
        self._order, self._shown = list(self._columns), set(self._columns)
        self._show()

    def action_keep(self) -> None:
        """So it shall be."""
        kept = tuple(key for key in self._order if key in self._shown)
        self.dismiss(() if kept == tuple(self._columns) else kept)

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)
