"""Decide a gate: its rounds with their metrics, and the three things that can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.actions.context import Decision
from mltui.app.lineview import LineView, OneLine
from mltui.app.present.decide import Offer, offer_lines
from mltui.app.present.line import EMPTY, Line, line, wrapped

_AROUND = 5
"""Lines of the border, the space inside it, and the hint."""


class DecideDialog(ModalScreen[Decision | None]):
    """A list of offers; Enter takes the one under the cursor, Esc leaves the gate as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave it", show=False),
        Binding("enter", "take", "Take it", show=False),
        Binding("plus,right", "more(1)", "More rounds", show=False),
        Binding("minus,left", "more(-1)", "Fewer rounds", show=False),
    ]

    def __init__(self, sentence: str, table: Sequence[Line], offers: Sequence[Offer]) -> None:
        super().__init__()
        self.sentence = sentence
        self.table = list(table)
        self.offers = list(offers)

    def compose(self) -> ComposeResult:
        """The sentence, the rounds, the offers."""
        with Vertical(classes="dialog"):
            table = LineView(id="rounds")
            table.can_focus = False
            yield table
            yield LineView(has_cursor=True, id="offers")
            yield OneLine(id="hint")

    def on_mount(self) -> None:
        """The first offer changes nothing."""
        self._fit()
        self.query_one("#offers", LineView).focus()
        self.query_one("#hint", OneLine).show(
            line(
                ("Enter", "strong"),
                (" takes it   ", "dim"),
                ("← →", "strong"),
                (" fewer or more rounds   ", "dim"),
                ("Esc", "strong"),
                (" leaves it", "dim"),
            )
        )

    def on_resize(self) -> None:
        """More fits, or less."""
        self._fit()

    def _fit(self) -> None:
        """Lay it out for the terminal; where that is low, space goes before rounds do."""
        size = self.app.size
        table, choices = self.query_one("#rounds", LineView), self.query_one("#offers", LineView)
        lines = [*wrapped(self.sentence, min(size.width - 8, 68)), EMPTY, *self.table, EMPTY]
        offered = self._lines()
        room = max(size.height * 9 // 10 - len(offered) - _AROUND, 6)
        shown = lines if len(lines) <= room else lines[:-1]
        table.show(shown)
        table.styles.height = min(len(shown), room)
        choices.show(offered, cursor=0 if choices.cursor is None else None)
        choices.styles.height = len(offered)

    def _lines(self) -> list[Line]:
        width = min(self.app.size.width - 6, 70)  # inside of the border
        offers = enumerate(self.offers)
        return [each for place, offer in offers for each in offer_lines(offer, place, width)]

    def action_more(self, step: int) -> None:
        """Another number of rounds."""
        choices = self.query_one("#offers", LineView)
        for place, offer in enumerate(self.offers):
            if offer.choice == "again" and choices.cursor == place:
                self.offers[place] = offer.with_more(offer.more + step)
        choices.show(self._lines())

    def action_take(self) -> None:
        """Take the offer under the cursor."""
        place = self.query_one("#offers", LineView).cursor
        offer = self.offers[place] if isinstance(place, int) else None
        if offer is None or offer.choice == "leave":
            self.dismiss(None)
        elif not offer.why_not:
            self.dismiss(Decision(offer.choice, offer.round, offer.more))
        else:
            self.query_one("#hint", OneLine).show(line((offer.why_not, "state-warning")))

    @on(LineView.Opened)
    def _opened(self) -> None:
        self.action_take()

    def action_leave(self) -> None:
        """Leave the gate as it is."""
        self.dismiss(None)
