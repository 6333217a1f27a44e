"""The buttons of a dialog on one line: arrows or Tab move, Enter chooses, the first is safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from mltui.app.widgets.roles import RoleStyles
from mltui.text.width import cell_width


class Choices(Widget):
    """A few words to choose from."""

    can_focus = True
    DEFAULT_CSS = "Choices { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,shift+tab,h", "move(-1)", "Left", show=False),
        Binding("right,tab", "move(1)", "Right", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """One was chosen, counted from 0."""

        choices: Choices
        index: int

    def __init__(self, words: Sequence[str], *, current: int = 0) -> None:
        super().__init__()
        self.words = list(words)
        self.current = current
        self._styles = RoleStyles(self)

    def render_line(self, y: int) -> Strip:
        """The words, the current one as the cursor is."""
        base = self.rich_style
        segments = []
        for place, word in enumerate(self.words):
            is_current = place == self.current
            style = self._styles.on(base, "cursor") if is_current else base
            mark = "▸" if is_current and self._unicode else ">" if is_current else " "
            segments.append(Segment(f" {mark} {word} ", style))
            segments.append(Segment("  ", base))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    @property
    def _unicode(self) -> bool:
        from mltui.text.glyphs import unicode_ok

        return unicode_ok()

    def notify_style_update(self) -> None:
        """The theme changed."""
        self._styles.clear()
        super().notify_style_update()

    def action_move(self, step: int) -> None:
        """The next or previous word."""
        self.current = (self.current + step) % len(self.words)
        self.refresh()

    def action_choose(self) -> None:
        """Choose the current word."""
        self.post_message(self.Chosen(self, self.current))

    def on_click(self, event: events.Click) -> None:
        """Choose the word that was clicked."""
        x = 0
        for place, word in enumerate(self.words):
            size = cell_width(word) + 4
            if x <= event.x < x + size:
                self.current = place
                self.refresh()
                self.action_choose()
                return
            x += size + 2
