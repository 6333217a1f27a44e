"""What a person may decide about a gate, as lines to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mltui.app.present.line import Line, Part
from mltui.app.present.need import main_metric
from mltui.pipeline.model import StageRow
from mltui.spec.model import Gate
from mltui.text.format import format_number


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


def offers(gate: Gate, rounds: Sequence[StageRow]) -> list[Offer]:
    """Everything that can be done, the harmless first, the best round before the others."""
    metric = main_metric(gate)
    found = [Offer("leave", "Leave it as it is", note="the run stays paused")]
    measured = [row for row in rounds if row.metrics and row.state.value != "failed"]
    best = _best(gate, metric, measured)
    for row in sorted(measured, key=lambda row: (row is not best, -row.round)):
        value = row.metrics.get(metric) if metric is not None else None
        note = f"{metric} {format_number(value, digits=4)}" if value is not None else ""
        if row is best and len(measured) > 1:
            note += ", the best"
        found.append(Offer("accept", f"Accept round {row.round}", row.round, note=note))
    if gate.restart is not None:
        found.append(Offer("again", rounds_text(1), more=1, note=f"from {gate.restart}"))
    found.append(Offer("fail", "Let it fail", note="what needs it is skipped"))
    return found


def _best(gate: Gate, metric: str | None, rows: Sequence[StageRow]) -> StageRow | None:
    if gate.best is not None:
        direction, name = gate.best.direction, gate.best.metric
    else:
        text = gate.require_text
        direction, name = ("min" if "<" in text else "max"), metric or ""
    known = [row for row in rows if name in row.metrics]
    if not known:
        return None
    sign = 1.0 if direction == "max" else -1.0
    return max(known, key=lambda row: (sign * row.metrics[name], -row.round))


def offer_line(offer: Offer, place: int) -> Line:
    """One offer as a line."""
    faded = "stale" if offer.why_not else ""
    parts: list[Part] = [(f"  {offer.text:<22}", faded), (offer.why_not or offer.note, "dim")]
    return Line(tuple(parts), key=place)
