"""Small questions: a line of text, one of several, a change that is shown before it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mltui.actions.context import Question
from mltui.app.dialogs.choices import Choices
from mltui.app.dialogs.unseen import Unseen
from mltui.app.lineview import LineView
from mltui.app.present.line import EMPTY, Line, line, wrapped
from mltui.live.cells import plain


class TextDialog(ModalScreen[str | None]):
    """Asks for one line; Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False)]

    def __init__(self, sentence: str, text: str) -> None:
        super().__init__()
        self._sentence, self._text = sentence, text

    def compose(self) -> ComposeResult:
        """The sentence and the field."""
        lines = wrapped(self._sentence, min(self.app.size.width - 8, 68))
        with Vertical(classes="dialog"):
            view = LineView([*lines, EMPTY])
            view.can_focus = False
            view.styles.height = len(lines) + 1
            yield view
            field = Input(self._text, compact=True)
            field.cursor_blink = False
            yield field

    def on_mount(self) -> None:
        """What is there is selected, so that typing replaces it."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        """Nothing is asked for."""
        self.dismiss(None)


class PickDialog(ModalScreen[int | None]):
    """Asks for one of several lines; arrows move, Enter chooses, Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    def __init__(
        self,
        sentence: str,
        words: Sequence[str],
        *,
        current: int = 0,
        moved: Callable[[int], None] = lambda index: None,
    ) -> None:
        """`current` is under the cursor at first; `moved` is told of each that gets there."""
        super().__init__()
        self._sentence, self._words = sentence, [plain(word) for word in words]
        self._current, self._moved = current, moved
        self._head: list[Line] = []

    def compose(self) -> ComposeResult:
        """The sentence and the lines."""
        self._head = [*wrapped(self._sentence, min(self.app.size.width - 8, 68)), EMPTY]
        with Vertical(classes="dialog"):
            view = LineView(self._lines())
            view.can_focus = False
            view.styles.height = min(len(self._words) + len(self._head), self.app.size.height - 6)
            yield view

    def _lines(self) -> list[Line]:
        chosen = [
            line((f" ▸ {word} " if index == self._current else f"   {word} ",
                  "cursor" if index == self._current else ""))
            for index, word in enumerate(self._words)
        ]  # fmt: skip
        return [*self._head, *chosen]

    def on_click(self, event: events.Click) -> None:
        """A click on a line chooses it."""
        view = self.query_one(LineView)
        if view.content_region.contains(event.screen_x, event.screen_y):
            index = event.screen_y - view.content_region.y + view.scroll_offset.y - len(self._head)
            if 0 <= index < len(self._words):
                self.dismiss(index)

    def action_move(self, step: int) -> None:
        """The next or previous line."""
        self._current = min(max(self._current + step, 0), len(self._words) - 1)
        self._moved(self._current)
        view = self.query_one(LineView)
        view.show(self._lines())
        view.scroll_to(y=max(self._current + len(self._head) - view.size.height + 1, 0),
                       animate=False)  # fmt: skip

    def action_choose(self) -> None:
        """This one."""
        self.dismiss(self._current)

    def action_leave(self) -> None:
        """None of them."""
        self.dismiss(None)


_ROLES = {"+": "good", "-": "state-failed", "@": "accent"}


class DifferenceDialog(ModalScreen[bool]):
    """Shows what would change, and asks; the safe answer has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Leave it", show=False),
        Binding("y", "answer(True)", "Do it", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
    ]

    def __init__(self, question: Question, difference: Sequence[str]) -> None:
        super().__init__()
        self._question = question
        self._difference = difference
        self._unseen = Unseen()

    def on_mount(self) -> None:
        """What is typed from the first paint on is an answer."""
        self._unseen.watch(self)

    def on_key(self, event: events.Key) -> None:
        """What was typed before is none."""
        self._unseen.swallow(event)

    def compose(self) -> ComposeResult:
        """The sentence, the lines that change, the two answers."""
        width, height = self.app.size
        head = [*wrapped(self._question.sentence, min(width - 10, 90)), EMPTY]
        lines = [
            line((plain(each), _ROLES.get(each[:1], "dim" if each[:1] == " " else "")))
            for each in self._difference
        ] or [line(("nothing changes", "dim"))]
        with Vertical(classes="dialog difference"):
            view = LineView(head)
            view.can_focus = False
            view.styles.height = len(head)
            yield view
            body = LineView(lines, id="difference")
            body.can_focus = False
            body.styles.height = min(len(lines), max(height - len(head) - 8, 4))
            yield body
            gap = LineView([EMPTY])
            gap.can_focus = False
            gap.styles.height = 1
            yield gap
            yield Choices([self._question.no, self._question.yes])

    def action_scroll(self, step: int) -> None:
        """Other lines of the change."""
        self.query_one("#difference", LineView).scroll_relative(y=step, animate=False)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        self.dismiss(event.index == 1)

    def action_answer(self, yes: bool) -> None:
        """Answer by a letter."""
        self.dismiss(yes)
