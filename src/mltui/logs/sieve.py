"""Which lines of a log pass a test: counted per block, in any order, a bounded step at a time.

Memory is four bytes a block, however many lines pass; which lines they are is asked of the block
again when it is shown. Searches, filters and the count of errors are sieves. The log pane advances
them between frames and reads neighbours of what it shows first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from time import monotonic

from mltui.logs.lines import Lines

Test = Callable[[int], Sequence[int]]
"""Positions of the lines of a block that pass, ascending."""

LOOK_S = 0.01
"""How long one question may test blocks; then the answer is `None` and the sieve `is_stuck`."""

_KEPT_BLOCKS = 24
_UNKNOWN = -1


class Sieve:
    """The lines of *lines* that pass *test*."""

    def __init__(self, lines: Lines, test: Test) -> None:
        self.lines = lines
        self.test = test
        self.is_stuck = False
        """The last question could not be answered yet: advance, and ask again."""
        self._restart()

    def _restart(self) -> None:
        self._generation = self.lines.generation
        self._counts = array("i")
        self._known: dict[int, tuple[int, Sequence[int]]] = {}
        self._end = 0
        self._next = 0  # blocks before it are all known
        self.total = 0
        """Lines that pass, of what is known."""

    def refresh(self) -> None:
        """Take note of what was added to the log, or that it was started anew."""
        lines = self.lines
        if lines.generation != self._generation:
            self._restart()
        if lines.end == self._end:
            return
        if self._end:
            # the last line may have been an open one, and it may begin blocks earlier
            last = lines.previous(self._end)
            first = lines.block_of(last) if last is not None else 0
            for block in range(first, len(self._counts)):
                self._forget(block)
            self._next = min(self._next, first)
        self._end = lines.end
        self._counts.extend([_UNKNOWN] * (lines.block_count - len(self._counts)))

    def _forget(self, block: int) -> None:
        if self._counts[block] > 0:
            self.total -= self._counts[block]
        self._counts[block] = _UNKNOWN
        self._known.pop(block, None)

    @property
    def is_done(self) -> bool:
        """Whether all of the log, as of its last refresh, is tested."""
        self.refresh()
        counts = self._counts
        while self._next < len(counts) and counts[self._next] != _UNKNOWN:
            self._next += 1
        return self._next == len(counts)

    @property
    def share(self) -> float:
        """How much of the log is tested, about: 1.0 when all is."""
        return 1.0 if self.is_done else self._next / len(self._counts)

    def advance(self, limit_s: float = 0.008, limit_blocks: int = 1 << 30) -> bool:
        """Test some more; whether anything was left to do."""
        until = monotonic() + limit_s
        worked = False
        while limit_blocks > 0 and not self.is_done:
            self.at(self._next)
            worked = True
            limit_blocks -= 1
            if monotonic() >= until:
                break
        return worked

    def at(self, block: int) -> Sequence[int]:
        """The lines of a block that pass, tested now if need be."""
        self.refresh()
        if not 0 <= block < len(self._counts):
            return ()
        count = self._counts[block]
        if count == 0:
            return ()
        known = self._known.get(block)
        if known is not None:
            return known[1]
        found = self.test(block)
        if count == _UNKNOWN:
            self.total += len(found)
            self._counts[block] = len(found)
        if found:
            if len(self._known) >= _KEPT_BLOCKS:
                del self._known[next(iter(self._known))]
            self._known[block] = (0, found)
        return found

    def count(self, block: int) -> int | None:
        """How many lines of a block pass; None: not tested."""
        self.refresh()
        found = self._counts[block] if block < len(self._counts) else 0
        return None if found == _UNKNOWN else found

    def first_from(self, position: int) -> int | None:
        """The first line at or after *position* that passes."""
        self.refresh()
        self.is_stuck = False
        counts = self._counts
        block, until = self.lines.block_of(position), monotonic() + LOOK_S
        while block < len(counts):
            if counts[block]:
                if counts[block] == _UNKNOWN and monotonic() > until:
                    self.is_stuck = True
                    return None
                found = self.at(block)
                place = bisect_left(found, position)
                if place < len(found):
                    return found[place]
            block += 1
        return None

    def last_before(self, position: int) -> int | None:
        """The last line before *position* that passes."""
        self.refresh()
        self.is_stuck = False
        counts = self._counts
        block = min(self.lines.block_of(position), len(counts) - 1)
        until = monotonic() + LOOK_S
        while block >= 0:
            if counts[block]:
                if counts[block] == _UNKNOWN and monotonic() > until:
                    self.is_stuck = True
                    return None
                found = self.at(block)
                place = bisect_left(found, position)
                if place:
                    return found[place - 1]
            block -= 1
        return None

    def ordinal(self, position: int) -> int | None:
        """How many lines up to and with *position* pass; None while that isn't known."""
        self.refresh()
        block = self.lines.block_of(position)
        if any(count == _UNKNOWN for count in self._counts[: block + 1]):
            return None
        return sum(self._counts[:block]) + bisect_right(self.at(block), position)


class AllLines:
    """Every line: what a view asks of a `Sieve`, without testing anything."""

    is_stuck = False

    def __init__(self, lines: Lines) -> None:
        self.lines = lines

    def first_from(self, position: int) -> int | None:
        """The first line at or after *position*."""
        lines = self.lines
        if position >= lines.end:
            return None
        if position == 0:
            return 0
        found = lines.next(position - 1)
        return found if found < lines.end else None

    def last_before(self, position: int) -> int | None:
        """The last line before *position*."""
        return self.lines.previous(position)
