"""Start a run: what would run, why, how long it takes; then Enter starts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.app.dialogs.choices import Choices
from mltui.app.lineview import LineView
from mltui.app.present.line import EMPTY, Line, line, wrapped

Preview = Callable[[int], tuple[Sequence[Line], bool]]
"""For a width: the lines, and whether the run can be started. Called in a thread."""


class RunDialog(ModalScreen[bool]):
    """Enter starts: a run ends nothing and can be cancelled, so that is the safe answer here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Leave it", show=False),
        Binding("y", "answer(True)", "Start", show=False),
    ]

    def __init__(self, sentence: str, preview: Preview) -> None:
        super().__init__()
        self.sentence = sentence
        self._preview = preview
        self._can_start = True

    def compose(self) -> ComposeResult:
        """The sentence, what would run, the answers."""
        with Vertical(classes="dialog"):
            yield LineView(id="what")
            yield Choices(["Start the run", "Leave it"])

    def on_mount(self) -> None:
        """Say at once what is asked; what would run follows."""
        self.query_one("#what", LineView).can_focus = False
        self._show([line(("looking at what would run…", "dim"))])
        self.query_one(Choices).focus()
        self.run_worker(self._look(), exclusive=True, group="dryrun")

    async def _look(self) -> None:
        lines, self._can_start = await asyncio.to_thread(self._preview, self._width)
        if not self.is_mounted:
            return
        if not self._can_start:
            choices = self.query_one(Choices)
            choices.words, choices.current = ["Leave it"], 0
            choices.refresh()
        self._show(lines)

    @property
    def _width(self) -> int:
        return min(self.app.size.width - 10, 70)

    def _show(self, lines: Sequence[Line]) -> None:
        shown = [*wrapped(self.sentence, self._width, "strong"), EMPTY, *lines, EMPTY]
        view = self.query_one("#what", LineView)
        view.styles.height = min(len(shown), max(self.app.size.height - 8, 6))
        view.show(shown)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        self.dismiss(event.index == 0 and self._can_start)

    def action_answer(self, yes: bool) -> None:
        """Answer by a letter."""
        self.dismiss(yes and self._can_start)
