"""Where a followed log may lack lines, and what its host says when it is asked again.

A host that throws away old lines does so by whole files. A follower that was late for two of them
finds itself in the newest one, and nobody tells it: all it sees is a pause in the lines' times.
`Pace` finds pauses in which as much as a file may have been written; `Question` reads the log
around one once more. Where the line before the pause is still there, what follows it is certain.
`timedlog.TimedFile` uses both.
"""

from __future__ import annotations

from dataclasses import dataclass

from mltui.live.repeats import KEY_BYTES
from mltui.logs.timed import time_of

_WINDOW_S = 0.2
_HEAD_BYTES = 40
_MOMENT_S = 5e-3
_HELD_BYTES = 32 << 20
_LINE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a host keeps a log: it throws away whole files."""

    file_bytes: float
    """No file that goes is smaller."""
    shortest_s: float = 0.0
    """None was written in less time."""
    each_timed: bool = False
    """No two lines have the same time, so that two that are the same are one."""
    usual_bytes: float = 0.0
    """What most keep: programs are silent while they start, so that is no loss at once."""


KUBELET = Keeping(512 * 1024, 2.5, usual_bytes=8 << 20)
"""Kubelets look at sizes every three seconds at most (`containerLogMonitorInterval`), and nobody
lets them keep less than a megabyte; ten unless told otherwise (`containerLogMaxSize`)."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Between two lines."""

    offset: int
    """Where the later one begins, in what was looked at."""
    from_at: float
    to_at: float


class Pace:
    """How fast a log writes by its lines' own times, and where it paused for suspiciously long."""

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping
        self._peak = 0.0
        """Bytes a second, forgotten slowly: a file may have been lost in a burst."""
        self._usual = 0.0
        self._line_bytes = 100.0
        self._since: float | None = None
        self._bytes = self._lines = 0

    def lines_in(self, pause_s: float) -> int:
        """About how many lines such a log writes in a time, to two digits."""
        count = round((self._usual or self._peak) * pause_s / self._line_bytes)
        return round(count, 2 - len(str(count)))

    def has_no_room(self, pause_s: float) -> bool:
        """Whether no line fits between two, at the most it ever wrote."""
        is_short = self._peak > 0 and 0 <= pause_s < _MOMENT_S
        return is_short and self._peak * pause_s < 0.5 * self._line_bytes

    def passed(self, whole: bytes) -> None:
        """Whole lines that came."""
        at = whole.rfind(b"\n") + 1
        first, last = time_of(whole[:_HEAD_BYTES]), time_of(whole[at : at + _HEAD_BYTES])
        if first is None or last is None:
            return
        if self._since is None:
            self._since = first
        self._bytes += len(whole)
        self._lines += whole.count(b"\n") + 1
        took = last - self._since
        if took < _WINDOW_S and self._usual:
            return
        rate = self._bytes / max(took, _WINDOW_S / 4)
        self._peak = max(rate, 0.9 * self._peak)
        if took < _WINDOW_S:
            return
        if not self._usual:
            self._usual = rate
        elif not self.is_pause(took):  # a pause says nothing of how fast it writes
            self._usual = 0.7 * self._usual + 0.3 * rate
        self._line_bytes = self._bytes / self._lines
        self._since, self._bytes, self._lines = last, 0, 0

    def is_pause(self, pause_s: float) -> bool:
        """Whether a file may have been lost in such a time."""
        return pause_s >= self.keeping.shortest_s and self._peak * pause_s > self.keeping.file_bytes

    @property
    def is_fast(self) -> bool:
        """Whether it may fill a file before its host looks for the second time."""
        return self._peak * self.keeping.shortest_s > self.keeping.file_bytes

    @property
    def is_known(self) -> bool:
        """Enough came to say how fast it is."""
        return bool(self._usual)

    def begins_late(self, pause_s: float) -> bool:
        """Whether a file may have been lost before a first line, so long after the beginning."""
        return self.is_pause(pause_s) and self._peak * pause_s > self.keeping.usual_bytes

    def pause(self, whole: bytes, before: float | None, skip: int = -1) -> Pause | None:
        """The first pause in whole lines in which a file may have been lost.

        `before`: when the line before them was written; `skip`: where a pause is known already.
        What took no longer than such a pause has none in it, so that few lines are looked at.
        """
        end = whole.rfind(b"\n") + 1
        first, last = time_of(whole[:_HEAD_BYTES]), time_of(whole[end : end + _HEAD_BYTES])
        if first is None or last is None or not self._peak:
            return None
        waiting = [(0, first, end, last)] if end else []
        waiting.append((-1, first if before is None else before, 0, first))
        while waiting:
            low, low_at, high, high_at = waiting.pop()
            if not self.is_pause(high_at - low_at):
                continue
            middle = whole.rfind(b"\n", 0, (low + high) // 2 + 1) + 1
            if middle <= low:
                middle = whole.find(b"\n", max(low, 0)) + 1 if low >= 0 else high
            if middle >= high:
                if high != skip:
                    return Pause(high, low_at, high_at)
                continue
            at = time_of(whole[middle : middle + _HEAD_BYTES])
            at = low_at if at is None else at  # no time of its own: as the one before it
            waiting += [(middle, at, high, high_at), (low, low_at, middle, at)]
        return None


class Question:
    """What a host says when it is asked again for the lines around a pause."""

    def __init__(self, last: bytes, first: bytes) -> None:
        self.last, self._first = last[:KEY_BYTES], first[:KEY_BYTES]
        self._after, self._until = _stamp(last), _stamp(first)
        self.is_seen = False
        """The line before the pause is there still: what follows it is all there was."""
        self.lines: list[bytes] = []
        """Those between."""
        self._held = 0
        self._rest = b""

    def taken(self) -> list[bytes]:
        """The lines so far; they are not held any longer."""
        lines, self.lines, self._held = self.lines, [], 0
        return lines

    def hear(self, data: bytes) -> bool:
        """What comes; True when no more need come."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            head = line[:KEY_BYTES]
            if head == self.last:
                self.is_seen, self._held = True, 0
                self.lines.clear()
                continue
            time = _stamp(line)
            if head == self._first or time > self._until:
                return True
            if time > self._after:
                self.lines.append(line)
                self._held += len(line)
        return self._held > _HELD_BYTES or len(self._rest) > _LINE_BYTES


def _stamp(line: bytes) -> bytes:
    return line[:_HEAD_BYTES].partition(b" ")[0]
