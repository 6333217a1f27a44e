"""Prints one or several logs as one: filtered, by time, with their names; as text, JSON or bytes.

`mltui logs` gives it the files and says when they are over; it reads on until then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mltui.cli.colours import painted, source_painted
from mltui.cli.output import Output, dump_json
from mltui.live.times import timestamp
from mltui.logs.fields import fields_of
from mltui.logs.filters import Around, Filter, Where
from mltui.logs.index import LogIndex
from mltui.logs.levels import NAMES, Level, level_of
from mltui.logs.merge import MOST_SOURCES, Merged, MergeSource
from mltui.logs.objects import DIM, LEVEL, Columns, clock, whole_object
from mltui.logs.sanitize import plain
from mltui.logs.search import Pattern
from mltui.logs.timed import Note, TimedIndex, without_stamps
from mltui.logs.times import TimeReader, format_between

POLL_S = 0.1
_COPY_BYTES = 1 << 20
_PAST_S = 2.0
"""So long after `until` lines of that time may still come."""
_KEPT_LINES = 1 << 20
"""While following, what is known of lines that were printed is let go after so many."""
_WIDEST_LABEL = 40
_LEVELS = {Level.FATAL: "bad", Level.ERROR: "bad", Level.WARNING: "warn"} | dict.fromkeys(
    (Level.INFO, Level.DEBUG, Level.TRACE), "dim"
)


@dataclass(slots=True)
class Printed:
    """One log."""

    label: str
    index: LogIndex
    is_over: Callable[[], bool]
    """Nothing more will be written to it."""
    begun_at: float = 0.0
    about: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[Note] = ()
    """What is said between its lines; grows."""
    says_end: bool = False
    """That it is over is worth a word where others go on."""
    is_brought: bool = False
    """It is on its way here: where it ends is known also while nothing is followed."""


@dataclass(slots=True)
class _Reading:
    """One log as far as it was printed."""

    log: Printed
    source: MergeSource
    number: int
    """Of all that there ever were."""
    told: int = 0
    """So many notes were said."""
    copied: int = 0
    """Bytes."""
    has_left: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What of them is printed, and how."""

    filters: Sequence[Filter] = ()
    since: float | None = None
    until: float | None = None
    tail: int | None = None
    output: str = ""
    """`json`, `raw` or empty."""
    follow: bool = False
    offset_s: float = 0.0
    """What stamps without a zone are ahead of UTC."""
    times: str = ""
    """What stands before a line: `full`, `clock`, `elapsed`, `since`, or empty."""
    highlights: Sequence[Pattern] = ()
    fields: str = ""
    """Which objects are shown as fields: `json`, `all`, or none."""
    columns: Sequence[str] = ()
    """Which of them, in this order; none: the message, then all others."""
    around: int = 0
    """So many lines before and after each that passes the filters."""

    @property
    def is_copy(self) -> bool:
        """All of it, byte for byte."""
        return self.output == "raw" and self.is_whole and self.tail is None

    @property
    def is_whole(self) -> bool:
        """Every line passes."""
        return not self.filters and self.since is None and self.until is None


