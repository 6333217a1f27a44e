"""A log whose host wrote its time before each line: read without it, and never doubted.

Logs of containers and pods are kept so (`live.timedlog`): the times tell where to go on after a
broken connection and put several logs in order; what a person searches, reads and saves is the
program's own text. `Note` is what there is to say between two lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from mltui.logs.index import LogIndex
from mltui.logs.lines import Text

STAMP = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)(?: |(?=\r?\n|\r?$))"
)
"""A host's time before a line, with the space after it (RFC 3339, as Docker and kubelets do)."""

_USUAL_BYTES = len(b"2026-11-25T14:02:03.000000000Z ")
_COPY_BYTES = 1 << 20
_STAMP_BYTES = 40
_KEPT_TIMES = 4096


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say before the line that begins at a byte: a restart, a possible loss."""

    offset: int
    words: str
    from_at: float | None = None
    to_at: float | None = None
    about: int = 0
    """So many lines, more or less."""

    @property
    def text(self) -> str:
        """As a person reads it, in local time: `possible loss from 14:02:03.1 to 14:02:14.0`."""
        if self.from_at is None or self.to_at is None:
            return self.words
        return self.words_with(_clock(self.from_at), _clock(self.to_at))

    def words_with(self, from_at: str, to_at: str) -> str:
        """The same with times as they are to be written."""
        about = f", about {self.about:,} lines" if self.about else ""
        return f"{self.words} from {from_at} to {to_at}{about}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%H:%M:%S.%f")[:-3]


@lru_cache(maxsize=64)
def _whole_seconds(stamp: bytes) -> float | None:
    try:
        return datetime.fromisoformat(stamp.decode("ascii")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def time_of(line: bytes) -> float | None:
    """When the host got a line (seconds since the epoch); None where it does not say."""
    match = STAMP.match(line)
    if match is None:
        return None
    whole, fraction, zone = match.groups()
    at = _whole_seconds(whole)
    if at is None:
        return None
    if fraction:
        at += float(fraction)
    if zone != b"Z":
        ahead = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        at -= ahead if zone[:1] == b"+" else -ahead
    return at


def stamp_of(at: float) -> bytes:
    """A time as hosts write it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode("ascii")


def without_stamps(text: bytes) -> bytes:
    """Whole lines without the host's times."""
    return b"\n".join(
        [
            line[_USUAL_BYTES:]
            if line[29:31] == b"Z " and line[10:11] == b"T" and line[19:20] == b"."
            else _without_stamp(line)
            for line in text.split(b"\n")
        ]
    )


def _without_stamp(line: bytes) -> bytes:
    match = STAMP.match(line)
    return line if match is None else line[match.end() :]


class TimedIndex(LogIndex):
    """The file at *path* as `Lines` without their times; `received` gives those.

    *notes* may grow; each is told above the line at its place.
    """

    def __init__(self, path: Path, notes: Sequence[Note] = ()) -> None:
        self._notes = notes
        self._marks: dict[int, list[str]] = {}
        self._known_notes = 0
        self._times: dict[int, float | None] = {}
        super().__init__(path)

    def again(self) -> TimedIndex:
        """The same log, to be read elsewhere."""
        return TimedIndex(self.path, self._notes)

    def _reset(self) -> None:
        super()._reset()
        self._times.clear()

    def received(self, position: int) -> float | None:
        """When the host got a line."""
        if position not in self._times:
            self._keep(position, self.pread(_STAMP_BYTES, position))
        return self._times[position]

    def _keep(self, position: int, raw: bytes) -> None:
        if len(self._times) >= _KEPT_TIMES:
            self._times.clear()
        self._times[position] = time_of(raw)

    def marks(self, position: int) -> Sequence[str]:
        """What is to be said before a line."""
        self._take_notes()
        return self._marks.get(position, ())

    def marked(self, first: int, end: int) -> Sequence[int]:
        """Lines that have something said before them."""
        self._take_notes()
        return sorted(each for each in self._marks if first <= each < end)

    def _take_notes(self) -> None:
        if self._known_notes != len(self._notes):
            for note in self._notes[self._known_notes :]:
                self._marks.setdefault(note.offset, []).append(note.text)
            self._known_notes = len(self._notes)

    def _shown(self, raw: bytes, start: int, end: int) -> bytes:
        match = STAMP.match(raw)
        if match is None:
            return super()._shown(raw, start, end)
        self._keep(start, raw)
        cut = match.end()
        if end - start > self._line_bytes:
            raw = self.pread(min(end - start, self._line_bytes + cut), start)
        return super()._shown(raw[cut:], start + cut, end)

    def text(self, block: int) -> Text:
        """The lines of a block without their times."""
        text = super().text(block)
        if text.first > text.stop:
            return text
        lines = text.data[text.first : text.stop].split(b"\n")
        places = list(accumulate((len(line) + 1 for line in lines), initial=text.base + text.first))
        kept = without_stamps(text.data[text.first : text.stop]).split(b"\n")
        starts = list(accumulate((len(line) + 1 for line in kept), initial=0))
        del places[-1], starts[-1]
        data = b"\n".join(kept)
        return Text(data, 0, len(data), 0, starts, places, text.long)

    def stretch(self, block: int) -> tuple[bytes, int, int]:
        """See `Lines`."""
        data, first, stop = super().stretch(block)
        return without_stamps(data), first, stop

    def pieces(self, position: int) -> Iterator[bytes]:
        """A line of any length in pieces that overlap a little, without its time."""
        is_first = True
        for piece in super().pieces(position):
            yield _without_stamp(piece) if is_first else piece
            is_first = False

    def raw(self, position: int) -> Iterator[bytes]:
        """A line as its program wrote it, with its newline, in pieces."""
        is_first = True
        for piece in super().raw(position):
            yield _without_stamp(piece) if is_first else piece
            is_first = False

    def copy(self, first: int, end: int) -> Iterator[bytes]:
        """All from one line to another as it was written, in pieces."""
        at, begins_line = first, True
        while at < end:
            data = self.pread(min(_COPY_BYTES, end - at), at)
            if not data:
                return
            stop = data.rfind(b"\n") + 1
            if at + len(data) >= end or not stop:
                stop = len(data)
            data = data[:stop]
            head = 0 if begins_line else data.find(b"\n") + 1 or len(data)
            yield data[:head] + without_stamps(data[head:])
            begins_line = data.endswith(b"\n")
            at += stop
