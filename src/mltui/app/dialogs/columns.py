"""Which columns a list shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.app.dialogs.sheet import Sheet
from mltui.app.lineview import LineView
from mltui.app.present.line import EMPTY, Line, line, wrapped
from mltui.live.cells import Column
from mltui.text.glyphs import unicode_ok
from mltui.text.width import fit

_SAID = "Columns: Space shows or hides, J and K move, r as declared, Enter keeps."
_WIDEST = 88
_NAMES = 12
_BEFORE = " " * (_NAMES + 4)
"""What a column says goes on below where there is no room beside its name."""


class ColumnsDialog(ModalScreen[tuple[str, ...] | None]):
    """Space shows or hides, J and K move, Enter keeps it; empty: as the kind declares it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("K,shift+up", "carry(-1)", "Earlier", show=False),
        Binding("J,shift+down", "carry(1)", "Later", show=False),
        Binding("space", "choose", "Show or hide", show=False),
        Binding("r", "reset", "As it was", show=False),
        Binding("enter", "keep", "Keep", show=False),
    ]

    def __init__(self, columns: Sequence[Column[Any]], chosen: Sequence[str]) -> None:
        super().__init__()
        self._columns = {column.key: column for column in columns}
        known = [key for key in chosen if key in self._columns]
        self._order = [*known, *(key for key in self._columns if key not in known)]
        self._shown = set(known or self._columns)

    def compose(self) -> ComposeResult:
        """The columns, each with what it says."""
        with Vertical(classes="dialog", id="columns"):
            yield Sheet(self._head, widest=_WIDEST, id="said")
            yield Sheet(self._lines, below=3, widest=_WIDEST, has_cursor=True, id="offered")

    def on_mount(self) -> None:
        """The keys move in the list."""
        self._offered.focus()

    def on_resize(self) -> None:
        """More fits, or less."""
        for sheet in self.query(Sheet):
            sheet.fit()

    @property
    def _offered(self) -> Sheet:
        return self.query_one("#offered", Sheet)

    def _head(self, width: int) -> list[Line]:
        return [*wrapped(_SAID, width), EMPTY]

    def _lines(self, width: int) -> list[Line]:
        shown, hidden = ("◆", "·") if unicode_ok() else ("*", ".")
        lines = []
        for key in self._order:
            column = self._columns[key]
            mark = shown if key in self._shown else hidden
            role = "" if key in self._shown else "dim"
            first, *rest = wrapped(column.help, width, role, _BEFORE) or [EMPTY]
            words = first.text.strip()
            name = fit(column.title, _NAMES)
            lines += [line((f" {mark} {name} {words}", role), key=key), *rest]
        return lines

    def action_carry(self, step: int) -> None:
        """Put the column one place further."""
        here = self._order.index(str(self._offered.cursor))
        there = min(max(here + step, 0), len(self._order) - 1)
        order = self._order
        order[here], order[there] = order[there], order[here]
        self._offered.fit()

    def action_choose(self) -> None:
        """Show or hide the column; one is always left."""
        key = str(self._offered.cursor)
        if key not in self._shown:
            self._shown.add(key)
        elif len(self._shown) > 1:
            self._shown.remove(key)
        self._offered.fit()
        self._offered.action_cursor(1)

    @on(LineView.Opened)
    def _clicked(self) -> None:
        self.action_choose()

    def action_reset(self) -> None:
        """As the kind declares it."""
        self._order, self._shown = list(self._columns), set(self._columns)
        self._offered.fit()

    def action_keep(self) -> None:
        """So it shall be."""
        kept = tuple(key for key in self._order if key in self._shown)
        self.dismiss(() if kept == tuple(self._columns) else kept)

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)
