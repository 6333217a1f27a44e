"""Files of lines with their hosts' times, from logs that break off, repeat and lose.

Each line in the file is as the host gave it, its time before it; so what is there already tells
where to go on after a broken connection, and nothing is lost or doubled. Where the host may have
thrown lines away, or a container began anew, a note says so. `taking.take` brings a log into one;
the log pane and `mltui logs` read it as a `logs.timed.TimedIndex`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from mltui.logs.timed import Note, time_of

_TAIL_BYTES = 64 << 20
"""How much of the file's end is compared with what comes again; two seconds of most logs."""
_LONG_BYTES = 1 << 20
"""A longer line is written on as it comes."""
_KEY_BYTES = 64 * 1024
"""Lines of one time that are the same so far are one."""
_READ_BYTES = 1 << 20
_LOSS_BYTES = 64 * 1024
"""A pause in which a log would have written this much, at its speed before, may be a loss."""
_FAST = 200_000.0
"""Bytes a second that a host may throw away unread; it keeps tens of megabytes."""

LOSS = "possible loss"
LEFT_OUT = "earlier lines are not fetched yet: g on the first line fetches them"
RESTARTED = "container restarted"


class Following(StrEnum):
    """How a log stands."""

    READING = "reading"
    """What was written before is being fetched."""
    FOLLOWING = "following"
    ENDED = "ended"
    """The container does not run; a start goes on with it."""
    LOST = "lost"
    """The host does not answer; it is tried again."""
    GONE = "gone"
    """There is no such container any more."""
    REFUSED = "refused"
    """The host keeps no log of it, or can't read it."""


@dataclass(frozen=True, slots=True)
class LogState:
    """What to say beside a log."""

    following: Following
    why: str = ""