class Printer:
    """Prints logs that may still come to be: `add` them as they are found, `step` until over."""

    def __init__(self, look: Look, out: Output, note: Callable[[str], None]) -> None:
        self.look = look
        self._out = out
        self._note = note
        self._readings: list[_Reading] = []
        self._merged = Merged()
        self._times = TimeReader(time.time(), look.offset_s)
        self._done = 0
        self._generation = 0
        self._count = 0
        self._width = 0
        self._columns = Columns(look.columns)
        self._first_at: float | None = None
        self._last_at: float | None = None
        self._is_first = True
        self._is_listing = False
        self._left_out: list[str] = []
        self._beside: set[int] = set()
        """Printed lines that are so near to the end that what comes may be beside them."""

    @property
    def logs(self) -> Sequence[Printed]:
        """Those that were added."""
        return [each.log for each in self._readings]

    def add(self, log: Printed) -> None:
        """One more log; its lines come among the next. Too many at once are left out, and said."""
        if len(self._readings) >= MOST_SOURCES:
            self._let_go()
        if len(self._readings) >= MOST_SOURCES:
            self._left_out.append(log.label)
            return
        source = MergeSource(log.label, log.index, self._time_reader(log), log.begun_at)
        self._merged.add(source)
        self._readings.append(_Reading(log, source, self._count, has_left=not log.says_end))
        self._count += 1
        self._width = max(self._width, min(len(log.label), _WIDEST_LABEL))

    def _time_reader(self, log: Printed) -> Callable[[int, bytes], float | None]:
        def read(position: int, raw: bytes) -> float | None:
            found = self._times.read(raw)
            return found.at if found is not None else None

        return read

    @property
    def is_over(self) -> bool:
        """Nothing more comes of any of them."""
        return all(each.log.is_over() for each in self._readings)

    @property
    def is_past(self) -> bool:
        """Only lines from after what was asked for can come."""
        return self.look.until is not None and time.time() > self.look.until + _PAST_S

    def step(self) -> None:
        """Print what is there now."""
        for each in self._readings:
            is_here = not self.look.follow and not each.log.is_brought
            each.source.is_over = is_here or each.log.is_over()
        for each in self._readings:
            for note in each.log.notes[each.told :]:
                each.told += 1
                self._note(f"{each.log.label}: {_words(note)}")
        if self._left_out:
            names = ", ".join(self._left_out[:3])
            more = f" and {len(self._left_out) - 3} more" if len(self._left_out) > 3 else ""
            self._note(f"{names}{more} left out: {MOST_SOURCES} logs at a time")
            self._left_out.clear()
        if self.look.is_copy:
            self._copy()
        else:
            self._print_merged()
        self._is_first = False
        self._out.flush()
        for each in self._readings:
            if each.source.is_over and not each.has_left and self._is_printed(each):
                each.has_left = True
                if self._count > 1:
                    self._note(f"{each.log.label} left")
        if self.look.follow and self._done > _KEPT_LINES:
            self._let_go()

    def _is_printed(self, reading: _Reading) -> bool:
        if self.look.is_copy:
            return reading.copied >= reading.log.index.end
        return reading.source.head() is None

    def _let_go(self) -> None:
        """Forget lines that were printed, and logs that are over: these may be followed for ever"""
        if not self.look.is_copy and (self._merged.behind_bytes or self._done < self._merged.end):
            return
        kept = [each for each in self._readings if not (each.has_left and self._is_over(each))]
        self._merged = self._merged.after(each.source for each in kept)
        for each in self._readings:
            if each not in kept:
                each.log.index.close()
        self._readings, self._done = kept, 0
        self._beside.clear()
        self._generation = self._merged.generation

    def _is_over(self, reading: _Reading) -> bool:
        return reading.log.is_over() and self._is_printed(reading)

    def _copy(self) -> None:
        """Whole lines of each as they were written, as fast as they come."""
        is_busy = True
        while is_busy:
            is_busy = False
            for each in self._readings:
                index, is_over = each.log.index, each.source.is_over
                index.look()
                size = _COPY_BYTES
                data = index.pread(size, each.copied)
                stop = data.rfind(b"\n") + 1
                if not stop and len(data) == size and self._count == 1:
                    stop = len(data)
                while not stop and len(data) == size:  # a long line of one of several is not mixed
                    size *= 2
                    data = index.pread(size, each.copied)
                    stop = data.rfind(b"\n") + 1
                if is_over and len(data) < size:
                    stop = len(data)
                if not stop:
                    continue
                is_busy = True
                each.copied += stop
                text = data[:stop]
                if isinstance(index, TimedIndex):
                    text = without_stamps(text)
                if not text.endswith(b"\n") and self._count > 1:
                    text += b"\n"
                self._out.raw(text)

    def _print_merged(self) -> None:
        merged, look = self._merged, self.look
        if self._is_first and look.tail is not None and look.is_whole:
            for each in self._readings:
                each.log.index.look()
                each.source.begin_at(each.log.index.last_lines(look.tail))
        while merged.refresh() or merged.behind_bytes:
            if self._is_first and look.tail is not None:
                continue  # the last lines are known when all are
            self._print_new()
        if merged.generation != self._generation:
            self._generation, self._done = merged.generation, 0
            self._note(merged.notice)
        self._print_new()

    def _print_new(self) -> None:
        near = max(self._done - self.look.around, 0)  # what is beside a line that came now
        found = [each for each in self._passing(near, self._merged.end) if each not in self._beside]
        self._done = self._merged.end
        if self.look.around:
            seen = (*self._beside, *found)
            self._beside = {each for each in seen if each >= self._done - self.look.around}
        if self._is_first and self.look.tail is not None:
            found = self._last(found, self.look.tail)
        lines = self._merged.read(found)
        for position, raw in zip(found, lines, strict=True):
            self._print(position, raw)

    def _last(self, found: Sequence[int], most: int) -> list[int]:
        """So many at the end of each log, as `kubectl` and `stern` count them."""
        counts: Counter[int] = Counter()
        kept: list[int] = []
        for position in reversed(found):
            number = self._merged.source_of(position)
            counts[number] += 1
            if counts[number] <= most:
                kept.append(position)
        return kept[::-1]

    def _passing(self, first: int, end: int) -> Iterator[int]:
        merged, look = self._merged, self.look
        if first >= end:
            return
        test = Where(merged, look.filters).test
        if look.around:
            test = Around(merged, test, look.around).test
        bounded = look.since is not None or look.until is not None
        for block in range(merged.block_of(first), merged.block_of(end - 1) + 1):
            passing: Sequence[int] = test(block) if look.filters else merged.starts(block)
            passing = [each for each in passing if first <= each < end]
            if not bounded:
                yield from passing
                continue
            for position, raw in zip(passing, merged.read(passing), strict=True):
                at = merged.time_of(position, raw)
                if at is None or (
                    (look.since is None or at >= look.since)
                    and (look.until is None or at <= look.until)
                ):
                    yield position

    def end(self) -> None:
        """Nothing more is printed."""
        if self.look.output == "json" and not self.look.follow:
            self._out.line("]" if self._is_listing else "[]")

    def _json(self, found: dict[str, Any]) -> None:
        """One object a line while following, else one list."""
        if self.look.follow:
            self._out.json_line(found)
            return
        self._out.stream.write((",\n" if self._is_listing else "[") + dump_json(found))
        self._is_listing = True

    def _print(self, position: int, raw: bytes) -> None:
        reading = self._readings[self._merged.source_of(position)]
        log, out, look = reading.log, self._out, self.look
        if look.output == "json":
            found: dict[str, Any] = dict(log.about)
            if "line" in found:
                _, at = self._merged.place(position)
                while log.index.scanned_bytes < at and log.index.behind_bytes:
                    log.index.refresh()
                found["line"] = (log.index.number(at) or 0) + 1
            stamp, level = self._times.read(raw), level_of(raw)
            received = self._merged.received(position)
            found["time"] = timestamp(received if stamp is None else stamp.at)
            found["level"] = NAMES[level] if level is not None else None
            found["text"] = plain(raw)
            fields = fields_of(raw)
            if fields is not None:
                found["fields"] = fields
            self._json(found)
            return
        if look.output == "raw":
            whole = b"".join(self._merged.raw(position))
            needs_end = self._count > 1 and not whole.endswith(b"\n")
            out.raw(whole + b"\n" if needs_end else whole)
            return
        before = ""
        if self._count > 1:
            label = log.label.ljust(self._width)
            before = source_painted(label, reading.number) if out.has_colour else label
            before += "  "
        if look.times:
            before += out.paint(self._time(self._merged.time_of(position, raw)), "dim") + "  "
            if look.times != "full":  # as on screen: what is in the column is not said twice
                raw = self._without_stamp(raw)
        is_object = look.fields == "all" or (look.fields and raw.startswith(b"{"))
        fields = fields_of(raw) if is_object else None
        if fields is not None:
            out.line(before + self._object(raw, fields))
        else:
            out.line(before + (painted(raw, look.highlights) if out.has_colour else plain(raw)))

    def _object(self, raw: bytes, fields: Mapping[str, str]) -> str:
        look, level = self.look, level_of(raw)
        if look.columns:
            pieces = self._columns.pieces(fields)
        else:
            has_times = look.times not in ("", "full")
            stamp = self._times.read(raw)
            plain_raw = self._without_stamp(raw) if has_times else raw
            at = None if stamp is None else stamp.at
            pieces = whole_object(plain_raw, fields, level, at, without_time=has_times)
        roles = {DIM: "dim", LEVEL: _LEVELS.get(level, "") if level is not None else ""}
        words = [
            self._out.paint(text, role) if (role := roles.get(what, "")) else text
            for text, what in pieces
        ]
        return "".join(words).rstrip()

    def _time(self, at: float | None) -> str:
        """What stands before a line of this time."""
        if self.look.times in ("full", "clock"):
            if at is None:
                return " " * (12 if self.look.times == "clock" else 29)
            if self.look.times == "clock":
                return clock(at)
            return datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")
        if at is None:
            return " " * 9
        if self._first_at is None:
            self._first_at = at
        base = self._first_at if self.look.times == "elapsed" else self._last_at
        self._last_at = at
        return (" " * 9 if base is None else format_between(at - base)).rjust(9)

    def _without_stamp(self, raw: bytes) -> bytes:
        stamp = None if raw.startswith(b"{") else self._times.read(raw)
        if stamp is None or not stamp.last:
            return raw
        return (raw[: stamp.first] + raw[stamp.last :]).lstrip(b" \t")


def _words(note: Note) -> str:
    """As scripts read it, in UTC."""
    if note.from_at is None or note.to_at is None:
        return note.words
    return note.words_with(str(timestamp(note.from_at)), str(timestamp(note.to_at)))
