"""The title line of a log: whose it is on the left, following or what waits on the right.

`LogPane` paints it; a pane with a header of its own reads `LogStatus` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from mltui.app.widgets.paint import LineBuilder
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.lines import Log
from mltui.logs.merge import Merged
from mltui.text import format_count, glyph, shorten_end


@dataclass(frozen=True, slots=True)
class LogStatus:
    """What a pane shows of its log, for titles elsewhere."""

    following: bool
    wrapped: bool
    line_count: int
    waiting_lines: int
    """Lines that came since following was left."""
    first_line: int
    last_line: int
    """Lines on the page, from 1, the last one included; 0 when there are none."""
    read_share: float
    """How much of the file is indexed; 1.0 when all is."""
    search: str
    """`/loss 3/214`, or empty."""
    notice: str
    """Why the log was started anew, or empty."""
    filter: str = ""
    """The filters and how many lines pass them, or empty."""
    selecting: bool = False
    """Lines are being selected by keyboard."""
    counted: bool = True
    """What is searched and filtered is counted to its end."""
    errors: int = 0
    """Lines that say error, as far as they are counted."""


NOTHING = LogStatus(False, False, 0, 0, 0, 0, 1.0, "", "")
"""The status of a pane without a log."""


def read_share(log: Log) -> float:
    """How much of a log is counted: 1.0 when all is."""
    files = [each.lines for each in log.sources] if isinstance(log, Merged) else [log]
    size = sum(each.end for each in files)
    return 1 - log.behind_bytes / size if size else 1.0


def title_line(
    title: str, status: LogStatus, width: int, base: Style, roles: RoleStyles, *, unicode: bool
) -> Strip:
    """*title* and *status* in *width* cells; the status has the room first."""
    lines = format_count(status.line_count)
    if status.following:
        state, role = f"{glyph('running', unicode=unicode)} following", "accent"
        where = f"{lines} lines"
    else:
        waiting = status.waiting_lines
        state = f"{glyph('paused', unicode=unicode)} "
        state += f"{format_count(waiting)} new" if waiting else "paused"
        role = "state-warning" if waiting else "dim"
        where = f"{format_count(status.last_line)} of {lines}"
    reading = "" if status.read_share >= 1 else f"reading {status.read_share:.0%}"
    selecting = "selecting" if status.selecting else ""
    words = (selecting, status.filter, status.search, status.notice, reading)
    parts = [part for part in words if part]
    is_asked = bool(status.search or status.filter)
    errors = [f"{format_count(status.errors)} err"] if status.errors and not is_asked else []
    right = shorten_end("   ".join([state, *parts, where, *errors]), width, measure=cell_len)
    line = LineBuilder()
    room = width - cell_len(right) - 2
    if room > 0:
        line.add(shorten_end(title, room, measure=cell_len), base)
    line.pad(width - cell_len(right), base)
    line.add(right[: len(state)], roles.on(base, role))
    line.add(right[len(state) :], roles.on(base, "dim"))
    return line.strip().adjust_cell_length(width, base)
