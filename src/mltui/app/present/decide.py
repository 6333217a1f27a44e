"""What a person may decide about a gate, as lines to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mltui.app.present.line import EMPTY, Line, Part, wrapped
from mltui.app.present.need import main_metric
from mltui.text.format import format_number

if TYPE_CHECKING:
    from mltui.pipeline.choices import Choices, RoundChoice
    from mltui.spec.model import Gate

_BESIDE = " " * 24
"""What is said of an offer stands right of it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be done: leave, accept (a round), again (more rounds), fail."""

    choice: str
    text: str
    round: int | None = None
    more: int = 0
    note: str = ""
    why_not: str = ""

    def with_more(self, more: int) -> Offer:
        """The same with another number of rounds."""
        count = min(max(more, 1), 99)
        return replace(self, more=count, text=rounds_text(count))


def rounds_text(count: int) -> str:
    """`1 more round`."""
    return "1 more round" if count == 1 else f"{count} more rounds"


def offers(choices: Choices, gate: Gate | None) -> list[Offer]:
    """Everything that can be done, the harmless first, the best round before the others."""
    metric = main_metric(gate) if gate is not None else None
    found = [Offer("leave", "Leave it as it is", note=f"the gate stays {choices.status}")]
    best = _best(choices, gate, metric)
    for one in sorted(choices.rounds, key=lambda one: (one is not best, -one.round)):
        value = one.metrics.get(metric) if metric is not None else None
        note = f"{metric} {format_number(value, digits=4)}" if value is not None else one.gap
        if one is best and len(choices.rounds) > 1:
            note += ", the best"
        why_not = choices.why_not_accept or one.why_not
        found.append(
            Offer("accept", f"Accept round {one.round}", one.round, note=note, why_not=why_not)
        )
    where = f"from {gate.restart}" if gate is not None and gate.restart else ""
    more = Offer("again", rounds_text(1), more=1, note=where, why_not=choices.why_not_more)
    fail = Offer(
        "fail", "Let it fail", note="what needs it is skipped", why_not=choices.why_not_fail
    )
    return [*found, more, fail]


def _best(choices: Choices, gate: Gate | None, metric: str | None) -> RoundChoice | None:
    """The round to put first: the gate's own best, else by the side the comparison asks for."""
    for one in choices.rounds:
        if one.is_best:
            return one
    known = [one for one in choices.rounds if metric is not None and metric in one.metrics]
    if not known or gate is None or metric is None:
        return None
    sign = -1.0 if "<" in gate.require_text else 1.0
    return max(known, key=lambda one: (sign * one.metrics[metric], -one.round))


def offer_lines(offer: Offer, place: int, width: int) -> list[Line]:
    """One offer; what is said of it goes on below where there is no room beside it."""
    faded = "stale" if offer.why_not else ""
    first, *rest = wrapped(offer.why_not or offer.note, width - 1, "dim", _BESIDE) or [EMPTY]
    words = "".join(text for text, _ in first.left).strip()
    parts: list[Part] = [(f"  {offer.text:<22}", faded), (words, "dim")]
    return [Line(tuple(parts), key=place), *rest]
