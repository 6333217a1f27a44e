"""A text to be read: an object or a log of a bundle. Esc closes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.app.lineview import LineView
from mltui.app.present.line import line
from mltui.text.width import shorten_end


class TextDialog(ModalScreen[None]):
    """Its title and its lines."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close", show=False)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._lines = title, text.splitlines()

    def compose(self) -> ComposeResult:
        """The lines, of which the arrows show more."""
        width = max(min(self.app.size.width * 96 // 100, 130) - 6, 20)
        head = line((shorten_end(f"{self._title}   Esc closes", width), "strong"))
        lines = [line((shorten_end(each, width), "")) for each in self._lines]
        with Vertical(classes="dialog", id="text"):
            top = LineView([head])
            top.can_focus = False
            top.styles.height = 2
            yield top
            view = LineView(lines, has_cursor=True)
            view.styles.height = min(max(len(lines), 1), max(self.app.size.height - 8, 3))
            yield view

    def on_mount(self) -> None:
        """The keys move in the text."""
        self.query(LineView).last().focus()

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)
