"""A confirmation: a sentence naming the object, the place and the effect."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.actions.context import Question
from mltui.app.dialogs.choices import Choices
from mltui.app.dialogs.sheet import SCROLLING, Sheet
from mltui.app.dialogs.unseen import Unseen
from mltui.app.present.line import EMPTY, Line, folded, wrapped


class ConfirmDialog(ModalScreen[bool]):
    """Asks; the safe answer has the focus, and so has Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Leave it", show=False),
        Binding("y", "answer(True)", "Do it", show=False),
        *SCROLLING,
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self._unseen = Unseen()

    def on_mount(self) -> None:
        """What is typed from the first paint on is an answer."""
        self._unseen.watch(self)

    def on_key(self, event: events.Key) -> None:
        """What was typed before is none."""
        self._unseen.swallow(event)

    def compose(self) -> ComposeResult:
        """The sentence and the two answers."""
        with Vertical(classes="dialog"):
            yield Sheet(self._lines, below=1)
            yield Choices([self.question.no, self.question.yes])

    def _lines(self, width: int) -> list[Line]:
        lines = wrapped(self.question.sentence, width)
        if self.question.detail:
            lines.append(EMPTY)
            for text in self.question.detail:
                lines += folded(text, width, self._role(text))
        return [*lines, EMPTY]

    def on_resize(self) -> None:
        """More fits, or less."""
        self.query_one(Sheet).fit()

    def action_scroll(self, step: int) -> None:
        """Other lines, where there are more than fit."""
        self.query_one(Sheet).scroll_relative(y=step, animate=False)

    def _role(self, text: str) -> str:
        if not self.question.is_diff:
            return "dim"
        return {"+": "good", "-": "state-failed"}.get(text[:1], "dim")

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        self.dismiss(event.index == 1)

    def action_answer(self, yes: bool) -> None:
        """Answer by a letter."""
        self.dismiss(yes)
