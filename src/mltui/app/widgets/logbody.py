"""What a line of a log reads like: as it was written, or as source, time and fields.

`LinePainter` asks for the parts of each line on the page and puts them into strips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mltui.app.present.line import Part
from mltui.logs.fields import fields_of
from mltui.logs.levels import Level, level_of, level_place
from mltui.logs.lines import Lines
from mltui.logs.objects import DIM, LEVEL, chosen_fields, whole_object
from mltui.logs.sanitize import PLAIN, Span, clean, plain
from mltui.logs.times import TimeReader, format_between
from mltui.text.width import fit

_FIRST_LINES = 20  # looked at for a stamp
_LEVEL_ROLES = {Level.FATAL: "state-failed", Level.ERROR: "state-failed"} | {
    Level.WARNING: "state-warning",
    Level.INFO: "dim",
    Level.DEBUG: "dim",
    Level.TRACE: "dim",
}

SOURCE_ROLES = ("source-1", "source-2", "source-3", "source-4", "source-5", "source-6")
"""Colours of several logs in one, given in turn."""


class Times(StrEnum):
    """How the time column is written."""

    WRITTEN = "as written"
    CLOCK = "clock"
    ELAPSED = "since the first line"
    SINCE = "since the line above"


@dataclass(frozen=True, slots=True)
class Source:
    """Where lines come from, of several: its name and the role of its colour."""

    label: str
    role: str


class LineBody:
    """The parts of lines, as the person wants to see them."""

    def __init__(self, times: TimeReader) -> None:
        self.times = Times.WRITTEN
        self.fields = False
        """Objects are shown as fields."""
        self.columns: tuple[str, ...] = ()
        """Which fields, in this order; none: what happened, then all others."""
        self.sources: Sequence[Source] = ()
        self.source_of: Callable[[int], int] = lambda position: 0
        self.received: Callable[[int], float | None] = lambda position: None
        """When a line came, where that is known better than by its stamp."""
        self.reader = times
        self.begun_at: float | None = None
        """The time of the log's first line."""
        self._widths: dict[str, int] = {}

    def time_of(self, position: int, raw: bytes) -> float | None:
        """When a line came, where its host says; else when it was written, by its stamp."""
        received = self.received(position)
        if received is not None:
            return received
        stamp = self.reader.read(raw)
        return stamp.at if stamp is not None else None

    def stamp_width(self, lines: Lines) -> int:
        """Bytes of the first stamp in a log; 0 if its first lines have none."""
        first = lines.starts(0)[:_FIRST_LINES] if lines.end else ()
        for raw in lines.read(first):
            stamp = self.reader.read(raw)
            if stamp is not None:
                return stamp.last - stamp.first
        return 0

    def prefix(self, position: int, raw: bytes, above: float | None) -> list[Part]:
        """What stands before the text: source and time. *above*: the time of the line above."""
        parts: list[Part] = []
        if len(self.sources) > 1:
            source = self.sources[self.source_of(position)]
            width = min(max(len(each.label) for each in self.sources), 24)
            parts += [(fit(source.label, width), source.role), (" ", "")]
        if self.times is not Times.WRITTEN:
            at = self.time_of(position, raw)
            parts += [(self._time(at, above), "dim"), ("  ", "")]
        return parts

    def _time(self, at: float | None, above: float | None) -> str:
        if self.times is Times.CLOCK:
            if at is None:
                return " " * 12
            return datetime.fromtimestamp(at).strftime("%H:%M:%S.%f")[:12]
        if at is None:
            return " " * 9
        base = self.begun_at if self.times is Times.ELAPSED else above
        return " " * 9 if base is None else format_between(at - base).rjust(9)

    def text(self, raw: bytes) -> tuple[list[Span], list[tuple[int, int, str]]]:
        """The line's text in its own colours, and marks (first, past the last, role) on it."""
        if self.fields:
            fields = fields_of(raw)
            if fields is not None:
                return self._object(raw, fields)
        if self.times is not Times.WRITTEN and not raw.startswith(b"{"):
            stamp = self.reader.read(raw)
            if stamp is not None and stamp.last:
                raw = (raw[: stamp.first] + raw[stamp.last :]).lstrip(b" \t")
        return clean(raw), self._level_mark(raw)

    def _level_mark(self, raw: bytes) -> list[tuple[int, int, str]]:
        """The word that says how bad a line is, where it has no colours of its own."""
        if b"\x1b" in raw[:256]:
            return []
        place = level_place(raw)
        if place is None:
            return []
        found = level_of(raw)
        role = _LEVEL_ROLES.get(found, "") if found is not None else ""
        first = len(plain(raw[: place[0]]))
        return [(first, first + place[1] - place[0], role)] if role and role != "dim" else []

    def _object(
        self, raw: bytes, fields: Mapping[str, str]
    ) -> tuple[list[Span], list[tuple[int, int, str]]]:
        level = level_of(raw)
        if self.columns:
            pieces = chosen_fields(fields, self.columns, self._widths)
        else:
            hidden = self.times is not Times.WRITTEN
            pieces = whole_object(fields, level, without_time=hidden)
        roles = {LEVEL: _LEVEL_ROLES.get(level, "") if level is not None else "", DIM: "dim"}
        marks: list[tuple[int, int, str]] = []
        place = 0
        for words, what in pieces:
            if role := roles.get(what, ""):
                marks.append((place, place + len(words), role))
            place += len(words)
        text = "".join(words for words, _ in pieces).rstrip()
        return ([Span(text, PLAIN)] if text else []), marks
