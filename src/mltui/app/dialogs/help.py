"""Every key and command, from the registry; typing searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mltui.actions.action import Action
from mltui.app.lineview import LineView
from mltui.app.present.help import help_lines


class HelpDialog(ModalScreen[None]):
    """The key map."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "close", "Close", show=False),
        Binding("down", "scroll(1)", "Down", show=False, priority=True),
        Binding("up", "scroll(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
    ]

    def __init__(self, here: Sequence[Action], *, of_log: bool = False) -> None:
        super().__init__()
        self._of_log = of_log
        """A log has the keys: those come first."""
        self._here = here
        """What applies where one is, in order of use."""

    def compose(self) -> ComposeResult:
        """A search field and the lines."""
        with Vertical(classes="dialog", id="help"):
            field = Input(placeholder="type to search, Esc closes", compact=True)
            field.cursor_blink = False
            yield field
            width = min(self.app.size.width * 96 // 100, 130) - 7
            view = LineView(help_lines(width, "", self._here, of_log=self._of_log), id="helplines")
            view.can_focus = False
            yield view

    def on_mount(self) -> None:
        """Typing searches."""
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        """Lines wrap otherwise."""
        self.call_after_refresh(self._fill)

    @on(Input.Changed)
    def _fill(self) -> None:
        view = self.query_one("#helplines", LineView)
        width = max(view.scrollable_content_region.width, 30)
        needle = self.query_one(Input).value
        view.show(help_lines(width, needle, self._here, of_log=self._of_log))
        view.scroll_to(y=0, animate=False)

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """A line."""
        self.query_one("#helplines", LineView).action_cursor(step)

    def action_page(self, step: int) -> None:
        """A page."""
        self.query_one("#helplines", LineView).action_page(step)
