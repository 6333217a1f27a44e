"""What a line of a log reads like: as it was written, or as source, time and fields.

`LinePainter` asks for the parts of each line on the page and puts them into strips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mltui.app.present.line import Part
from mltui.logs.fields import fields_of, is_level, is_number
from mltui.logs.levels import Level, level_of, level_place
from mltui.logs.lines import Lines
from mltui.logs.objects import DIM, LEVEL, WIDEST_FIELD, clock, time_field, whole_object
from mltui.logs.sanitize import PLAIN, Span, clean, plain, safe
from mltui.logs.times import TimeReader, format_between
from mltui.text.width import cell_width, fit

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
        self.fields: bool | None = None
        """Objects are shown as fields; None: those of JSON are, logfmt is as it was written."""
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
        self._numbers: dict[str, bool] = {}
        """Columns that hold nothing but numbers so far."""

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
                return stamp.last - stamp.first or len(time_field(fields_of(raw) or {})[1])
        return 0

    def shows_fields(self, raw: bytes) -> bool:
        """Whether a line is shown as its fields, if it has any."""
        return raw.startswith(b"{") if self.fields is None else self.fields

    def prefix(self, position: int, raw: bytes, above: float | None) -> list[Part]:
        """What stands before the text: source and time. *above*: the time of the line above."""
        parts: list[Part] = []
        if len(self.sources) > 1:
            source = self.sources[self.source_of(position)]
            parts += [(fit(source.label, self._source_width()), source.role), (" ", "")]
        if self.times is not Times.WRITTEN:
            at = self.time_of(position, raw)
            parts += [(self._time(at, above), "dim"), ("  ", "")]
        return parts

    def _time(self, at: float | None, above: float | None) -> str:
        if self.times is Times.CLOCK:
            if at is None:
                return " " * 12
            return clock(at)
        if at is None:
            return " " * 9
        base = self.begun_at if self.times is Times.ELAPSED else above
        return " " * 9 if base is None else format_between(at - base).rjust(9)

    def text(self, raw: bytes) -> tuple[list[Span], list[tuple[int, int, str]]]:
        """The line's text in its own colours, and marks (first, past the last, role) on it."""
        if self.shows_fields(raw):
            fields = fields_of(raw)
            if fields is not None:
                return self._object(raw, fields)
        raw = self._without_time(raw)
        return clean(raw), self._level_mark(raw)

    def _without_time(self, raw: bytes) -> bytes:
        """A line without the stamp that stands in the column of times."""
        if self.times is not Times.WRITTEN and not raw.startswith(b"{"):
            stamp = self.reader.read(raw)
            if stamp is not None and stamp.last:
                return (raw[: stamp.first] + raw[stamp.last :]).lstrip(b" \t")
        return raw

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
        marks: list[tuple[int, int, str]] = []
        words: list[str] = []
        place = 0

        def add(text: str, role: str = "") -> None:
            nonlocal place
            text = _flat(text)
            words.append(text)
            if role:
                marks.append((place, place + len(text), role))
            place += len(text)

        level = level_of(raw)
        level_role = _LEVEL_ROLES.get(level, "") if level is not None else ""
        if self.columns:
            for name in self.columns:
                add(self._cell(name, _flat(fields.get(name, ""))),
                    level_role if is_level(name) else "")  # fmt: skip
                add("  ")
        else:
            stamp = self.reader.read(raw)
            is_timed = self.times is not Times.WRITTEN
            roles = {LEVEL: level_role, DIM: "dim"}
            for text, what in whole_object(
                self._without_time(raw), fields, level, stamp and stamp.at, without_time=is_timed
            ):
                add(text, roles.get(what, ""))
        text = "".join(words).rstrip()
        return ([Span(text, PLAIN)] if text else []), marks

    def inner(self, raw: bytes) -> tuple[str, list[str]]:
        """A field of several lines, such as a traceback, and these; nothing where there is none."""
        if self.shows_fields(raw) and b"\\n" in raw and (fields := fields_of(raw)) is not None:
            for name, value in fields.items():
                if "\n" in value.strip():
                    return name, [_flat(line) for line in value.strip("\n").split("\n")]
        return "", []

    # columns of fields

    def measure(self, raw: bytes) -> bool:
        """Make columns as wide as this line needs; whether that moves the others."""
        fields = fields_of(raw) if self.fields and self.columns else None
        if fields is None:
            return False
        moved = False
        for name in self.columns:
            value = _flat(fields.get(name, ""))
            if not value:
                continue
            known = self._widths.get(name) or cell_width(name)
            width = max(known, min(cell_width(value), WIDEST_FIELD))
            numbers = self._numbers.get(name, True) and is_number(value)
            moved = moved or width != known or numbers != self._numbers.get(name)
            self._widths[name], self._numbers[name] = width, numbers
        return moved

    def _cell(self, name: str, text: str) -> str:
        """A field in its column; the last one has all the room there is."""
        width = self._widths.get(name) or cell_width(name)
        if self._numbers.get(name):
            return fit(text, width, align="right")
        return text if name == self.columns[-1] else fit(text, width)

    def heading(self) -> str:
        """The names above the columns."""
        before = 0
        if len(self.sources) > 1:
            before += self._source_width() + 1
        if self.times is not Times.WRITTEN:
            before += 14 if self.times is Times.CLOCK else 11
        return " " * before + "  ".join(self._cell(name, _flat(name)) for name in self.columns)

    def _source_width(self) -> int:
        return min(max(len(each.label) for each in self.sources), 24)


def _flat(text: str) -> str:
    return safe(text.replace("\n", " "))
