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
from textual.worker import WorkType

from mltui.app.dialogs.choices import Choices
from mltui.app.dialogs.sheet import SCROLLING, Sheet
from mltui.app.present.line import EMPTY, Line, line, wrapped

Preview = Callable[[int], tuple[Sequence[Line], bool]]
"""For a width: the lines, and whether the run can be started. Called in a thread."""


class RunDialog(ModalScreen[bool]):
    """Enter starts: a run ends nothing and can be cancelled, so that is the safe answer here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Leave it", show=False),
        Binding("y", "answer(True)", "Start", show=False),
        *SCROLLING,
    ]

    def __init__(self, sentence: str, preview: Preview) -> None:
        super().__init__()
        self.sentence = sentence
        self._preview = preview
        self._can_start = True
        self._planned = [line(("looking at what would run…", "dim"))]
        self._width = 0
        """What was planned is said in lines of this width."""

    def compose(self) -> ComposeResult:
        """The sentence, what would run, the answers."""
        with Vertical(classes="dialog"):
            yield Sheet(self._lines, below=1, widest=70, id="what")
            yield Choices(["Start the run", "Leave it"])

    def on_mount(self) -> None:
        """Say at once what is asked; what would run follows."""
        self.query_one(Choices).focus()
        self._look_again()

    def on_resize(self) -> None:
        """More fits, or less; at another width it is said in other lines."""
        sheet = self.query_one(Sheet)
        sheet.fit()
        if self._width not in (0, sheet.room_across):
            self._look_again()

    def _look_again(self) -> None:
        # Not a coroutine: one that is replaced before it began would never be awaited.
        look: WorkType[None] = self._look
        self.run_worker(look, exclusive=True, group="dryrun")

    async def _look(self) -> None:
        self._width = self.query_one(Sheet).room_across
        lines, self._can_start = await asyncio.to_thread(self._preview, self._width)
        if not self.is_mounted:
            return
        if not self._can_start:
            choices = self.query_one(Choices)
            choices.words, choices.current = ["Leave it"], 0
            choices.refresh()
        self._planned = list(lines)
        self.query_one(Sheet).fit()

    def _lines(self, width: int) -> list[Line]:
        return [*wrapped(self.sentence, width, "strong"), EMPTY, *self._planned, EMPTY]

    def action_scroll(self, step: int) -> None:
        """Other lines, where there are more than fit."""
        self.query_one(Sheet).scroll_relative(y=step, animate=False)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        self.dismiss(event.index == 0 and self._can_start)

    def action_answer(self, yes: bool) -> None:
        """Answer by a letter."""
        self.dismiss(yes and self._can_start)
