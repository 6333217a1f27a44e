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
from mltui.app.dialogs.unseen import Unseen
from mltui.app.lineview import LineView
from mltui.app.present.line import EMPTY, Line, line, wrapped


class ConfirmDialog(ModalScreen[bool]):
    """Asks; the safe answer has the focus, and so has Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Leave it", show=False),
        Binding("y", "answer(True)", "Do it", show=False),
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
        width = min(self.app.size.width - 8, 68)
        lines: list[Line] = wrapped(self.question.sentence, width)
        if self.question.detail:
            lines += [EMPTY, *(line((text, self._role(text))) for text in self.question.detail)]
        with Vertical(classes="dialog"):
            view = LineView([*lines, EMPTY])
            view.can_focus = False
            view.styles.height = len(lines) + 1
            yield view
            yield Choices([self.question.no, self.question.yes])

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
