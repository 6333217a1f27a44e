"""Line offsets of a log file that grows, so that any line of a million can be shown at once.

Memory is eight bytes a line, whatever the text. The log pane and `mltui logs` own one a file and
call `refresh` in bounded steps when they are told, or poll, that the file changed.
"""

from __future__ import annotations

import os
from array import array
from itertools import accumulate
from pathlib import Path

from mltui.logs.sanitize import last_state

READ_BYTES = 256 * 1024
"""One read of the file."""

LINE_BYTES = 8 * 1024
"""Longest line returned, in bytes, its marker not counted."""

_SCAN_BYTES = 64 * 1024  # bounds the C loop over one slice: 64 Ki empty lines take about 6 ms
_STEP_LINES = 50_000  # a flood of empty lines ends a refresh early
_HEAD_BYTES = 64  # compared on each refresh: a file rewritten in place is another file


class LogIndex:
    """Where each line of the file at *path* starts.

    The file need not exist yet. One that was replaced, cut short or rewritten is read from its
    beginning again: `generation` counts that and `notice` says what happened. Not thread-safe.
    """

    def __init__(self, path: Path, *, line_bytes: int = LINE_BYTES) -> None:
        self.path = path
        self.generation = 0
        """How many times the file was started anew."""
        self.notice = ""
        """Why it last was, as words for the screen; empty at first."""
        self._line_bytes = line_bytes
        self._fd = -1
        self._inode = (0, 0)
        self._size = 0
        self._scanned = 0
        self._head = b""
        self._starts = array("Q", [0])

    @property
    def line_count(self) -> int:
        """Lines found so far; a last line without newline counts."""
        return len(self._starts) - (self._starts[-1] == self._scanned)

    @property
    def is_open_ended(self) -> bool:
        """Whether the last line has no newline yet, and so may still change."""
        return self._starts[-1] != self._scanned

    @property
    def scanned_bytes(self) -> int:
        """How much of the file is indexed."""
        return self._scanned

    @property
    def behind_bytes(self) -> int:
        """How much was there at the last refresh and is not indexed yet; 0 when up to date."""
        return max(self._size - self._scanned, 0)

    @property
    def starts(self) -> array[int]:
        """Offsets of line starts, one past the last finished line included. Not to be changed."""
        return self._starts

    def close(self) -> None:
        """Let go of the file. A later refresh opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)

    def refresh(self, limit_bytes: int = 1024 * 1024) -> int:
        """Index up to *limit_bytes* more and return by how many lines the count grew.

        Call again while `behind_bytes`. When the file was started anew the count starts at 0, so
        compare `generation` too. Raises OSError other than a missing file.
        """
        if not self._check():
            return 0
        before = self.line_count
        stop = self._scanned + limit_bytes
        lines = len(self._starts)
        while (wanted := min(READ_BYTES, stop - self._scanned, self._size - self._scanned)) > 0:
            data = os.pread(self._fd, wanted, self._scanned)
            if not data:
                break
            for offset in range(0, len(data), _SCAN_BYTES):
                self._scan(data[offset : offset + _SCAN_BYTES])
                if len(self._starts) - lines > _STEP_LINES:
                    return self.line_count - before
        return self.line_count - before

    def _scan(self, data: bytes) -> None:
        pieces = data.split(b"\n")
        del pieces[-1]
        if pieces:
            lengths = [len(piece) + 1 for piece in pieces]
            lengths[0] += self._scanned
            self._starts.extend(accumulate(lengths))
        self._scanned += len(data)

    def _check(self) -> bool:
        """Open the file if need be, notice another file in its place; False if there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            found = None
        if self._fd >= 0:
            here = os.fstat(self._fd)
            if found is not None and (found.st_dev, found.st_ino) != self._inode:
                self._restart("the file was replaced")
            elif here.st_size < self._scanned:
                self._restart("the file was cut short")
            elif here.st_size != self._size and not self._same_head():
                self._restart("the file was rewritten")
            else:
                self._size = here.st_size
                return True
        if found is None:
            return False
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        here = os.fstat(self._fd)
        self._inode = (here.st_dev, here.st_ino)
        self._size = here.st_size
        self._head = os.pread(self._fd, _HEAD_BYTES, 0)
        return True

    def _same_head(self) -> bool:
        head = os.pread(self._fd, _HEAD_BYTES, 0)
        same = head.startswith(self._head)
        self._head = head if same else b""
        return same

    def _restart(self, notice: str) -> None:
        self.close()
        self.generation += 1
        self.notice = notice
        self._starts = array("Q", [0])
        self._scanned = self._size = 0

    def span(self, number: int) -> tuple[int, int]:
        """Byte offsets of line *number* (from 0), its newline left out. IndexError if not there."""
        if not 0 <= number < self.line_count:
            raise IndexError(number)
        starts = self._starts
        end = starts[number + 1] - 1 if number + 1 < len(starts) else self._scanned
        return starts[number], end

    def line(self, number: int) -> bytes:
        """Line *number* (from 0) as it should be read.

        A line that was overwritten by carriage returns is its last state; one longer than
        `line_bytes` is cut and ends in ` [+N bytes]`. IndexError if there is no such line.
        """
        start, end = self.span(number)
        return self._shown(
            os.pread(self._fd, min(end - start, self._line_bytes), start), start, end
        )

    def lines(self, first: int, last: int) -> list[bytes]:
        """Lines *first* to *last* (left out), as `line` gives them, in as few reads as it takes.

        The range is cut to the lines there are.
        """
        first, last = max(first, 0), min(last, self.line_count)
        if first >= last:
            return []
        spans = [self.span(number) for number in range(first, last)]
        begin, finish = spans[0][0], spans[-1][1]
        if finish - begin > (last - first) * self._line_bytes:
            return [self.line(number) for number in range(first, last)]
        data = os.pread(self._fd, finish - begin, begin)
        return [
            self._shown(
                data[start - begin : min(end, start + self._line_bytes) - begin], start, end
            )
            for start, end in spans
        ]

    def _shown(self, raw: bytes, start: int, end: int) -> bytes:
        """One line from its first *raw* bytes: the last state, cut and marked where too long."""
        if end - start <= self._line_bytes:
            return last_state(raw) if b"\r" in raw else raw
        tail = os.pread(self._fd, self._line_bytes, end - self._line_bytes).rstrip(b"\r")
        if b"\r" in tail:
            return last_state(tail)
        return last_state(raw) + b" [+%s bytes]" % f"{end - start - len(raw):,}".encode()

    def pread(self, size: int, offset: int) -> bytes:
        """Bytes of the file as indexed, for searching."""
        return os.pread(self._fd, size, offset) if self._fd >= 0 else b""
