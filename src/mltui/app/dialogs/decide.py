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
from mltui.app.present.decide import Offer, offer_line
from mltui.app.present.line import EMPTY, Line, line, wrapped


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
        width = min(self.app.size.width - 8, 68)
        lines = [*wrapped(self.sentence, width), EMPTY, *self.table, EMPTY]
        with Vertical(classes="dialog"):
            view = LineView(lines)
            view.can_focus = False
            view.styles.height = min(len(lines), max(self.app.size.height - 12, 6))
            yield view
            choices = LineView(self._lines(), has_cursor=True, id="offers")
            choices.styles.height = len(self.offers)
            yield choices
            yield OneLine(id="hint")

    def on_mount(self) -> None:
        """The first offer changes nothing."""
        choices = self.query_one("#offers", LineView)
        choices.show(self._lines(), cursor=0)
        choices.focus()
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

    def _lines(self) -> list[Line]:
        return [offer_line(offer, place) for place, offer in enumerate(self.offers)]

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
