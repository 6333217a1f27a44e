"""Prints one or several logs as one: filtered, by time, with their names; as text, JSON or bytes.

`mltui logs` gives it the files and says when they are over; it reads on until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mltui.cli.colours import painted
from mltui.cli.output import Output, dump_json
from mltui.live.times import timestamp
from mltui.logs.fields import fields_of
from mltui.logs.filters import Filter, Where
from mltui.logs.index import LogIndex
from mltui.logs.levels import NAMES, level_of
from mltui.logs.merge import Merged, MergeSource
from mltui.logs.sanitize import plain
from mltui.logs.timed import Note, TimedIndex, without_stamps
from mltui.logs.times import TimeReader

POLL_S = 0.1
_COPY_BYTES = 1 << 20
_ROLES = ("accent", "good", "warn", "bold")


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


class Printer:
    """Prints logs that may still come to be: `add` them as they are found, `step` until over."""

    def __init__(self, look: Look, out: Output, note: Callable[[str], None]) -> None:
        self._look = look
        self._out = out
        self._note = note
        self._logs: list[Printed] = []
        self._merged = Merged()
        self._times = TimeReader(time.time(), look.offset_s)
        self._done = 0
        self._generation = 0
        self._told: list[int] = []
        self._copied: list[int] = []
        self._is_first = True
        self._is_listing = False

    @property
    def logs(self) -> Sequence[Printed]:
        """Those that were added."""
        return self._logs

    def add(self, log: Printed) -> None:
        """One more log; its lines come among the next."""
        self._logs.append(log)
        self._told.append(0)
        self._copied.append(0)
        source = MergeSource(log.label, log.index, self._time_reader(log), log.begun_at)
        self._merged.add(source)

    def _time_reader(self, log: Printed) -> Callable[[int, bytes], float | None]:
        def read(position: int, raw: bytes) -> float | None:
            found = self._times.read(raw)
            return found.at if found is not None else None

        return read

    @property
    def is_over(self) -> bool:
        """Nothing more comes of any of them."""
        return all(log.is_over() for log in self._logs)

    def step(self) -> None:
        """Print what is there now."""
        for log, source in zip(self._logs, self._merged.sources, strict=True):
            source.is_over = not self._look.follow or log.is_over()
        for number, log in enumerate(self._logs):
            for note in log.notes[self._told[number] :]:
                self._told[number] += 1
                self._note(f"{log.label}: {_words(note)}")
        look = self._look
        is_whole = not look.filters and look.since is None and look.until is None
        if look.output == "raw" and is_whole and look.tail is None:
            self._copy()
        else:
            self._print_merged()
        self._is_first = False
        self._out.flush()

    def _copy(self) -> None:
        """Whole lines of each as they were written, as fast as they come."""
        is_busy = True
        while is_busy:
            is_busy = False
            for number, log in enumerate(self._logs):
                index = log.index
                is_over = self._merged.sources[number].is_over
                index.look()
                data = index.pread(_COPY_BYTES, self._copied[number])
                stop = data.rfind(b"\n") + 1
                if not stop and len(data) == _COPY_BYTES and len(self._logs) == 1:
                    stop = len(data)
                if is_over and len(data) < _COPY_BYTES:
                    stop = len(data)
                if not stop:
                    continue
                is_busy = True
                self._copied[number] += stop
                text = data[:stop]
                if isinstance(index, TimedIndex):
                    text = without_stamps(text)
                if not text.endswith(b"\n") and len(self._logs) > 1:
                    text += b"\n"
                self._out.raw(text)

    def _print_merged(self) -> None:
        merged, look = self._merged, self._look
        while merged.refresh() or merged.behind_bytes:
            if self._is_first and look.tail is not None:
                continue  # the last lines are known when all are
            self._print_new()
        if merged.generation != self._generation:
            self._generation, self._done = merged.generation, 0
            self._note(merged.notice)
        self._print_new()

    def _print_new(self) -> None:
        found = list(self._passing(self._done, self._merged.end))
        self._done = self._merged.end
        if self._is_first and self._look.tail is not None:
            found = found[max(len(found) - self._look.tail, 0) :]
        lines = self._merged.read(found)
        for position, raw in zip(found, lines, strict=True):
            self._print(position, raw)

    def _passing(self, first: int, end: int) -> Iterator[int]:
        merged, look = self._merged, self._look
        if first >= end:
            return
        where = Where(merged, look.filters)
        bounded = look.since is not None or look.until is not None
        for block in range(merged.block_of(first), merged.block_of(end - 1) + 1):
            passing: Sequence[int] = where.test(block) if look.filters else merged.starts(block)
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
        if self._look.output == "json" and not self._look.follow:
            self._out.line("]" if self._is_listing else "[]")

    def _json(self, found: dict[str, Any]) -> None:
        """One object a line while following, else one list."""
        if self._look.follow:
            self._out.json_line(found)
            return
        self._out.stream.write((",\n" if self._is_listing else "[") + dump_json(found))
        self._is_listing = True

    def _print(self, position: int, raw: bytes) -> None:
        number = self._merged.source_of(position)
        log, out = self._logs[number], self._out
        if self._look.output == "json":
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
        if self._look.output == "raw":
            whole = b"".join(self._merged.raw(position))
            needs_end = len(self._logs) > 1 and not whole.endswith(b"\n")
            out.raw(whole + b"\n" if needs_end else whole)
            return
        text = (painted if out.has_colour else plain)(raw)
        if len(self._logs) > 1:
            width = max(len(each.label) for each in self._logs)
            label = out.paint(log.label.ljust(min(width, 40)), _ROLES[number % len(_ROLES)])
            text = f"{label}  {text}"
        out.line(text)


def _words(note: Note) -> str:
    """As scripts read it, in UTC."""
    if note.from_at is None or note.to_at is None:
        return note.words
    return note.words_with(str(timestamp(note.from_at)), str(timestamp(note.to_at)))
