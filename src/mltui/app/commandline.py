"""The line where commands and filters are typed; it takes the footer's place while it is open.

Commands come from the registry. Tab completes, the arrow keys recall, a wrong name is answered with
the nearest right one.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from mltui.actions import registry
from mltui.actions.action import Action, Known
from mltui.text.glyphs import unicode_ok
from mltui.text.width import cell_width

SHOWN = 12
"""So many completions at a time."""


class Typed(Input):
    """The input: its own keys only, so that letters are letters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("tab", "complete(1)", "Complete", show=False),
        Binding("shift+tab", "complete(-1)", "Complete back", show=False),
        Binding("up", "recall(-1)", "Earlier", show=False),
        Binding("down", "recall(1)", "Later", show=False),
    ]

    @dataclass
    class Asked(Message):
        """A key that the line, not the input, answers."""

        what: str
        step: int = 0

    later: list[Key] | None = None
    """Keys that were typed after the one that ends the line: they are for what comes then."""

    async def on_key(self, event: Key) -> None:
        """Its own keys, in the order they were typed.

        Else a binding is run once its key has passed all that is around the field, and letters that
        follow at once come before it. Enter is the screen's.
        """
        if self.later is not None:
            event.stop()
            event.prevent_default()
            self.later.append(event)
            return
        if event.key in ("enter", "escape"):
            self.later = []
        binding = next(iter(self._bindings.key_to_bindings.get(event.key, ())), None)
        if binding is not None and event.key != "enter":
            event.stop()
            event.prevent_default()
            await self.app.run_action(binding.action, self)

    def action_leave(self) -> None:
        """Close the line."""
        self.post_message(self.Asked("leave"))

    def action_complete(self, step: int) -> None:
        """The next or previous completion."""
        self.post_message(self.Asked("complete", step))

    def action_recall(self, step: int) -> None:
        """An earlier or later line."""
        self.post_message(self.Asked("recall", step))


