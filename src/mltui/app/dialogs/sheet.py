"""The text of a dialog: broken to its width, and no higher than the terminal has room for.

Every dialog that says something has one; `fit` lays it out again when the terminal has another
size. What does not fit is scrolled to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding, BindingType

from mltui.app.lineview import LineView
from mltui.app.present.line import Line

BESIDE = 8
"""Cells of a dialog that are no text: border, space, scrollbar."""
ABOVE = 4
"""Lines of it that are none."""
SCROLLING: list[BindingType] = [
    Binding("up,k", "scroll(-1)", "Up", show=False),
    Binding("down,j", "scroll(1)", "Down", show=False),
    Binding("pageup", "scroll(-10)", "Page up", show=False),
    Binding("pagedown", "scroll(10)", "Page down", show=False),
]
"""Keys of a dialog whose text may be longer than the screen; `action_scroll` scrolls the sheet."""


class Sheet(LineView):
    """Lines that are made for a width; without the keys, unless it has a cursor."""

    def __init__(
        self,
        make: Callable[[int], Sequence[Line]],
        *,
        below: int = 0,
        widest: int = 68,
        share: int = 100,
        has_cursor: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Of the dialog: lines that are others', its widest text, its share of the screen."""
        super().__init__(has_cursor=has_cursor, id=id)
        self.can_focus = has_cursor
        self.below = below
        self._make, self._widest, self._share = make, widest, share
        self.room_across = 0
        """The lines are made for this width; 0: not made yet."""

    def on_mount(self) -> None:
        """Lay it out for the terminal as it is."""
        self.fit()

    def fit(self) -> None:
        """Make the lines anew, for the terminal as it is."""
        width, height = self.app.size
        self.room_across = max(min(width * self._share // 100 - BESIDE, self._widest), 20)
        lines = self._make(self.room_across)
        room = max(height * 9 // 10 - ABOVE - self.below, 3)
        self.styles.height = max(min(len(lines), room), 1)
        self.show(lines)

    def _follow(self) -> None:
        """With the cursor's line those that say the rest of it."""
        super()._follow()
        last = self._row
        while last + 1 < len(self.lines) and self.lines[last + 1].key is None:
            last += 1
        top = self.scroll_offset.y
        over = min(last - (top + self.size.height - 1), self._row - top)
        if self._row >= 0 and over > 0:
            self.scroll_to(y=top + over, animate=False)