class TimedFile:
    """A file of timed lines that grows; one that is there already is gone on with.

    *watches_gaps*: the host may throw away what was not read yet. *begins_late*: what is before its
    first line is not wanted; *tail*: nor more lines than these at first. *notes* are kept by the
    caller as long as the file is.
    """

    def __init__(
        self,
        path: Path,
        *,
        watches_gaps: bool,
        begins_late: bool = False,
        tail: int | None = None,
        notes: list[Note] | None = None,
    ) -> None:
        self.path = path
        self.notes: list[Note] = [] if notes is None else notes
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size
        self._watches_gaps = watches_gaps
        self._begins_late = begins_late or tail is not None
        self._tail = tail
        self._skips = False
        """What comes is from before the first line until that one comes."""
        self._parts: list[bytes] = []
        """A line that is not whole yet."""
        self._held = 0
        self._long: int | None = None
        """Where the line begins that is written as it comes; -1: it is there already."""
        self._last = b""
        self._again: Counter[int] = Counter()
        self._until = b""
        self._past = b""
        self._is_seen = True
        """Something that is there already came again, or nothing is expected to."""
        self._restart_at: float | None = None
        self._told_restart: float | None = None
        self._rate = 0.0  # bytes a second, by the lines' own times
        if self._size:
            self._go_on()

    def _go_on(self) -> None:
        """A file of before: what was not whole is cut off."""
        start = max(self._size - _READ_BYTES, 0)
        tail = os.pread(self._fd, self._size - start, start)
        if not tail.endswith(b"\n"):
            self._cut(start + tail.rfind(b"\n") + 1)
            tail = tail[: tail.rfind(b"\n") + 1]
        for line in tail.split(b"\n"):
            time = line.partition(b" ")[0]
            if _moment(time) is not None:
                self._last = max(time, self._last)

    def _cut(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        self._size = size

    @property
    def since(self) -> str:
        """From when to ask for more: a second before the last line; empty: from the beginning."""
        at = _moment(self._last)
        if at is None:
            return ""
        return (at - timedelta(seconds=1)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def restarted(self, at: float | None) -> None:
        """The container had ended at this time: that is said before its first line after it."""
        if at is not None and at != self._told_restart:
            self._restart_at = self._told_restart = at

    def has_begun(self) -> None:
        """What was there is read: say so if that was only its end."""
        if self._tail is None or not self._size:
            return
        lines = at = 0
        while data := os.pread(self._fd, _READ_BYTES, at):
            lines, at = lines + data.count(b"\n"), at + len(data)
        if lines >= self._tail:
            self.notes.append(Note(0, LEFT_OUT))

    def note(self, words: str) -> None:
        """Say something before the next line."""
        self.notes.append(Note(self._size, words))

    # --- what comes -----------------------------------------------------------------------------

    def begin(self) -> None:
        """A new connection: what comes from `since` on may be there already."""
        self._parts, self._held, self._long = [], 0, None
        self._again.clear()
        since = self.since.removesuffix("Z").encode("ascii")
        self._until = self._last
        at = _moment(self._last)
        if at is not None:
            self._past = (at + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%S").encode("ascii")
        for line in self._lines_from(since) if since else ():
            self._again[_key(line)] += 1
        self._is_seen = not self._again
        first = os.pread(self._fd, len(since), 0)
        self._skips = self._begins_late and bool(since) and first >= since

    def _lines_from(self, since: bytes) -> Iterator[bytes]:
        """The beginnings of the file's last lines, from a time on."""
        reach = 2 * _READ_BYTES
        while reach < min(self._size, _TAIL_BYTES):
            start = self._size - reach
            head = os.pread(self._fd, _READ_BYTES, start)
            if head[(at := head.find(b"\n") + 1) : at + len(since)] < since and at:
                break
            reach *= 2
        at = max(self._size - min(reach, _TAIL_BYTES), 0)
        rest, is_cut, is_there = b"", at > 0, False
        while at < self._size:
            data = os.pread(self._fd, _READ_BYTES, at)
            if not data:
                return
            at += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                # later ones may be older: a host does not keep two streams in order of time
                if is_there or (not is_cut and line[: len(since)] >= since):
                    is_there = True
                    yield line
                is_cut = False
            rest = rest[:_KEY_BYTES] if len(rest) > _LONG_BYTES else rest

    def feed(self, data: bytes) -> None:
        """What came."""
        if self._long is not None:
            stop = data.find(b"\n") + 1
            if self._long >= 0:
                self._write(data[: stop or len(data)])
            if not stop:
                return
            self._long, data = None, data[stop:]
        cut = data.rfind(b"\n")
        if cut >= 0:
            whole = b"".join((*self._parts, data[:cut]))
            self._parts, self._held = [], 0
            self._add(whole)
            data = data[cut + 1 :]
        if data:
            self._parts.append(data)
            self._held += len(data)
            if self._held > _LONG_BYTES:
                self._begin_long()

    def _begin_long(self) -> None:
        head, self._parts, self._held = b"".join(self._parts), [], 0
        key = _key(head)
        if self._until and self._again.get(key):
            self._again[key] -= 1
            self._is_seen, self._long = True, -1
            return
        if self._until and self._skips and not self._is_seen:
            self._long = -1
            return
        self._look(head)
        self._long = self._size
        self._write(head)

    def end(self, *, is_over: bool) -> None:
        """The connection ended; with *is_over* a last line without newline is kept."""
        if self._long is not None and self._long >= 0:
            if is_over:
                self._write(b"\n")
            else:
                self._cut(self._long)
        elif self._parts and is_over:
            self._add(b"".join(self._parts))
        self._parts, self._held, self._long = [], 0, None

    def _add(self, whole: bytes) -> None:
        if self._until:
            whole = self._new_of(whole)
            if not whole:
                return
        self._look(whole)
        self._write(whole + b"\n")

    def _new_of(self, whole: bytes) -> bytes:
        """Those lines that are not there yet."""
        kept = []
        for line in whole.split(b"\n"):
            key = _key(line)
            if self._until and self._again.get(key):
                self._again[key] -= 1
                self._is_seen = True
                continue
            is_later = bool(self._until) and line.partition(b" ")[0] > self._until
            if self._skips and not self._is_seen and not is_later:
                continue
            kept.append(line)
            if is_later:
                if not self._is_seen:
                    self._note_loss(self._size, self._until, line)
                    self._again.clear()
                    self._is_seen = True
                if line[:19] > self._past or not +self._again:
                    self._until = b""
        return b"\n".join(kept)

    def _note_loss(self, offset: int, last: bytes, line: bytes) -> None:
        """Nothing of what was there comes again: the host has thrown it away, and maybe more."""
        self.notes.append(Note(offset, LOSS, time_of(last + b" "), time_of(line)))

    def _look(self, whole: bytes) -> None:
        """What is to be said of lines that are about to be written, and how far they reach."""
        if self._watches_gaps:
            self._look_for_gaps(whole)
        if self._restart_at is not None:
            self._look_for_restart(whole, self._restart_at)
        last = whole[whole.rfind(b"\n") + 1 :].partition(b" ")[0]
        if _moment(last) is not None:
            self._last = max(last, self._last)

    def _look_for_restart(self, whole: bytes, at: float) -> None:
        offset = self._size
        for line in whole.split(b"\n"):
            when = time_of(line[:40])
            if when is not None and when > at:
                if offset:
                    self.notes.append(Note(offset, RESTARTED))
                self._restart_at = None
                return
            offset += len(line) + 1

    def _look_for_gaps(self, whole: bytes) -> None:
        """Note pauses in which a log this fast would have written much."""
        before, first = time_of(self._last + b" "), time_of(whole[:40])
        at = whole.rfind(b"\n") + 1
        last = time_of(whole[at : at + 40])
        if first is None or last is None:
            return
        if self._rate > _FAST:
            start = first if before is None else before
            for place, from_at, to_at in self._pauses(whole, start, first, at, last):
                self.notes.append(Note(self._size + place, LOSS, from_at, to_at))
        took = max(last - first, 0.2)
        self._rate = 0.7 * self._rate + 0.3 * len(whole) / took if self._rate else len(whole) / took

    def _pauses(
        self, whole: bytes, before: float, first: float, end: int, last: float
    ) -> list[tuple[int, float, float]]:
        """Lines of *whole* that came long after those before them: where they begin, both times.

        *before*: of the line before the first; *end*: where the last begins. What took no longer
        than a pause has none in it, so that few lines are looked at.
        """
        found: list[tuple[int, float, float]] = []
        waiting = [(-1, before, 0, first)] if end == 0 else [
            (0, first, end, last), (-1, before, 0, first),
        ]  # fmt: skip
        while waiting:
            low, low_at, high, high_at = waiting.pop()
            if self._rate * (high_at - low_at) <= _LOSS_BYTES:
                continue
            middle = whole.rfind(b"\n", 0, (low + high) // 2 + 1) + 1
            if middle <= low:
                middle = whole.find(b"\n", max(low, 0)) + 1 if low >= 0 else high
            if middle >= high:
                size = len(whole) if high == end else whole.find(b"\n", high)
                if self._rate * (high_at - low_at) > _LOSS_BYTES + size - high:
                    found.append((high, low_at, high_at))
                continue
            at = time_of(whole[middle : middle + 40])
            at = low_at if at is None else at  # no time of its own: as the one before it
            waiting += [(middle, at, high, high_at), (low, low_at, middle, at)]
        return found

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]

    def close(self) -> None:
        """Give back the descriptor."""
        os.close(self._fd)


def _key(line: bytes) -> int:
    return hash(line[:_KEY_BYTES])


def _moment(time: bytes) -> datetime | None:
    if len(time) < 19 or not time[:4].isdigit():
        return None
    try:
        return datetime.fromisoformat(time[:19].decode("ascii")).replace(tzinfo=UTC)
    except ValueError:
        return None
