"""What a log is to whoever searches, filters or shows it: lines at positions, in blocks.

A position is a number that grows with the lines (of a file: the byte where the line begins), so
that any place can be shown without counting the lines before it. `LogIndex` and `Merged` are such;
`Sieve`, the log pane and `mltui logs` read them through this.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from mltui.logs.sanitize import last_state, uncoloured


@dataclass(frozen=True, slots=True)
class Text:
    """The lines that begin in one block, joined by newlines: `data[first:stop]`."""

    data: bytes
    first: int
    stop: int
    """Less than `first`: there is no line. The same: there is one empty line."""
    base: int
    """Position of the first byte of `data`, or of its first line where `starts` is given."""
    starts: Sequence[int] | None = None
    """Where in `data` each line begins, if positions are not bytes."""
    places: Sequence[int] | None = None
    """Positions of the lines at `starts`, if they are not numbered from `base` on."""
    long: int | None = None
    """Position of a last line that is too long to be in `data`."""

    def position(self, at: int) -> int:
        """Position of the line that begins at byte *at* of `data`."""
        if self.starts is None:
            return self.base + at
        number = bisect_right(self.starts, at) - 1
        return self.base + number if self.places is None else self.places[number]

    def as_read(self) -> Text:
        """The same as a person reads it: without colours, of a progress bar the last state."""
        data = self.data
        if b"\x1b" not in data and b"\r" not in data:
            return self
        own = data[self.first : self.stop].split(b"\n") if self.first <= self.stop else []
        if not own:
            return self
        if self.starts is None:
            sizes = (len(line) + 1 for line in own[:-1])
            places = list(accumulate(sizes, initial=self.base + self.first))
        else:
            places = [self.position(at) for at in self.starts]
        kept = uncoloured(b"\n".join([last_state(x) if b"\r" in x else x for x in own]))
        starts = list(accumulate((len(line) + 1 for line in kept.split(b"\n")[:-1]), initial=0))
        return Text(kept, 0, len(kept), 0, starts, places, self.long)


class Lines(Protocol):
    """Lines at positions. Reading is bounded; nothing is kept but a few blocks."""

    @property
    def generation(self) -> int:
        """How many times it was started anew; positions of before mean nothing then."""
        ...

    @property
    def end(self) -> int:
        """Past the last line, as of the last refresh."""
        ...

    @property
    def block_count(self) -> int:
        """Blocks up to `end`."""
        ...

    def block_of(self, position: int) -> int:
        """The block in which a position is."""
        ...

    def starts(self, block: int) -> Sequence[int]:
        """Positions of the lines that begin in a block, ascending."""
        ...

    def text(self, block: int) -> Text:
        """The lines that begin in a block."""
        ...

    def stretch(self, block: int) -> tuple[bytes, int, int]:
        """All text of the lines that begin in a block and its neighbours, maybe more.

        There is a newline before each line. Then which blocks these are: the first, and the one
        after the last; no line of theirs changes any more. None: there is nothing to be had so.
        """
        ...

    def pieces(self, position: int) -> Iterator[bytes]:
        """A line of any length in overlapping pieces."""
        ...

    def read(self, positions: Sequence[int]) -> list[bytes]:
        """Lines as they should be read, neighbours in one go."""
        ...

    def next(self, position: int) -> int:
        """The line after the one at *position*; `end` after the last."""
        ...

    def previous(self, position: int) -> int | None:
        """The last line that begins before *position*."""
        ...

    def number(self, position: int) -> int | None:
        """How many lines are before *position*; None while that isn't known."""
        ...

    def raw(self, position: int) -> Iterator[bytes]:
        """A line as it was written, with its newline, in pieces."""
        ...

    def received(self, position: int) -> float | None:
        """When its host got a line (seconds since the epoch); None: that isn't known."""
        ...

    def marks(self, position: int) -> Sequence[str]:
        """What is to be said before a line."""
        ...

    def marked(self, first: int, end: int) -> Sequence[int]:
        """Lines from one to before another that have such marks, ascending."""
        ...


class Log(Lines, Protocol):
    """Lines that grow, as the log pane reads them."""

    @property
    def notice(self) -> str:
        """Why it was started anew; empty at first."""
        ...

    @property
    def line_count(self) -> int:
        """Lines counted so far."""
        ...

    @property
    def is_open_ended(self) -> bool:
        """Whether the last line may still change."""
        ...

    @property
    def behind_bytes(self) -> int:
        """How much is not counted yet."""
        ...

    def look(self) -> None:
        """Find out how much there is now."""
        ...

    def refresh(self, limit_bytes: int = ...) -> int:
        """Count a bounded piece more; how many lines came."""
        ...

    def position(self, number: int) -> int:
        """Where line *number* (from 0) is. IndexError if it is not counted."""
        ...

    def copy(self, first: int, end: int) -> Iterator[bytes]:
        """All from one line to another as it was written, in pieces."""
        ...

    def again(self) -> Log:
        """The same log, to be read elsewhere, as in a thread."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...
