"""Files of lines with their hosts' times, from logs that break off, repeat and lose.

Each line in the file is as the host gave it, its time before it; so what is there already tells
where to go on after a broken connection, and nothing is lost or doubled. Where the host may have
thrown lines away (`gaps`), or a container began anew, a note says so. `taking.take` brings a log
into one; the log pane and `mltui logs` read it as a `logs.timed.TimedIndex`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mltui.live.gaps import Keeping, Pace, Pause, Question
from mltui.live.repeats import (
    KEY_BYTES,
    TIME_BYTES,
    Known,
    count_lines,
    is_end_of,
    lines_from,
    moment,
    repeat_from,
    run_of,
    seconds,
    whole_lines,
    without_line,
    without_next,
)
from mltui.live.told import LEFT_OUT, Told
from mltui.logs.timed import Note, time_of

_LONG_BYTES = 1 << 20
"""A longer line is written on as it comes."""
_STAMP_BYTES = 40
_LATE_S = 2.0


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
        self.told = Told(self.notes)
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
        self._is_first = False
        """Nothing came yet over this connection."""
        self._begins_late = begins_late or tail is not None
        self._tail = tail
        self._skips = False
        """What comes is from before the first line until that one comes."""
        self._parts: list[bytes] = []
        """A line that is not whole yet."""
        self._held = 0
        self.is_holding = False
        """They begin with whole lines that wait for the next."""
        self._long: int | None = None
        """Where the line begins that is written as it comes; -1: it is there already."""
        self._known = Known()
        self.skew_s = 0.0
        """How far the host's clock is ahead of this machine's."""
        self.is_broken_off = False
        """The connection broke, and no new line came since."""
        self.sure_at = -1
        """At this size it was found out, or said, whether lines are missing at its end."""
        self.cut_ends: Collection[bytes] = ()
        """Lines that are the ends of others, which are there whole: those are left out."""
        self._late_s = 0.0
        whole, self._last = whole_lines(self._fd, self._size)
        if whole != self._size:
            self._cut(whole)  # a file of before, with what was not whole

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

    @property
    def is_late(self) -> bool:
        """Its lines come so long after they were written that files may be gone by then."""
        pace = self._pace
        return pace is not None and self._late_s > max(pace.keeping.shortest_s, _LATE_S)

    @property
    def is_fast(self) -> bool:
        """It grows so fast that its host may throw lines away before they are read."""
        return self._pace is not None and self._pace.is_fast

    @property
    def is_unseen(self) -> bool:
        """Nothing of what is there has come again over this connection, nor anything later."""
        return bool(self._known.until) and not self._known.is_seen

    def kept_as(self, keeping: Keeping | None) -> None:
        """How its host throws lines away, as far as that is known only now."""
        if keeping != (self._pace and self._pace.keeping):
            self._pace = Pace(keeping) if keeping is not None else None

    def began(self, at: float | None) -> None:
        """When the container was first started: lines from then on are expected.

        What it writes from now on is not lost; until then it may have been silent for long.
        """
        if not self._size and self._tail is None:
            self.told.began(at)

    def has_begun(self) -> None:
        """What was there is read: say so if that was only its end."""
        if self._tail is None or not self._size:
            return
        if count_lines(self._fd) >= self._tail:
            self.notes.append(Note(0, LEFT_OUT))

    def note(self, words: str) -> None:
        """Say something before the next line."""
        self.notes.append(Note(self._size, words))

    # --- what comes -----------------------------------------------------------------------------

    def begin(self) -> None:
        """A new connection: what comes from `since` on may be there already."""
        self._parts, self._held, self._long, self.is_holding = [], 0, None, False
        self._came = b""
        self._is_first = True
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
        if not data:
            self.release()
            return
        cut = data.rfind(b"\n")
        if cut >= 0:
            self.is_holding = self.is_fast
            if self.is_holding:
                data, self._parts, self._held = b"".join((*self._parts, data)), [], 0
                cut = self._last_sure(data)
        if cut >= 0:
            whole = b"".join((*self._parts, data[:cut]))
            self._parts, self._held = [], 0
            self._add(whole)
            data = data[cut + 1 :]
        if data:
            self._parts.append(data)
            self._held += len(data)
            if self._held > _LONG_BYTES:
                self.release()
            if self._held > _LONG_BYTES:
                self._begin_long()

    def _last_sure(self, data: bytes) -> int:
        """The last newline after which two lines without a pause follow, or one; -1: none."""
        cut = data.rfind(b"\n", 0, data.rfind(b"\n"))
        start = data.rfind(b"\n", 0, max(cut, 0)) + 1
        before = time_of(data[start : start + _STAMP_BYTES])
        after = time_of(data[cut + 1 : cut + 1 + _STAMP_BYTES])
        pace = self._pace
        if cut < 0 or pace is None or before is None or after is None:
            return cut
        return start - 1 if pace.is_pause(after - before) else cut

    def release(self) -> None:
        """Take in the last line too: nothing follows it at once.

        The last line of a fast log waits for the next, because a node may have run it on into
        another (`repeats.without_next`); what follows tells.
        """
        self._settle_all()
        if not self.is_holding:
            return
        text, self.is_holding = b"".join(self._parts), False
        cut = text.rfind(b"\n")
        rest = text[cut + 1 :]
        self._parts, self._held = [rest] if rest else [], len(rest)
        if cut >= 0:
            self._add(text[:cut])

    def _release_all(self) -> None:
        self.release()
        self._settle_all()

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

    def break_off(self) -> None:
        """The connection broke: what is doubtful stays so until the host can be asked."""
        if self._doubt is None:
            self.release()
        else:
            held, _, _ = b"".join(self._parts).rpartition(b"\n")
            self._later = b"\n".join(filter(None, (self._later, held)))
        if self._long is not None and self._long >= 0:
            self._cut(self._long)
        self._parts, self._held, self._long, self.is_holding = [], 0, None, False
        self.is_broken_off = True

    def end(self, *, is_over: bool) -> None:
        """The connection ended; with *is_over* a last line without newline is kept."""
        self._release_all()
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
        for end in self.cut_ends:
            whole = without_line(whole, end)
        if whole and self._is_first:
            self._is_first, whole = False, self._without_end(whole)
        while whole:
            if self._doubt is not None:
                self._later = whole
                return
            run, whole = whole, b""
            if self._pace is not None:
                run, whole = self._until_older(run)
            if self._known.until:
                run, rest = self._known.new_of(run, skips=self._skips)
                if rest:
                    self._begin_gap(run, rest)
                    continue
            if not run:
                continue
            if self._pace is not None:
                self._pace.passed(run)
            self._take_in(run)

    def _without_end(self, whole: bytes) -> bytes:
        """The first lines over a connection, without an end of one that is there."""
        first, _, rest = whole.partition(b"\n")
        known = self._known
        if not known.until or known.may_come(first) or first.partition(b" ")[0] > known.until:
            return whole
        return rest if is_end_of(self._fd, self._size, first) else whole

    def _begin_gap(self, before: bytes, rest: bytes) -> None:
        """Nothing of what was there came again, so that there may be others before these."""
        first_at, last_at = time_of(rest[:_STAMP_BYTES]), time_of(self._known.until + b" ")
        self._known.forget()
        if before:
            self._keep(before)
        if self._pace is not None:
            self._pace.passed(rest)
        self._doubt = (Pause(0, last_at or 0.0, first_at or 0.0), b"", rest)

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

    def _note_loss(self, from_at: float | None, to_at: float | None) -> None:
        """Before the next line something is missing."""
        self.told.loss(self._size, from_at, to_at, self._pace)

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
        return self.after_last()

    def after_last(self) -> Question:
        """What to ask for all that follows the last line."""
        return Question(self._last_line, b"9999")

    def drop(self) -> None:
        """What came after a pause, and the line before it: all of it comes again, from files."""
        self._doubt, self._later = None, b""
        self._parts, self._held, self.is_holding = [], 0, False

    def add(self, question: Question) -> None:
        """Lines that follow the last one, as far as the host's files have them still."""
        lines = question.taken()
        if not lines:
            return
        if not question.is_seen:
            self._note_loss(time_of(self._last_line), time_of(lines[0]))
            question.is_seen = True
        whole = b"\n".join(lines)
        if self._pace is not None:
            self._pace.passed(whole)
        self._tell_beginning(whole)
        self._keep(whole)

    def has_caught_up(self) -> None:
        """Nothing was written after the last line until now: what comes next may be late."""
        self._late_s = 0.0

    def note_end(self) -> None:
        """Lines after the last one may be lost, and nothing comes."""
        # how many can't be said: it may have been silent for most of that time
        now = time.time() + self.skew_s
        self.told.loss(self._size, time_of(self._last_line), now, None)

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
            self._note_loss(pause.from_at, until)
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
        self._tell_beginning(whole)
        pause = self._pace.pause(whole, before, skip) if self._pace is not None else None
        if pause is None:
            self._keep(whole)
            return
        last = whole[: max(pause.offset - 1, 0)]
        cut = last.rfind(b"\n") + 1
        if cut:
            self._keep(last[: cut - 1])
        self._doubt = (pause, last[cut:], whole[pause.offset :])

    def _tell_beginning(self, whole: bytes) -> None:
        """Whether lines may be missing before the first of all."""
        if self.told.awaits_first and self._pace is not None and self._pace.is_known:
            head = os.pread(self._fd, _STAMP_BYTES, 0) or whole[:_STAMP_BYTES]
            self.told.first(time_of(head), self._pace)

    def _keep(self, whole: bytes) -> None:
        self._look(whole)
        self._write(whole + b"\n")

    def _look(self, whole: bytes) -> None:
        """What is to be said of lines that are about to be written, and how far they reach."""
        self.told.look(whole, self._size)
        at = whole.rfind(b"\n") + 1
        self._last_line = whole[at : at + KEY_BYTES]
        last = self._last_line[:_STAMP_BYTES].partition(b" ")[0]
        if moment(last) is not None:
            self._last = max(last, self._last)
            self._late_s = time.time() + self.skew_s - (time_of(self._last_line) or 0.0)
            self.is_broken_off = False

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]

    def close(self) -> None:
        """Give back the descriptor."""
        self._release_all()
        os.close(self._fd)