class CommandLine(Horizontal):
    """One line: a prompt, the input, and what it could become."""

    @dataclass
    class Submitted(Message):
        """The line was entered. `mode` is `:`, `/`, or `log` for what a log pane asked."""

        mode: str
        text: str

    @dataclass
    class Changed(Message):
        """The text of a filter changed."""

        mode: str
        text: str

    @dataclass
    class Left(Message):
        """The line was closed without entering it."""

        mode: str

    def __init__(self, known: Known, *, in_place_of: Widget) -> None:
        super().__init__(id="commandline")
        self._in_place_of = in_place_of
        self._typing_for: Widget | None = None
        self.mode = ":"
        self.history: list[str] = []
        """Commands that were typed, oldest first."""
        self._others: dict[str, list[str]] = {}
        self._asked_for = ":"
        self._offers: Sequence[str] = ()
        self._known = known
        self._place = 0
        self._candidates: list[str] = []
        self._chosen = -1
        self._typed = ""

    def compose(self) -> ComposeResult:
        """Prompt, input, candidates."""
        yield Static(":", id="prompt")
        field = Typed(id="typed", select_on_focus=False, compact=True)
        field.cursor_blink = False
        yield field
        yield Static("", id="candidates")

    @property
    def _earlier(self) -> list[str]:
        """What was typed after this prompt, oldest first."""
        if self.mode == ":":
            return self.history
        return self._others.setdefault(self._asked_for, [])

    def open(self, mode: str, text: str = "", prompt: str = "", offers: Sequence[str] = ()) -> None:
        """Begin to type; the pane that has the keys gets them back. *offers*: words to complete."""
        self._typing_for = self.screen.focused
        self._in_place_of.display = False
        self.mode, self._asked_for, self._offers = mode, prompt or mode, offers
        self._place = len(self._earlier)
        self.display = True
        self.query_one("#prompt", Static).update(prompt or mode)
        field = self.query_one(Typed)
        field.value, field.later = text, None
        field.cursor_position = len(text)
        self._typed, self._chosen = text, -1
        self._offer(text)
        self.screen.set_focus(field)  # at once: what is typed ahead belongs here

    def on_resize(self) -> None:
        """There is room for more of them, or for less."""
        if self.display:
            self._show_candidates()

    def take(self, event: Key) -> bool:
        """A key that was typed before the line was open, and reached whatever had the keys then.

        False when it is none that a line can be typed with.
        """
        field = self.query_one(Typed)
        if field.later is not None:
            field.later.append(event)
        elif event.key == "escape":
            field.later = []
            field.action_leave()
        elif event.is_printable and event.character:
            field.insert_text_at_cursor(event.character)
        else:
            return False
        return True

    def close(self) -> None:
        """Give the footer its place back, and the keys to whatever had them."""
        self.display = False
        self._in_place_of.display = True
        if self._typing_for is not None and self._typing_for.is_attached:
            self.screen.set_focus(self._typing_for)  # at once, as when it was opened

    def give_keys_back(self) -> None:
        """The line is answered: keys that were typed since then are for whatever has them now."""
        field = self.query_one(Typed)
        later, field.later = field.later, None
        for each in later or ():
            event = Key(each.key, each.character)
            event.set_sender(self.app)  # as if it came from the terminal: else it ends here
            self.app.post_message(event)

    # --- completion -----------------------------------------------------------------------------

    def _offer(self, text: str) -> None:
        if self.mode == ":":
            self._candidates = completions(text, self._known)
        else:
            last = text.rpartition(" ")[2]
            before = text[: len(text) - len(last)]
            self._candidates = [
                before + each for each in self._offers if each.startswith(last) and each != last
            ]
        self._show_candidates()

    def offer_again(self) -> None:
        """More is known by now than when the line was typed."""
        if self.display and self.mode == ":" and self._chosen < 0:
            self._offer(self._typed)

    def _show_candidates(self) -> None:
        """What the line could become, from a little before the one that is chosen."""
        first = max(self._chosen - 2, 0)
        words: list[str | tuple[str, str]] = []
        room = self.size.width * 6 // 10 - 4  # as its style says, and for the sign
        for at, each in enumerate(self._candidates[first:], first):
            word = each.rpartition(" ")[2]
            room -= cell_width(word) + 2
            if at == first + SHOWN or (room < 0 and words):
                words.append("  …" if unicode_ok() else "  ~")
                break
            words += ["  " if words else "", (word, "bold reverse") if at == self._chosen else word]
        self.query_one("#candidates", Static).update(Content.assemble(*words))

    @on(Typed.Asked)
    def _asked(self, event: Typed.Asked) -> None:
        event.stop()
        field = self.query_one(Typed)
        if event.what == "leave":
            self.close()
            self.post_message(self.Left(self.mode))
        elif event.what == "complete" and self._candidates:
            self._chosen = (self._chosen + event.step) % len(self._candidates)
            text = self._candidates[self._chosen]
            with field.prevent(Input.Changed):
                field.value = text
            field.cursor_position = len(text)
            is_command = self.mode == ":" and " " not in text
            if len(self._candidates) == 1 and is_command:  # its argument comes next
                self._typed, self._chosen = text, -1
                self._offer(f"{text} ")
            self._show_candidates()
        elif event.what == "recall" and (earlier := self._earlier):
            self._place = min(max(self._place + event.step, 0), len(earlier))
            text = earlier[self._place] if self._place < len(earlier) else self._typed
            with field.prevent(Input.Changed):
                field.value = text
            field.cursor_position = len(text)
            if self.mode != ":":
                self.post_message(self.Changed(self.mode, text))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.display:
            return
        self._typed, self._chosen = event.value, -1
        self._offer(event.value)
        if self.mode in ("/", "log"):
            self.post_message(self.Changed(self.mode, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.entered())

    def entered(self) -> Submitted:
        """Close the line; what was on it."""
        text = self.query_one(Typed).value.strip()
        if text and self._earlier[-1:] != [text]:
            self._earlier.append(text)
        self.close()
        return self.Submitted(self.mode, text)


def completions(text: str, known: Known) -> list[str]:
    """What a half-typed command could become, as whole lines."""
    name, space, argument = text.lstrip().partition(" ")
    commands = registry.commands()
    if not space:
        here = known.selection

        def order(each: Action) -> tuple[bool, int, str]:
            """What can act here first; then the shortest, or without a letter the most used."""
            size = len(each.command) if name else each.rank
            return not each.can(here), size, each.command

        named_ = sorted((each for each in registry.ACTIONS if each.command), key=order)
        ranked = [*dict.fromkeys(each.command for each in named_)]
        if not name:
            return ranked
        found = [each for each in ranked if each.startswith(name)]
        named = [each for each in known.object_names if name.lower() in each.lower()]
        rest = [each for each in ranked if len(name) > 1 and each not in found]
        within = [each for each in rest if name in each]
        scattered = [each for each in rest if name not in each and _has_in_order(each, name)]
        return [*found, *named, *within, *scattered]
    action = commands.get(name)
    if action is None or action.complete is None:
        return []
    at = max(argument.rfind(" "), argument.rfind(",")) + 1
    before, last = argument[:at], argument[at:]
    offered = [each for each in action.complete(known) if last.lower() in each.lower()]
    offered.sort(key=lambda each: not each.startswith(last))
    return [f"{name} {before}{each}" for each in offered]


def _has_in_order(text: str, letters: str) -> bool:
    """Whether it begins with the first and has the others in this order: `dpl`, `deploy`."""
    rest = iter(text)
    return text[0] == letters[0] and all(letter in rest for letter in letters)


def nearest(name: str) -> str | None:
    """The command a person may have meant."""
    found = difflib.get_close_matches(name, list(registry.commands()), n=1, cutoff=0.5)
    return found[0] if found else None
