"""The triage screen: a line a finding, and all that is known of the one under the cursor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.present.moment import Moment
from mltui.text import format_age
from mltui.text.glyphs import glyph
from mltui.text.width import cell_width, shorten_end
from mltui.triage.diagnosis import count
from mltui.triage.finding import Finding, Harm
from mltui.triage.history import Past
from mltui.triage.looked import BLIND
from mltui.triage.quiet import Quiet

_MARKS = {
    Harm.URGENT: ("failed", "state-failed"),
    Harm.WRONG: ("failed", "state-failed"),
    Harm.WARNING: ("warning", "state-warning"),
}
MAX_SYMPTOMS = 4
SURE = 0.95
"""What is less sure is called a guess."""
_BESIDE = 9
"""Cells of a finding's line that are not its title's: the glyph, its age."""
MOST_LINES = 2
"""A piece of evidence takes so many; all of it opens with Enter."""


def summary(findings: Sequence[Finding], *, is_blind: bool = False) -> str:
    """`5 things wrong, 2 urgent`."""
    wrong = count(findings)
    if not wrong:
        return f"nothing is wrong{BLIND if is_blind else ''}"
    urgent = sum(each.harm is Harm.URGENT for each in findings)
    words = "1 thing wrong" if wrong == 1 else f"{wrong} things wrong"
    return f"{words}, {urgent} urgent" if urgent and wrong > 1 else words


def header(
    project: str,
    findings: Sequence[Finding],
    places: Sequence[str],
    trouble: str,
    moment: Moment,
    band: str = "",
    *,
    is_looking: bool = False,
) -> Line:
    """What is wrong in one line, and where was looked."""
    dot = " · " if moment.unicode else " - "
    role = "state-failed" if any(x.harm is Harm.URGENT for x in findings) else ""
    right: list[Part] = []
    if trouble:
        right.append((f"{glyph('warning', unicode=moment.unicode)} {trouble} ", "state-warning"))
    else:
        right.append((f"{dot.join(filter(None, (project, *places)))} ", "dim"))
    said = "looking…" if is_looking else summary(findings, is_blind=bool(trouble))
    left: list[Part] = [
        (" Triage", "strong"),
        (f"   {said}", role),
    ]
    if band:
        left += [("  ", ""), (f" {band} ", "match-current")]
    return Line(tuple(left), tuple(right))


def mark_of(finding: Finding, *, unicode: bool) -> Part:
    """`✗`, `▲`, `·`."""
    found = _MARKS.get(finding.harm)
    if found is None:
        return ("·" if unicode else ".", "dim")
    return glyph(found[0], unicode=unicode), found[1]


def list_lines(
    findings: Sequence[Finding],
    past: Sequence[Past],
    width: int,
    moment: Moment,
    silent: Sequence[Finding] = (),
    looked: Sequence[tuple[str, str]] = (),
    looked_at: float | None = None,
    *,
    is_looking: bool = False,
) -> list[Line]:
    """A line each, then those that are kept quiet, then those that went away.

    With nothing wrong: what was looked at, and when.
    """
    are_several = len({each.cluster for each in findings if each.cluster}) > 1
    lines = [_line(each, width, moment, names_cluster=are_several) for each in findings]
    if is_looking:
        lines.append(line((" looking…", "dim")))
    elif not findings:
        tick = glyph("succeeded", unicode=moment.unicode)
        is_blind = any(not place for place, _ in looked)
        lines.append(line((f" {tick} {summary((), is_blind=is_blind)}", "state-succeeded")))
        lines += looked_lines(looked, looked_at, width)
    if silent:
        lines += [EMPTY, line((" ACKNOWLEDGED", "dim"))]
        lines += [
            line((shorten_end(f" - {each.title}", width - 1), "dim"), key=("finding", each.id))
            for each in silent
        ]
    if past:
        lines += [EMPTY, line((" WENT AWAY", "dim"))]
        tick = glyph("succeeded", unicode=moment.unicode)
        for number, each in enumerate(past):
            age = format_age(moment.now - each.ended_at)
            text = shorten_end(f" {tick} {each.title}", max(width - 6, 10))
            lines.append(
                Line(((text, "dim"),), ((f"{age:>4} ", "dim"),), key=("past", number, each.id))
            )
    return lines


def looked_lines(looked: Sequence[tuple[str, str]], at: float | None, width: int) -> list[Line]:
    """Where was looked, at what, and where one could not."""
    if not looked or at is None:
        return []
    lines = [EMPTY, line((f" LOOKED AT {time.strftime('%H:%M:%S', time.localtime(at))}", "dim"))]
    for place, words in looked:
        if place:
            lines += wrapped(f"{place}: {words}", width - 2, "dim", "   ")
        else:
            lines += wrapped(f"not looked at: {words}", width - 2, "state-warning", "   ")
    return lines


def _line(finding: Finding, width: int, moment: Moment, *, names_cluster: bool) -> Line:
    mark, role = mark_of(finding, unicode=moment.unicode)
    age = format_age(moment.now - finding.since) if finding.since is not None else ""
    tail = f"{age:>4} "
    words = (
        finding.counted,
        finding.cluster if names_cluster else "",
        "perhaps" if finding.confidence < SURE else "",
    )
    more = "  ".join(word for word in words if word)
    room = width - _BESIDE
    title = shorten_end(finding.title, max(room, 10))
    right: list[Part] = [(tail, "dim")]
    if more and cell_width(title) + cell_width(more) + 3 <= room:
        right.insert(0, (f"{more}  ", "dim"))
    strong = "strong" if finding.harm is Harm.URGENT else ""
    look = "dim" if finding.harm is Harm.NOTE else strong
    return Line(((f" {mark} ", role), (title, look)), tuple(right), key=("finding", finding.id))


def detail_lines(finding: Finding, width: int, moment: Moment) -> list[Line]:
    """Cause, fixes, evidence, symptoms: what helps comes first, and what proves it is below."""
    lines: list[Line] = []
    if cell_width(finding.title) > width - _BESIDE:  # the list has it cut
        lines += wrapped(finding.title, width - 1, "strong", " ")
    if finding.cause not in finding.title:
        role = "state-failed" if finding.harm <= Harm.WRONG else "state-warning"
        lines += wrapped(finding.cause, width - 1, role, " ")
    if finding.confidence < SURE:
        lines.append(line((f" a guess: {finding.confidence:.0%} sure", "state-warning")))
    for number, fix in enumerate(finding.fixes[:9], 1):
        first, *rest = wrapped(fix.title, width - 1, "", "   ") or [EMPTY]
        words: list[Part] = [(f" {number} ", "accent"), (first.text.strip(), "")]
        lines += [Line(tuple(words), key=("fix", number)), *rest]
    told = [  # what only says the cause once more is none
        (number, piece)
        for number, piece in enumerate(finding.evidence)
        if piece.opens is not None or piece.text != finding.cause
    ]
    if told and lines:
        lines.append(EMPTY)
    for number, piece in told:
        is_place = piece.opens is not None and piece.opens.kind == "file"
        role = "accent" if is_place else "dim" if piece.kind == "log" else ""
        text = shorten_end(piece.text, max(MOST_LINES * (width - 2) - 10, 10))
        whole = [line((f" {text}", role))]
        fits = cell_width(text) <= width - 2
        first, *rest = whole if fits else wrapped(text, width - 1, role, " ")
        lines += [replace(first, key=("evidence", number)), *rest]
    if finding.symptoms:
        lines.append(EMPTY)
        for text in finding.symptoms[:MAX_SYMPTOMS]:
            lines.append(line((shorten_end(f" so: {text}", width - 1), "dim")))
        more = len(finding.symptoms) - MAX_SYMPTOMS
        if more > 0:
            lines.append(line((f" and {more} more", "dim")))
    return lines


def quiet_lines(quiet: Quiet, width: int, moment: Moment) -> list[Line]:
    """Who keeps it quiet, since when and for how long, and why."""
    end = "until it changes"
    if quiet.until is not None:
        end = f"for {format_age(quiet.until - moment.now)} more"
    age = format_age(moment.now - quiet.at)
    said = f"acknowledged by {quiet.by} {age} ago, {end}"
    lines = wrapped(said, width - 1, "dim", " ")
    return lines + (wrapped(quiet.note, width - 1, "", " ") if quiet.note else [])


def past_lines(past: Past, width: int, moment: Moment) -> list[Line]:
    """How one that went away ended."""
    lines = wrapped(past.title, width - 1, "", " ")
    age = format_age(moment.now - past.ended_at)
    lines += wrapped(f"ended {age} ago: {past.how}", width - 1, "state-succeeded", " ")
    if past.since is not None:
        lasted = format_age(past.ended_at - past.since)
        lines.append(line((f" it lasted {lasted}", "dim")))
    return lines
