"""Which lines of a log are there already when a host gives them a second time.

Hosts begin at whole seconds after a broken connection. Those that rotate files open the newest once
for each that was made while a follower was late, and so begin it anew in the middle of a connection
(kubelets: cri-client, `logs.go`; Docker 20). Lines of one time that are the same are the same.
`timedlog.TimedFile` uses this.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

from mltui.logs.timed import time_of

KEY_BYTES = 64 * 1024
"""Lines of one time that are the same so far are one."""
TIME_BYTES = 29
"""A host's time, without its zone."""
_TAIL_BYTES = 64 << 20
"""How much of the file's end is compared with what comes again; two seconds of most logs."""
_READ_BYTES = 1 << 20
_LONG_BYTES = 1 << 20
_NEAR_S = 0.05
"""Two streams of a program are not kept in better order than this."""
_NEAR_BYTES = 1 << 18


class Known:
    """Lines that may come again, until others come that are later."""

    def __init__(self) -> None:
        self.until = b""
        """The time of the last line that is there; empty: nothing is expected."""
        self.is_seen = True
        """Something that is there already came again, or nothing is expected to."""
        self._lines: Counter[int] = Counter()
        self._due = 0
        self._past = b""

    def expect(self, lines: Iterable[bytes], last: bytes) -> None:
        """These may come; *last*: the latest time of what is there."""
        self._lines.clear()
        self._due, self.until = 0, last
        for line in lines:
            self._lines[_key(line)] += 1
            self._due += 1
        self.is_seen = not self._due
        at = moment(last)
        if at is not None:
            self._past = seconds(at + timedelta(seconds=3))

    def may_come(self, line: bytes) -> bool:
        """Whether a line is one of them."""
        return bool(self._lines.get(_key(line)))

    def has(self, line: bytes) -> bool:
        """Whether a line is one of them; it is then, once."""
        key = _key(line)
        if not self.until or not self._lines.get(key):
            return False
        self._lines[key] -= 1
        self._due -= 1
        self.is_seen = True
        return True

    def forget(self) -> None:
        """None of them comes."""
        self._lines.clear()
        self._due, self.is_seen, self.until = 0, True, b""

    def new_of(self, whole: bytes, *, skips: bool) -> tuple[bytes, bytes]:
        """Those lines that are not there yet; and others, where nothing known came before them.

        `skips`: unknown ones that are not later than all there is are not wanted.
        """
        kept: list[bytes] = []
        lines = whole.split(b"\n")
        for number, line in enumerate(lines):
            if self.has(line):
                continue
            is_later = bool(self.until) and line.partition(b" ")[0] > self.until
            if skips and not self.is_seen and not is_later:
                continue
            if is_later and not self.is_seen:
                return b"\n".join(kept), b"\n".join(lines[number:])
            kept.append(line)
            if is_later and self.is_past(line):
                self.until = b""
        return b"\n".join(kept), b""

    def is_past(self, line: bytes) -> bool:
        """After a line that is later than all there is: no more of them can come."""
        return not self._due or line[:19] > self._past


def run_of(whole: bytes, *, each_timed: bool) -> tuple[bytes, bytes, bytes]:
    """Lines as far as none is older than the one before it, the others, the time of the last.

    *each_timed*: nor the same.
    """
    lines = whole.split(b"\n")
    times = [line[:TIME_BYTES] for line in lines]
    if times == sorted(times) and (not each_timed or len(set(times)) == len(times)):
        return whole, b"", times[-1]
    for stop in range(1, len(times)):
        if times[stop] < times[stop - 1] or (each_timed and lines[stop] == lines[stop - 1]):
            break
    else:
        return whole, b"", times[-1]
    return b"\n".join(lines[:stop]), b"\n".join(lines[stop:]), times[stop - 1]


