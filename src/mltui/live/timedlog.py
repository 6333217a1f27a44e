"""Files of lines with their hosts' times, from logs that break off, repeat and lose.

Each line in the file is as the host gave it, its time before it; so what is there already tells
where to go on after a broken connection, and nothing is lost or doubled. Where the host may have
thrown lines away (`gaps`), or a container began anew, a note says so. `taking.take` brings a log
into one; the log pane and `mltui logs` read it as a `logs.timed.TimedIndex`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from mltui.live.gaps import Keeping, Pace, Pause, Question
from mltui.live.repeats import (
    KEY_BYTES,
    TIME_BYTES,
    Known,
    lines_from,
    moment,
    repeat_from,
    run_of,
    seconds,
    without_next,
)
from mltui.logs.timed import Note, time_of

_LONG_BYTES = 1 << 20
"""A longer line is written on as it comes."""
_READ_BYTES = 1 << 20
_STAMP_BYTES = 40

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

    *keeping*: how the host throws away what was not read yet. *begins_late*: what is before its
    first line is not wanted; *tail*: nor more lines than these at first. *notes* are kept by the
    caller as long as the file is.
    """

    def __init__(
        self,
        path: Path,
        *,
        keeping: Keeping | None = None,
        begins_late: bool = False,
        tail: int | None = None,
        notes: list[Note] | None = None,
    ) -> None:
        self.path = path
        self.notes: list[Note] = [] if notes is None else notes
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size
        self._pace = Pace(keeping) if keeping is not None else None
        self._doubt: tuple[Pause, bytes, bytes] | None = None
        """A pause that is to be asked about, the line before it where that isn't written yet, and
        the lines after it."""
        self._later = b""
        """What came after those."""
        self._last_line = b""
        self._came = b""
        """The time of what came last."""
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
        self._known = Known()
        self._begun_at: float | None = None
        self._asked_at = 0.0
        self._restart_at: float | None = None
        self._told_restart: float | None = None
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
            if moment(time) is not None:
                self._last = max(time, self._last)

    def _cut(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        self._size = size

    @property
    def since(self) -> str:
        """From when to ask for more: a second before the last line; empty: from the beginning."""
        at = time_of(self._last + b" ")  # in UTC, where a node's own clock may be in another zone
        if at is None:
            return ""
        return datetime.fromtimestamp(int(at) - 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def kept_as(self, keeping: Keeping | None) -> None:
        """How its host throws lines away, as far as that is known only now."""
        if keeping != (self._pace and self._pace.keeping):
            self._pace = Pace(keeping) if keeping is not None else None

    def began(self, at: float | None) -> None:
        """When the container was first started: lines from then on are expected.

        What it writes from now on is not lost; until then it may have been silent for long.
        """
        if not self._size and not self._begins_late:
            self._begun_at, self._asked_at = at, time.time()

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
        self._came = b""
        at = moment(self._last)
        since = seconds(at - timedelta(seconds=1)) if at is not None else b""
        self._known.expect(lines_from(self._fd, self._size, since) if since else (), self._last)
        first = os.pread(self._fd, len(since), 0)
        self._skips = self._begins_late and bool(since) and first >= since

    def feed(self, data: bytes) -> None:
        """What came."""
        self._settle_all()
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
        self._settle_all()
        known = self._known
        if known.has(head) or (known.until and self._skips and not known.is_seen):
            self._long = -1
            return
        self._look(head)
        self._long = self._size
        self._write(head)

    def end(self, *, is_over: bool) -> None:
        """The connection ended; with *is_over* a last line without newline is kept."""
        self._settle_all()
        if self._long is not None and self._long >= 0:
            if is_over:
                self._write(b"\n")
            else:
                self._cut(self._long)
        elif self._parts and is_over:
            self._add(b"".join(self._parts))
            self._settle_all()
        self._parts, self._held, self._long = [], 0, None

    def _add(self, whole: bytes) -> None:
        """Lines that came, as far as nothing need be asked before."""
        while whole:
            if self._doubt is not None:
                self._later = whole
                return
            run, whole = whole, b""
            if self._pace is not None:
                run, whole = self._until_older(run)
            if self._known.until:
                run = self._new_of(run)
                if not run:
                    continue
            if self._pace is not None:
                self._pace.passed(run)
            self._take_in(run)

    def _new_of(self, whole: bytes) -> bytes:
        """Those lines that are not there yet."""
        kept = []
        known = self._known
        for line in whole.split(b"\n"):
            if known.has(line):
                continue
            is_later = bool(known.until) and line.partition(b" ")[0] > known.until
            if self._skips and not known.is_seen and not is_later:
                continue
            kept.append(line)
            if is_later:
                if not known.is_seen:  # nothing of what was there comes again
                    self._note_loss(self._size, time_of(known.until + b" "), time_of(line))
                    known.forget()
                if known.is_past(line):
                    known.until = b""
        return b"\n".join(kept)

    def _until_older(self, whole: bytes) -> tuple[bytes, bytes]:
        """Lines in order of time, and the others; those of a file that begins anew are known."""
        assert self._pace is not None
        each_timed = self._pace.keeping.each_timed
        stop = whole.find(b"\n")
        first = whole if stop < 0 else whole[:stop]
        is_same = each_timed and first[:KEY_BYTES] == self._last_line
        if self._came and (is_same or whole[:TIME_BYTES] < self._came):
            again = repeat_from(self._fd, self._size, first, self._came)
            if again is not None:
                self._known.expect(again[0], self._last)
                if again[1]:
                    whole = whole[len(first) + 1 :]
            if not whole:
                return b"", b""
        run, rest, self._came = run_of(whole, each_timed=each_timed)
        return run, rest

    def _note_loss(self, offset: int, from_at: float | None, to_at: float | None) -> None:
        """The host has thrown away what was before a line, and maybe more.

        What is said of that line already, after a broken connection, is not said once more.
        """
        if self.notes and (self.notes[-1].offset, self.notes[-1].words) == (offset, LOSS):
            return
        about = 0
        if self._pace is not None and from_at is not None and to_at is not None:
            about = self._pace.lines_in(to_at - from_at)
        self.notes.append(Note(offset, LOSS, from_at, to_at, about))

    def question(self) -> Question | None:
        """What is to be asked of the host before more is fed; `settle` takes the answer."""
        if self._doubt is None:
            return None
        _, last, rest = self._doubt
        stop = rest.find(b"\n")
        return Question(last or self._last_line, rest if stop < 0 else rest[:stop])

    def silence(self) -> Question | None:
        """What to ask when nothing comes: whether there is more; None: files are never lost."""
        pace = self._pace
        if pace is None or not self._last_line or self._size < pace.keeping.file_bytes:
            return None
        return Question(self._last_line, b"9999")

    def settle(self, question: Question | None = None) -> None:
        """Go on after a pause: with what was between, or with a word where that is not known."""
        if self._doubt is None:
            return
        (pause, last, rest), self._doubt = self._doubt, None
        lines = question.lines if question is not None else []
        is_whole = question is not None and question.is_seen
        if last:
            self._keep(last if is_whole or not lines else without_next(last, lines[0]))
        if not is_whole:
            until = (time_of(lines[0]) if lines else None) or pause.to_at
            self._note_loss(self._size, pause.from_at, until)
        if lines:
            self._keep(b"\n".join(lines))
        self._take_in(rest, 0)
        if self._doubt is None and self._later:
            later, self._later = self._later, b""
            self._add(later)

    def _settle_all(self) -> None:
        while self._doubt is not None:
            self.settle()

    def _take_in(self, whole: bytes, skip: int = -1) -> None:
        """Write lines, as far as nothing need be asked before."""
        before = time_of(self._last + b" ")
        if self._begun_at is not None and self._pace is not None and self._pace.is_known:
            self._look_before(self._begun_at, whole)
            self._begun_at = None
        pause = self._pace.pause(whole, before, skip) if self._pace is not None else None
        if pause is None:
            self._keep(whole)
            return
        last = whole[: max(pause.offset - 1, 0)]
        cut = last.rfind(b"\n") + 1
        if cut:
            self._keep(last[: cut - 1])
        self._doubt = (pause, last[cut:], whole[pause.offset :])

    def _look_before(self, begun_at: float, whole: bytes) -> None:
        """Whether lines were thrown away before the first one that could be had."""
        head = os.pread(self._fd, _STAMP_BYTES, 0) or whole[:_STAMP_BYTES]
        first_at = time_of(head)
        if first_at is None or first_at >= self._asked_at or self._pace is None:
            return
        if self._pace.begins_late(first_at - begun_at):
            self._note_loss(0, begun_at, first_at)

    def _keep(self, whole: bytes) -> None:
        self._look(whole)
        self._write(whole + b"\n")

    def _look(self, whole: bytes) -> None:
        """What is to be said of lines that are about to be written, and how far they reach."""
        if self._restart_at is not None:
            self._look_for_restart(whole, self._restart_at)
        at = whole.rfind(b"\n") + 1
        self._last_line = whole[at : at + KEY_BYTES]
        last = self._last_line[:_STAMP_BYTES].partition(b" ")[0]
        if moment(last) is not None:
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

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]

    def close(self) -> None:
        """Give back the descriptor."""
        self._settle_all()
        os.close(self._fd)
