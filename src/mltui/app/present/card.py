"""The failure card: what failed, why, its last lines, where it is written, what can be done.

Shown above a failed stage's panes by itself; nobody has to press a key to learn what went wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mltui.app.present.line import EMPTY, Line, Part, wrapped
from mltui.app.present.moment import Moment, clock_time
from mltui.pipeline.rows import StageRow, attempt_label
from mltui.text.glyphs import glyph
from mltui.text.width import cell_width, shorten_end

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about a failure."""

    exception: str | None = None
    """The line of the log that names it."""
    last_lines: tuple[str, ...] = ()
    position: str = ""
    """`mltui.yaml:31`, and below it what is written there."""
    written: str = ""
    edit: tuple[str, int] | None = None
    """Where to edit, when that is not the stage's own place in the file."""
    raised: tuple[str, str] | None = None
    """`train.py:118` and what is written there: the project's own line that failed."""


def ordinal(attempt: int) -> str:
    """`third attempt`."""
    if 0 < attempt < len(_ORDINALS):
        return f"{_ORDINALS[attempt]} attempt"
    return f"attempt {attempt}"


def card(
    row: StageRow,
    evidence: Evidence,
    fixes: Sequence[str],
    width: int,
    height: int,
    moment: Moment,
    *,
    with_lines: bool = True,
) -> list[Line]:
    """The card in at most `height` lines; last lines give way first, never the cause.

    Without `with_lines` they are on the screen already: the log is below the card.
    """
    dot = " · " if moment.unicode else " - "
    label = attempt_label(row.instance, row.attempt) if row.attempt else row.instance.label
    title: list[Part] = [
        (f" {glyph('failed', unicode=moment.unicode)} {label}  failed", "state-failed")
    ]
    used = cell_width(title[0][0])
    more: list[Part] = []
    if row.failure is not None:
        more.append((f"{dot}{row.failure.value}", "state-failed"))
    if row.attempt > 1:
        more.append((f"{dot}{ordinal(row.attempt)}", ""))
    if row.ended_at is not None:
        more.append((f"{dot}{clock_time(row.ended_at)}", "dim"))
    for part in more:
        used += cell_width(part[0])
        if used <= width:
            title.append(part)
    lines = [Line(tuple(title))]
    body = _cause(row, evidence, width)
    where = _where(evidence, width, whole=True)
    offers = _fixes(fixes, width)
    taken = len(lines) + len(body) + len(offers)
    if taken + len(where) > height:
        where = _where(evidence, width, whole=False)
    room = height - taken - len(where)
    tail = [text for text in evidence.last_lines if text.strip()] if with_lines else []
    if room >= 2 and tail:
        shown = tail[-min(room, 6) :]
        body += [Line(((f"   {text}", "dim"),)) for text in shown]
    return (lines + body + where + offers)[:height]


def trouble(row: StageRow, heading: Line, width: int) -> list[Line]:
    """Why a stage waits, or why nothing is known of it: in full, whatever the width."""
    return [heading, *wrapped(row.reason, width - 1, "state-warning", "   ")[:5]]


def _cause(row: StageRow, evidence: Evidence, width: int) -> list[Line]:
    """The reason in words, and the exception unless the reason says it already."""
    found: list[Line] = []
    reason = row.reason
    if reason:
        found += wrapped(reason, width - 1, "", "   ")[:3]
    said = [text for text in evidence.last_lines if text.strip()]
    exception = evidence.exception or (said[-1].strip() if said else None)
    if exception and exception not in reason:
        found += wrapped(exception, width - 1, "state-failed", "   ")[:3]
    return found


def _where(evidence: Evidence, width: int, *, whole: bool) -> list[Line]:
    """The places, from the line that failed to where the stage is written.

    `whole`: what is written there goes on below where there is no room for it beside its place.
    """
    places = [place for place in (evidence.raised, (evidence.position, evidence.written)) if place]
    size = max(cell_width(position) for position, _ in places)
    room = max(width - size - 7, 0)
    lines = []
    for position, written in places:
        if not position:
            continue
        padding = " " * (size - cell_width(position))
        if whole and cell_width(written) > room:
            lines.append(Line(((f"   {position}", "accent"),)))
            lines += wrapped(written, width - 1, "dim", "     ")[:2]
            continue
        text = shorten_end(written, room)
        lines.append(Line(((f"   {position}", "accent"), (f"{padding}   {text}".rstrip(), "dim"))))
    return lines


def _fixes(fixes: Sequence[str], width: int) -> list[Line]:
    """The fixes, numbered, as many on a line as fit; one that is longer has lines of its own."""
    lines: list[Line] = []
    parts: list[Part] = []
    used = 0
    for number, text in enumerate(fixes[:9], 1):
        size = cell_width(text) + 5
        if parts and used + size > width - 2:
            lines.append(Line(tuple(parts)))
            parts, used = [], 0
        lead: list[Part] = [("   ", ""), (str(number), "strong")]
        if size > width - 1:
            first, *rest = wrapped(text, width - 1, "", "     ") or [EMPTY]
            words = "".join(part for part, _ in first.left).strip()
            lines += [Line((*lead, (f" {words}", ""))), *rest]
            continue
        parts += [*lead, (f" {text}", "")]
        used += size
    if parts:
        lines.append(Line(tuple(parts)))
    return lines
