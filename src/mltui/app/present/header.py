"""The header: one line that says which run this is, how it goes, and whether that is still true."""

from __future__ import annotations

from dataclasses import dataclass

from mltui.app.present.line import Line, Part
from mltui.app.present.moment import Moment, when
from mltui.app.runview import RunView
from mltui.pipeline.rows import State
from mltui.text.format import format_clock, format_duration
from mltui.text.glyphs import glyph, mark


@dataclass(frozen=True, slots=True)
class Place:
    """What the header says besides the run."""

    project: str
    has_project: bool = True
    newest: int | None = None
    listing: bool = False
    """The list of runs is shown."""
    run_count: int = 0
    queued: int = 0
    """Runs that wait behind this one."""
    problems: int = 0
    wrong: int = 0
    """Findings of triage."""
    trouble: str = ""
    """Why what is on screen may be out of date: the journal can't be read, the runner is gone."""
    read_only: str = ""
    """`READ-ONLY` or `PROD`, as a filled band."""


def header(place: Place, view: RunView | None, width: int, moment: Moment) -> Line:
    """The header at a width; what is dropped first is what is least urgent."""
    arrow = "▸" if moment.unicode else ">"
    parts: list[Part] = [(f" {place.project}", "strong")]
    right: list[Part] = []
    if place.listing:
        parts.append((f" {arrow} runs", ""))
        count = "1 run" if place.run_count == 1 else f"{place.run_count} runs"
        right.append((f"{count} ", "dim"))
    elif view is None or view.run.number == 0:
        said = "no runs yet" if place.has_project else "no mltui.yaml here"
        parts.append((f" {arrow} {said}", "dim"))
    else:
        parts += _run(place, view, arrow, moment, width)
    if place.read_only:
        parts.append(("  ", ""))
        parts.append((f" {place.read_only} ", "match-current"))
    if place.trouble:
        right.append(
            (f"{glyph('warning', unicode=moment.unicode)} {place.trouble} ", "state-warning")
        )
    elif view is not None and view.state is State.UNKNOWN and not place.listing:
        reason = view.reason.partition(":")[0]
        right.append((f"{glyph('warning', unicode=moment.unicode)} {reason} ", "state-warning"))
    elif place.problems:
        count = "1 problem" if place.problems == 1 else f"{place.problems} problems"
        text = f"{glyph('warning', unicode=moment.unicode)} mltui.yaml: {count} "
        right.append((text, "state-warning"))
    if place.wrong:
        text = f"{glyph('warning', unicode=moment.unicode)}{place.wrong} "
        right.append((text, "state-warning"))
    return Line(tuple(parts), tuple(right))


def _run(place: Place, view: RunView, arrow: str, moment: Moment, width: int) -> list[Part]:
    run = view.run
    parts: list[Part] = [(f" {arrow} run {run.number}", "")]
    if place.newest is not None and run.number < place.newest:
        parts.append((" ", ""))
        parts.append(
            (
                f" newest is {place.newest} · Esc "
                if moment.unicode
                else f" newest is {place.newest}, Esc ",
                "match",
            )
        )
    shape = mark(view.state.value)
    word = view.run_pending or view.state.value
    role = "accent" if view.run_pending else shape.role
    parts.append((f"  {shape.text(unicode=moment.unicode)[0]} {word}", role))
    if run.started_at is not None:
        if run.ended_at is not None:
            parts.append((f" {format_duration(run.took_s())}", ""))
            if width >= 72:
                parts.append((f"  ended {when(run.ended_at, moment.now)}", "dim"))
        elif view.state is State.RUNNING:
            parts.append((f" {format_clock(run.took_s(moment.now) or 0.0)}", ""))
    if run.target and width >= 60:
        parts.append((f"  {run.target}", "dim"))
    if run.commit and width >= 96:
        dirty = " dirty" if run.dirty else ""
        parts.append((f"  {run.commit[:7]}{dirty}", "dim"))
    if run.trigger not in ("", "person") and width >= 110:
        parts.append((f"  {run.trigger}", "dim"))
    queued = place.queued - (run.state is State.PENDING)  # those behind it
    if queued > 0 and width >= 84:
        waits = "1 run waits" if queued == 1 else f"{queued} runs wait"
        parts.append((f"  {waits}", "dim"))
    return parts
