"""A text to be read: an object or a log of a bundle. Esc closes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.app.dialogs.sheet import Sheet
from mltui.app.present.line import EMPTY, Line, folded, line
from mltui.text.width import shorten_end

_WIDEST, _SHARE = 122, 96


class TextDialog(ModalScreen[None]):
    """Its title and its lines."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close", show=False)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._lines = title, text.splitlines()

    def compose(self) -> ComposeResult:
        """The lines, of which the arrows show more."""
        with Vertical(classes="dialog", id="text"):
            yield Sheet(self._head, widest=_WIDEST, share=_SHARE, id="head")
            yield Sheet(self._body, below=2, widest=_WIDEST, share=_SHARE, id="body")

    def on_mount(self) -> None:
        """The keys move in the text."""
        body = self.query_one("#body", Sheet)
        body.can_focus = True
        body.focus()

    def on_resize(self) -> None:
        """More fits, or less."""
        for sheet in self.query(Sheet):
            sheet.fit()

    def _head(self, width: int) -> list[Line]:
        return [line((shorten_end(f"{self._title}   Esc closes", width), "strong")), EMPTY]

    def _body(self, width: int) -> list[Line]:
        return [each for text in self._lines for each in folded(text, width)]

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)
