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
from mltui.app.dialogs.sheet import SCROLLING, Sheet
from mltui.app.dialogs.unseen import Unseen
from mltui.app.present.line import EMPTY, Line, folded, line, wrapped
from mltui.live.cells import plain


class TextDialog(ModalScreen[str | None]):
    """Asks for one line; Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False)]

    def __init__(self, sentence: str, text: str) -> None:
        super().__init__()
        self._sentence, self._text = sentence, text

    def compose(self) -> ComposeResult:
        """The sentence and the field."""
        with Vertical(classes="dialog"):
            yield Sheet(lambda width: [*wrapped(self._sentence, width), EMPTY], below=1)
            field = Input(self._text, compact=True)
            field.cursor_blink = False
            yield field

    def on_mount(self) -> None:
        """What is there is selected, so that typing replaces it."""
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        """More fits, or less."""
        self.query_one(Sheet).fit()

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
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("home", "move(-10000)", "First", show=False),
        Binding("end,G", "move(10000)", "Last", show=False),
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
        with Vertical(classes="dialog"):
            yield Sheet(self._lines)

    def on_resize(self) -> None:
        """More fits, or less."""
        self._show()

    def _lines(self, width: int) -> list[Line]:
        chosen = [
            line((f" ▸ {word} " if index == self._current else f"   {word} ",
                  "cursor" if index == self._current else ""))
            for index, word in enumerate(self._words)
        ]  # fmt: skip
        self._head = [*wrapped(self._sentence, width), EMPTY]
        return [*self._head, *chosen]

    def _show(self) -> None:
        sheet = self.query_one(Sheet)
        sheet.fit()
        self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        """Have the chosen line on the screen, and with the first one the sentence."""
        sheet = self.query_one(Sheet)
        row, top, height = self._current + len(self._head), sheet.scroll_offset.y, sheet.size.height
        if row >= top + height:
            sheet.scroll_to(y=row - height + 1, animate=False)
        elif row < top or self._current == 0:
            sheet.scroll_to(y=row if self._current else 0, animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click on a line chooses it."""
        view = self.query_one(Sheet)
        if view.content_region.contains(event.screen_x, event.screen_y):
            index = event.screen_y - view.content_region.y + view.scroll_offset.y - len(self._head)
            if 0 <= index < len(self._words):
                self.dismiss(index)

    def action_move(self, step: int) -> None:
        """The next or previous line."""
        self._current = min(max(self._current + step, 0), len(self._words) - 1)
        self._moved(self._current)
        self._show()

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
        *SCROLLING,
    ]

    def __init__(self, question: Question, difference: Sequence[str]) -> None:
        super().__init__()
        self._question = question
        self._difference = difference
        self._unseen = Unseen()

    def on_mount(self) -> None:
        """What is typed from the first paint on is an answer."""
        self._fit()
        self._unseen.watch(self)

    def on_key(self, event: events.Key) -> None:
        """What was typed before is none."""
        self._unseen.swallow(event)

    def compose(self) -> ComposeResult:
        """The sentence, the lines that change, the two answers."""
        with Vertical(classes="dialog difference"):
            yield Sheet(self._head, below=6, widest=90, share=96, id="question")
            yield Sheet(self._lines, widest=122, share=96, id="difference")
            yield Sheet(lambda width: [EMPTY])
            yield Choices([self._question.no, self._question.yes])

    def _head(self, width: int) -> list[Line]:
        return [*wrapped(self._question.sentence, width), EMPTY]

    def _lines(self, width: int) -> list[Line]:
        return [
            part
            for each in self._difference
            for part in folded(
                plain(each), width, _ROLES.get(each[:1], "dim" if each[:1] == " " else "")
            )
        ] or [line(("nothing changes", "dim"))]

    def on_resize(self) -> None:
        """More fits, or less."""
        self._fit()

    def _fit(self) -> None:
        """The lines that change have what the sentence leaves them."""
        sentence, difference = (
            self.query_one("#question", Sheet),
            self.query_one("#difference", Sheet),
        )
        sentence.fit()
        difference.below = len(sentence.lines) + 2
        difference.fit()

    def action_scroll(self, step: int) -> None:
        """Other lines of the change."""
        self.query_one("#difference", Sheet).scroll_relative(y=step, animate=False)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        self.dismiss(event.index == 1)

    def action_answer(self, yes: bool) -> None:
        """Answer by a letter."""
        self.dismiss(yes)
