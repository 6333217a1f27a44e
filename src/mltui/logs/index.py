"""The lines of a log file that grows, so that any of millions can be shown at once.

A position is the byte where a line begins; from there the next and the previous line are found by
reading a little. Lines are counted per block in bounded steps (`refresh`), for their numbers only:
eight bytes for 64 KiB of log. The log pane and `mltui logs` own one a file.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from mltui.logs.lines import Text
from mltui.logs.sanitize import last_state

BLOCK_BYTES = 64 * 1024
"""What is counted, searched and looked at in one go: it fits into a processor's cache."""

LINE_BYTES = 8 * 1024
"""Longest line returned, in bytes, its marker not counted."""

LONG_BYTES = 1024 * 1024
"""A longer line is searched in pieces."""

_HEAD_BYTES = 64  # compared on each refresh: a file rewritten in place is another file
_KEPT_BLOCKS = 24
_SLACK_BYTES = 4096  # read beyond a block, so that its last line is mostly whole
_OVERLAP_BYTES = 4096
_STRETCH_BLOCKS = 16


class LogIndex:
    """The file at *path* as `Lines`.

    The file need not exist yet. One that was replaced, cut short or rewritten is read from its
    beginning again: `generation` counts that and `notice` says what happened. Not thread-safe.
    """

    def __init__(
        self, path: Path, *, line_bytes: int = LINE_BYTES, block_bytes: int = BLOCK_BYTES
    ) -> None:
        self.path = path
        self.generation = 0
        """How many times the file was started anew."""
        self.notice = ""
        """Why it last was, as words for the screen; empty at first."""
        self._line_bytes = line_bytes
        self._block_bytes = block_bytes
        self._fd = -1
        self._inode = (0, 0)
        self._size = 0
        self._head = b""
        self._reset()

    def _reset(self) -> None:
        self._size = self._scanned = 0
        self._newlines = 0
        self._ends_open = False  # what is scanned does not end in a newline
        self._before = array("Q", [0])  # newlines before each block that is begun
        self._starts: dict[int, tuple[int, array[int]]] = {}

    # --- the file -------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file. A later refresh opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)

    def look(self) -> None:
        """Find out how long the file is now, and whether it is still the same one."""
        self._check()

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
            elif here.st_size < self._size:
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
        self._reset()

    def pread(self, size: int, offset: int) -> bytes:
        """Bytes of the file."""
        return os.pread(self._fd, size, offset) if self._fd >= 0 and size > 0 else b""

    # --- counting -------------------------------------------------------------------------------

    def refresh(self, limit_bytes: int = 1024 * 1024) -> int:
        """Count up to *limit_bytes* more and return by how many lines the count grew.

        Call again while `behind_bytes`. When the file was started anew the count starts at 0, so
        compare `generation` too. Raises OSError other than a missing file.
        """
        if not self._check():
            return 0
        before = self.line_count
        stop = min(self._scanned + limit_bytes, self._size)
        size = self._block_bytes
        while self._scanned < stop:
            here = self._scanned
            data = self.pread(min(here - here % size + size, stop) - here, here)
            if not data:
                break
            self._newlines += data.count(b"\n")
            self._scanned += len(data)
            self._ends_open = not data.endswith(b"\n")
            if self._scanned % size == 0:
                self._before.append(self._newlines)
        return self.line_count - before

    @property
    def line_count(self) -> int:
        """Lines counted so far; a last line without newline counts."""
        return self._newlines + self._ends_open

    @property
    def is_open_ended(self) -> bool:
        """Whether the last line counted has no newline yet, and so may still change."""
        return self._ends_open

    @property
    def scanned_bytes(self) -> int:
        """How much of the file is counted."""
        return self._scanned

    @property
    def behind_bytes(self) -> int:
        """How much was there at the last look and is not counted yet; 0 when up to date."""
        return max(self._size - self._scanned, 0)

    def number(self, position: int) -> int | None:
        """How many lines are before *position*; None while that isn't counted."""
        if position > self._scanned:
            return None
        block = position // self._block_bytes
        starts = self.starts(block) if position < self._size else ()
        if not starts:
            if position >= self._scanned:
                return self.line_count
            return self._before[block] + self._newlines_between(block * self._block_bytes, position)
        own = starts[0] == block * self._block_bytes
        return self._before[block] + bisect_right(starts, position) - own

    def _newlines_between(self, first: int, last: int) -> int:
        return self.pread(last - first, first).count(b"\n")

    def position(self, number: int) -> int:
        """Where line *number* (from 0) begins. IndexError if it is not counted."""
        if not 0 <= number < self.line_count:
            raise IndexError(number)
        if number == 0:
            return 0
        block = bisect_left(self._before, number) - 1
        begin = block * self._block_bytes
        starts = self.starts(block)
        place = number - self._before[block] - 1 + bool(starts and starts[0] == begin)
        return starts[place] if place < len(starts) else begin + self._block_bytes

    # --- lines at positions ---------------------------------------------------------------------

    @property
    def end(self) -> int:
        """The file's length, as of the last look."""
        return self._size

    @property
    def block_count(self) -> int:
        """Blocks of the file."""
        return -(-self._size // self._block_bytes)

    def block_of(self, position: int) -> int:
        """The block in which a byte is."""
        return position // self._block_bytes

    def starts(self, block: int) -> Sequence[int]:
        """Where the lines begin that begin in a block."""
        begin = block * self._block_bytes
        stop = min(begin + self._block_bytes, self._size)
        known = self._starts.get(block)
        if known is not None and known[0] == stop:
            return known[1]
        found = array("Q")
        if begin < stop:
            if begin == 0:
                found.append(0)
                data = self.pread(stop - 1, 0)
            else:
                data = self.pread(stop - begin, begin - 1)
            pieces = data.split(b"\n")
            del pieces[-1]
            if pieces:
                lengths = [len(piece) + 1 for piece in pieces]
                lengths[0] += max(begin - 1, 0)
                found.extend(accumulate(lengths))
        if len(self._starts) >= _KEPT_BLOCKS:
            del self._starts[next(iter(self._starts))]
        self._starts.pop(block, None)
        self._starts[block] = (stop, found)
        return found

    def _is_bare(self, block: int) -> bool:
        """Whether a block is known to have no line's beginning, without reading it."""
        if block + 1 >= len(self._before) or self._before[block] != self._before[block + 1]:
            return False
        return block > 0 and self.pread(1, block * self._block_bytes - 1) != b"\n"

    def next(self, position: int) -> int:
        """Where the line after the one at *position* begins; `end` after the last."""
        block, count = position // self._block_bytes, self.block_count
        while block < count:
            starts = () if self._is_bare(block) else self.starts(block)
            place = bisect_right(starts, position)
            if place < len(starts):
                return starts[place]
            block += 1
        return self._size

    def lines_from(self, position: int, count: int) -> list[int]:
        """Where the line at *position* and those after it begin, so many, and where they end."""
        found = [position] if position < self._size else []
        block, blocks = position // self._block_bytes, self.block_count
        while block < blocks and len(found) <= count:
            starts = () if self._is_bare(block) else self.starts(block)
            place = bisect_right(starts, position)
            found.extend(starts[place : place + count + 1 - len(found)])
            block += 1
        if found and len(found) <= count:
            found.append(self._size)
        return found

    def last_lines(self, count: int) -> int:
        """Where the last lines begin, so many of them if there are as many."""
        block = self.block_count
        while block > 0 and count > 0:
            block -= 1
            starts = () if self._is_bare(block) else self.starts(block)
            if len(starts) >= count:
                return starts[len(starts) - count]
            count -= len(starts)
        return 0 if count else self._size

    def previous(self, position: int) -> int | None:
        """Where the last line begins that begins before *position*."""
        block = min(position // self._block_bytes, self.block_count - 1)
        while block >= 0:
            starts = () if self._is_bare(block) else self.starts(block)
            place = bisect_left(starts, position)
            if place:
                return starts[place - 1]
            block -= 1
        return None

    def text(self, block: int) -> Text:
        """The lines that begin in a block, the last one whole where it isn't long."""
        begin = block * self._block_bytes
        before = min(begin, 1)
        size = self._block_bytes
        data = self.pread(min(size + _SLACK_BYTES, self._size - begin) + before, begin - before)
        first = data.find(b"\n", 0, size) + 1 if before else 0
        base = begin - before
        if (before and not first) or base + first >= self._size:
            return Text(b"", 1, 0, begin)
        stop = data.find(b"\n", before + size - 1)
        long = None
        if stop < 0:
            reach = base + len(data)
            while reach < self._size and stop < 0 and len(data) < size + LONG_BYTES:
                more = self.pread(min(size, self._size - reach), reach)
                if not more:
                    break
                found = more.find(b"\n")
                stop = len(data) + found if found >= 0 else -1
                data += more
                reach += len(more)
            if stop < 0 and reach < self._size:
                stop = max(data.rfind(b"\n", 0, before + size), first - 1)
                long = base + stop + 1
            elif stop < 0:
                stop = len(data) - data.endswith(b"\n")
        return Text(data, first, stop, base, long=long)

    def stretch(self, block: int) -> tuple[bytes, int, int]:
        """See `Lines`."""
        first = block - block % _STRETCH_BLOCKS
        stop = first + _STRETCH_BLOCKS
        begin, size = first * self._block_bytes, _STRETCH_BLOCKS * self._block_bytes
        # the last line has to end: an open one may still change, a long one is searched in pieces
        if begin + size >= self._size or b"\n" not in self.pread(_SLACK_BYTES, begin + size - 1):
            return b"", block, block
        if not begin:
            return b"\n" + self.pread(size + _SLACK_BYTES, 0), first, stop
        return self.pread(size + _SLACK_BYTES + 1, begin - 1), first, stop

    def pieces(self, position: int) -> Iterator[bytes]:
        """A line of any length in pieces of a megabyte that overlap a little."""
        end = self._line_end(position)
        for offset in range(position, end, LONG_BYTES):
            yield self.pread(min(LONG_BYTES + _OVERLAP_BYTES, end - offset), offset)

    def raw(self, position: int) -> Iterator[bytes]:
        """A line as it was written, with its newline, in pieces."""
        end = self.next(position)
        for offset in range(position, end, LONG_BYTES):
            yield self.pread(min(LONG_BYTES, end - offset), offset)

    def copy(self, first: int, end: int) -> Iterator[bytes]:
        """All from one line to another as it was written, in pieces."""
        for at in range(first, end, LONG_BYTES):
            yield self.pread(min(LONG_BYTES, end - at), at)

    def again(self) -> LogIndex:
        """The same log, to be read elsewhere."""
        return LogIndex(self.path, line_bytes=self._line_bytes, block_bytes=self._block_bytes)

    def received(self, position: int) -> float | None:
        """A bare file does not say when its lines came."""
        return None

    def marks(self, position: int) -> Sequence[str]:
        """Nothing is to be said between the lines of a bare file."""
        return ()

    def marked(self, first: int, end: int) -> Sequence[int]:
        """See `marks`."""
        return ()

    def _line_end(self, position: int) -> int:
        after = self.next(position)
        return after - 1 if after < self._size or self.pread(1, after - 1) == b"\n" else after

    def span(self, position: int) -> tuple[int, int]:
        """Bytes of the line at *position*, its newline left out."""
        return position, self._line_end(position)

    def read(self, positions: Sequence[int]) -> list[bytes]:
        """The lines at *positions* as they should be read, in as few reads as it takes.

        A line that was overwritten by carriage returns is its last state; one longer than
        `line_bytes` is cut and ends in ` [+N bytes]`.
        """
        found: list[bytes] = []
        spans = self._spans(positions)
        first = 0
        while first < len(spans):
            last, budget = first, self._line_bytes
            while last + 1 < len(spans):
                reach = spans[last + 1][1] - spans[first][0]
                budget += self._line_bytes
                if reach > budget or spans[last + 1][0] < spans[last][1]:
                    break
                last += 1
            begin = spans[first][0]
            data = self.pread(
                min(spans[last][1] - begin, (last - first + 1) * self._line_bytes), begin
            )
            for start, end in spans[first : last + 1]:
                raw = data[start - begin : min(end, start + self._line_bytes) - begin]
                found.append(self._shown(raw, start, end))
            first = last + 1
        return found

    def _spans(self, positions: Sequence[int]) -> list[tuple[int, int]]:
        """`span` of each; neighbours cost little."""
        found: list[tuple[int, int]] = []
        starts: Sequence[int] = ()
        place = -1
        for position in positions:
            place += 1
            if place >= len(starts) or starts[place] != position:
                starts = self.starts(position // self._block_bytes)
                place = bisect_left(starts, position)
            is_inside = place + 1 < len(starts) and starts[place] == position
            found.append((position, starts[place + 1] - 1) if is_inside else self.span(position))
        return found

    def line(self, number: int) -> bytes:
        """Line *number* (from 0) as it should be read. IndexError if it is not counted."""
        return self.read([self.position(number)])[0]

    def lines(self, first: int, last: int) -> list[bytes]:
        """Lines *first* to *last* (left out), cut to the lines that are counted."""
        first, last = max(first, 0), min(last, self.line_count)
        if first >= last:
            return []
        positions = [self.position(first)]
        while len(positions) < last - first:
            positions.append(self.next(positions[-1]))
        return self.read(positions)

    def _shown(self, raw: bytes, start: int, end: int) -> bytes:
        """One line from its first *raw* bytes: the last state, cut and marked where too long."""
        if end - start <= self._line_bytes:
            return last_state(raw) if b"\r" in raw else raw
        tail = self.pread(self._line_bytes, end - self._line_bytes).rstrip(b"\r")
        if b"\r" in tail:
            return last_state(tail)
        return last_state(raw) + b" [+%s bytes]" % f"{end - start - len(raw):,}".encode()
