"""The title of what is selected, and the strip of its panes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.app.present.card import ordinal
from mltui.app.present.line import Line, Part
from mltui.app.present.moment import Moment
from mltui.app.runview import ACTIVE
from mltui.pipeline.rows import StageRow, State
from mltui.text.format import format_clock, format_count, format_duration
from mltui.text.glyphs import mark
from mltui.text.width import cell_width, shorten_end

if TYPE_CHECKING:
    from mltui.app.widgets.logtitle import LogStatus

_WORTH = 13
"""A reason that has fewer cells than this, and more to say, is left to the pane below."""
TABS = ("log", "gate", "inputs", "build", "explain")


def title(row: StageRow, pending: str | None, width: int, moment: Moment) -> Line:
    """`train~3  ● running 0:41  second attempt   pid 4711 on local`."""
    shape = mark(row.state.value)
    parts: list[Part] = [(f" {row.instance.label}", "strong"), ("  ", "")]
    if pending:
        parts.append((f"{mark('running').text(unicode=moment.unicode)[0]} {pending}", "accent"))
    else:
        parts.append((shape.text(unicode=moment.unicode), shape.role))
    if row.started_at is not None and row.state is not State.CACHED:
        if row.state in ACTIVE:
            parts.append((f" {format_clock(moment.now - row.started_at)}", "state-running"))
        elif row.ended_at is not None:
            parts.append((f" {format_duration(row.ended_at - row.started_at)}", ""))
    dot = "  · " if moment.unicode else "  - "
    if row.attempt > 1:
        parts.append((f"{dot}{ordinal(row.attempt)}", ""))
    said = f"made by {row.source}" if row.state is State.CACHED and row.source else ""
    if not said and row.state is not State.RUNNING:
        said = row.reason
    room = width - sum(cell_width(text) for text, _ in parts) - len(dot)
    if said and (cell_width(said) <= room or room >= _WORTH):
        parts.append((f"{dot}{said}", "dim"))
    right: list[Part] = []
    if row.engine and width >= 64 and row.state in ACTIVE:
        right.append((f"{object_name(row)} ", "dim"))
    return Line(tuple(parts), tuple(right))


def object_name(row: StageRow) -> str:
    """What it runs as, in words: `process 4711`."""
    if not row.object:
        return row.engine or ""
    name = row.object.split(":")[0].split("+")[0].split("/")[0]
    return f"{row.engine} {name[: 12 if row.engine == 'docker' else 24]}"


def log_words(status: LogStatus, active: bool) -> str:
    """What the strip says of the log: `following`, or how much came since; and the search."""
    selecting = "selecting" if status.selecting else ""
    found = (selecting, status.filter, status.search, status.notice)
    words = [word for word in found if word]
    if status.read_share < 1:
        words.append(f"reading {status.read_share:.0%}")
    if not status.following:
        new = f", {format_count(status.waiting_lines)} new" if status.waiting_lines else ""
        words.append(f"{format_count(status.last_line)}/{format_count(status.line_count)}{new}")
    elif status.line_count:
        count = f"{format_count(status.line_count)} lines" if status.line_count > 1 else "1 line"
        words.append(f"following, {count}" if active else count)
    if status.errors and not (status.search or status.filter):
        words.append(f"{format_count(status.errors)} err")
    return "  ".join(words)


def strip(
    current: str, numbered: bool, width: int, status: str = ""
) -> tuple[Line, list[tuple[int, int, str]]]:
    """The tabs, and where each is for the mouse. Digits are shown while they choose tabs."""
    parts: list[Part] = [(" ", "")]
    places: list[tuple[int, int, str]] = []
    x = 1
    roomy = width >= 70
    for number, name in enumerate(TABS, 1):
        word = name.capitalize()
        digit = f"{number} " if numbered and roomy else ""
        is_current = name == current
        if digit:
            parts.append((digit, "dim"))
        parts.append((word, "mark" if is_current else "dim"))
        parts.append(("  ", ""))
        size = len(digit) + len(word)
        places.append((x, x + size, name))
        x += size + 2
    room = width - x - 2
    status = shorten_end(status, room) if room > 8 or len(status) <= room else ""
    right = ((f"{status} ", "dim"),) if status else ()
    return Line(tuple(parts), right), places