def repeat_from(
    fd: int, size: int, line: bytes, came: bytes
) -> tuple[Iterator[bytes], bool] | None:
    """A file's lines from one on that is older than what came last; None: it is not there.

    True with them: what came is the end of the line before them, of which the file that is given
    again has no more (containerd cuts a line in two where it begins a new file).
    """
    before, at = time_of(came + b"Z "), time_of(line[:TIME_BYTES] + b"Z ")
    text = line.partition(b" ")[2]
    if before is not None and at is not None and before - at < _NEAR_S:
        tail = os.pread(fd, _NEAR_BYTES, max(size - _NEAR_BYTES, 0))
        if text[:KEY_BYTES] not in tail:
            return None
    lines = lines_from(fd, size, line[:19], has_before=True)
    head, last, is_later = line[:KEY_BYTES], b"", False
    for each in lines:
        if each[:KEY_BYTES] == head:
            return chain((each,), lines), False
        if not is_later and each[:TIME_BYTES] > line[:TIME_BYTES]:
            is_later = True
            if text and last.endswith(text):
                return chain((each,), lines), True
        last = each
    return None


def is_end_of(fd: int, size: int, line: bytes) -> bool:
    """Whether a line is the end of the one that was written before it, which is there whole.

    Where containerd began a new file it cut that in two, and who begins there gets the end only.
    """
    text, before = line.partition(b" ")[2], b""
    for each in lines_from(fd, size, line[:19], has_before=True):
        if each[:TIME_BYTES] > line[:TIME_BYTES]:
            break
        before = each.partition(b" ")[2]
    return 0 < len(text) < len(before) and before.endswith(text)


def without_next(line: bytes, after: bytes) -> bytes:
    """A line without the text of another that a host ran on into it.

    Kubelets do where a line is cut in two by the end of a file and lines are missing there.
    """
    text = after.partition(b" ")[2]
    is_run_on = bool(text) and line.partition(b" ")[2].endswith(text)
    return line.removesuffix(text) if is_run_on else line


def without_line(whole: bytes, line: bytes) -> bytes:
    """Lines without one of them, wherever that is."""
    at = whole.find(line)
    while at >= 0:
        end = at + len(line)
        is_line = (at == 0 or whole[at - 1] == 0x0A) and whole[end : end + 1] in (b"", b"\n")
        if is_line:
            whole = (
                whole[:at] + whole[end + 1 :] if at == 0 or end < len(whole) else whole[: at - 1]
            )
        at = whole.find(line, at + (not is_line))
    return whole


def whole_lines(fd: int, size: int) -> tuple[int, bytes]:
    """Where a file's last whole line ends, and the latest time of its end."""
    start = max(size - _READ_BYTES, 0)
    tail = os.pread(fd, size - start, start)
    tail = tail[: tail.rfind(b"\n") + 1]
    times = [line.partition(b" ")[0] for line in tail.split(b"\n")]
    return start + len(tail), max((each for each in times if moment(each) is not None), default=b"")


def count_lines(fd: int) -> int:
    """Of a whole file."""
    lines = at = 0
    while data := os.pread(fd, _READ_BYTES, at):
        lines, at = lines + data.count(b"\n"), at + len(data)
    return lines


def lines_from(fd: int, size: int, since: bytes, *, has_before: bool = False) -> Iterator[bytes]:
    """The beginnings of a file's last lines, from a second on; *has_before*: and one before."""
    reach = 2 * _READ_BYTES
    while reach < min(size, _TAIL_BYTES):
        start = size - reach
        head = os.pread(fd, _READ_BYTES, start)
        if head[(at := head.find(b"\n") + 1) : at + len(since)] < since and at:
            break
        reach *= 2
    at = max(size - min(reach, _TAIL_BYTES), 0)
    rest, is_cut, is_there, before = b"", at > 0, False, b""
    while at < size:
        data = os.pread(fd, min(_READ_BYTES, size - at), at)
        if not data:
            return
        at += len(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            # later ones may be older: a host does not keep two streams in order of time
            if is_there or (not is_cut and line[: len(since)] >= since):
                if has_before and not is_there and before:
                    yield before
                is_there = True
                yield line
            is_cut, before = False, line
        rest = rest[:KEY_BYTES] if len(rest) > _LONG_BYTES else rest


def _key(line: bytes) -> int:
    return hash(line[:KEY_BYTES])


def seconds(at: datetime) -> bytes:
    """A time as the beginning of lines, whose zone it has."""
    return at.strftime("%Y-%m-%dT%H:%M:%S").encode("ascii")


def moment(time: bytes) -> datetime | None:
    """A host's time to the second, whatever its zone; None where it is none."""
    if len(time) < 19 or not time[:4].isdigit():
        return None
    try:
        return datetime.fromisoformat(time[:19].decode("ascii")).replace(tzinfo=UTC)
    except ValueError:
        return None
