"""Several logs as one, in the order of time: every line once, each log's own order kept.

Lines are put in order as they are read, in bounded steps; a line that comes late stands where it
came. Memory is a byte a line, and the logs' places every 512 lines. The log pane shows a `Merged`
like a file; `mltui logs A B` prints one.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mltui.logs.index import LogIndex
from mltui.logs.lines import Text

BLOCK_LINES = 512

_STEP_LINES = 4_000  # put in order in one step: some 15 ms
_READ_LINES = 512
_KEPT_BLOCKS = 24
MOST_SOURCES = 250
"""A byte a line says whose it is; and each is an open file."""


@dataclass(slots=True)
class MergeSource:
    """One of the logs. *time_of* reads when a line (its position and text) was written.

    It is asked where its host did not say when it got the line.
    """

    label: str
    lines: LogIndex
    time_of: Callable[[int, bytes], float | None]
    begun_at: float = 0.0
    """The time of its lines if none of the first says one."""
    is_over: bool = False
    """Nothing more comes: a last line without newline counts."""
    target: str = ""
    """How `mltui logs` calls it; empty: not by itself."""
    farewell: str = ""
    """Said once it is over and all its lines are in order."""
    place: int = 0
    """Up to where its lines are in order."""
    is_alone: bool = False
    """No other is there, so that its times order nothing and are not read."""
    _at: float = field(default=0.0, init=False)
    _ahead: list[tuple[float, int]] = field(default_factory=list, init=False)
    _next: int = field(default=0, init=False)
    _read: int = field(default=0, init=False)

    def time(self, position: int, raw: bytes) -> float | None:
        """When a line was written."""
        received = self.lines.received(position)
        return self.time_of(position, raw) if received is None else received

    def again(self) -> MergeSource:
        """The same log, as it is now, to be read elsewhere."""
        return MergeSource(self.label, self.lines.again(), self.time_of, self.begun_at, True)

    def head(self) -> float | None:
        """The time of its next line; None when there is none now.

        A clock that jumped back does not change the order of a log's own lines.
        """
        if self._next >= len(self._ahead) and not self._load():
            return None
        return self._ahead[self._next][0]

    def take(self) -> None:
        """Its next line is in order."""
        self.place = self._ahead[self._next][1]
        self._next += 1

    def _load(self) -> bool:
        lines = self.lines
        places = lines.lines_from(self._read, _READ_LINES)
        is_last = bool(places) and places[-1] >= lines.end
        if is_last and not self.is_over and lines.pread(1, places[-1] - 1) != b"\n":
            places.pop()  # it may go on
        starts = places[:-1]
        self._ahead, self._next = [], 0
        found: list[float | None] = [None] * len(starts)
        if not self.is_alone:
            read = zip(starts, lines.read(starts), strict=True)
            found = [self.time(start, raw) for start, raw in read]
        if not self._at and found:
            self._at = next((at for at in found if at is not None), self.begun_at)
        for after, at in zip(places[1:], found, strict=True):
            if at is not None:
                self._at = max(self._at, at)
            self._ahead.append((self._at, after))
        self._read = places[-1] if starts else self._read
        return bool(starts)

    def begin_at(self, position: int) -> None:
        """Nothing before a line is wanted; before any of them is in order."""
        self.place = self._read = position
        self._ahead, self._next = [], 0


class Merged:
    """Logs as `Lines`; a position is the number of a line."""

    def __init__(self, sources: Sequence[MergeSource] = ()) -> None:
        self.sources: list[MergeSource] = []
        self.generation = 0
        """How many times it was put in order anew."""
        self.notice = ""
        """Why it last was."""
        self._marks: dict[int, list[str]] = {}
        self._restart()
        for source in sources:
            self.add(source)

    def _restart(self) -> None:
        self._order = array("B")
        self._places: list[array[int]] = []
        self._known: dict[int, list[tuple[int, int]]] = {}
        self._generations: list[int] = [each.lines.generation for each in self.sources]
        for source in self.sources:
            source.place = source._read = source._next = 0
            source._at = 0.0
            source._ahead = []

    def add(self, source: MergeSource, mark: str = "") -> None:
        """One more log; its lines are put among those to come, with a *mark* before them."""
        if len(self.sources) >= MOST_SOURCES:
            raise ValueError(f"more than {MOST_SOURCES} logs")
        source.lines.look()
        for known in self.sources:
            if known.is_alone:  # what it has ready was read without times
                known.is_alone = False
                known.begin_at(known.place)
        self.sources.append(source)
        self._generations.append(source.lines.generation)
        if mark:
            self.mark(mark)

    def mark(self, words: str) -> None:
        """Say something in the stream, before the next line to come."""
        self._marks.setdefault(len(self._order), []).append(words)

    def marks(self, position: int) -> Sequence[str]:
        """What is said before a line."""
        return self._marks.get(position, ())

    def marked(self, first: int, end: int) -> Sequence[int]:
        """Lines that have something said before them."""
        return sorted(each for each in self._marks if first <= each < end)

    def source_of(self, position: int) -> int:
        """Which log a line is of."""
        return self._order[position]

    def close(self) -> None:
        """Let go of the files."""
        for source in self.sources:
            source.lines.close()

    def after(self, sources: Iterable[MergeSource]) -> Merged:
        """What is to come of some of the logs, numbered from 0; what was put in order is let go."""
        found = Merged()
        for source in sources:
            found.sources.append(source)
            found._generations.append(source.lines.generation)
        if marks := self._marks.get(self.end):
            found._marks[0] = marks
        return found

    # --- putting in order -----------------------------------------------------------------------

    def look(self) -> None:
        """Find out how long the logs are now."""
        for source in self.sources:
            source.lines.look()

    def refresh(self, limit_bytes: int = 1024 * 1024) -> int:
        """Put some more lines in order; how many. Call again while `behind_bytes`."""
        self.look()
        generations = [each.lines.generation for each in self.sources]
        if generations != self._generations:
            changed = next(
                each
                for each, old in zip(self.sources, self._generations, strict=True)
                if each.lines.generation != old
            )
            self.notice = f"{changed.label}: {changed.lines.notice}"
            self.generation += 1
            self._marks.clear()
            self._restart()
        for source in self.sources:
            source.is_alone = len(self.sources) == 1
        heads = [
            (at, number)
            for number, source in enumerate(self.sources)
            if (at := source.head()) is not None
        ]
        heapq.heapify(heads)
        order, before = self._order, len(self._order)
        while heads and len(order) - before < _STEP_LINES:
            _, number = heads[0]
            source = self.sources[number]
            limit = min(heads[1:3]) if len(heads) > 1 else None
            following: float | None = None
            while len(order) - before < _STEP_LINES:
                if len(order) % BLOCK_LINES == 0:
                    self._places.append(array("Q", [each.place for each in self.sources]))
                if marks := source.lines.marks(source.place):
                    self._marks.setdefault(len(order), []).extend(
                        f"{source.label}: {words}" for words in marks
                    )
                order.append(number)
                source.take()
                following = source.head()
                if following is None or (limit is not None and (following, number) >= limit):
                    break
            if following is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, (following, number))
        if len(order) > before:
            self._known.pop(before // BLOCK_LINES, None)
        for source in self.sources:
            if source.farewell and source.is_over and source.head() is None:
                self.mark(source.farewell)
                source.farewell = ""
        return len(order) - before

    @property
    def behind_bytes(self) -> int:
        """How much is not in order yet; 0 when all whole lines are."""
        behind = 0
        for source in self.sources:
            if source.head() is not None:
                behind += max(source.lines.end - source.place, 1)
        return behind

    @property
    def line_count(self) -> int:
        """Lines in order so far."""
        return len(self._order)

    @property
    def is_open_ended(self) -> bool:
        """Lines are put in order when they are whole."""
        return False

    def position(self, number: int) -> int:
        """A line's position is its number."""
        if not 0 <= number < len(self._order):
            raise IndexError(number)
        return number

    # --- lines at positions ---------------------------------------------------------------------

    @property
    def end(self) -> int:
        """Lines in order so far."""
        return len(self._order)

    @property
    def block_count(self) -> int:
        """Blocks of lines."""
        return -(-len(self._order) // BLOCK_LINES)

    def block_of(self, position: int) -> int:
        """The block in which a line is."""
        return position // BLOCK_LINES

    def starts(self, block: int) -> Sequence[int]:
        """The numbers of a block's lines."""
        return range(block * BLOCK_LINES, min((block + 1) * BLOCK_LINES, len(self._order)))

    def next(self, position: int) -> int:
        """The following number."""
        return min(position + 1, len(self._order))

    def previous(self, position: int) -> int | None:
        """The number before."""
        return min(position, len(self._order)) - 1 if position > 0 and self._order else None

    def number(self, position: int) -> int | None:
        """A line's number is its position."""
        return position

    def places(self, block: int) -> list[tuple[int, int]]:
        """The log and the place in it of each line of a block."""
        numbers = self.starts(block)
        known = self._known.get(block)
        if known is not None and len(known) == len(numbers):
            return known
        # logs that joined later begin at their beginning
        at = list(self._places[block]) + [0] * (len(self.sources) - len(self._places[block]))
        order = self._order[block * BLOCK_LINES : block * BLOCK_LINES + len(numbers)]
        own = {
            source: iter(self.sources[source].lines.lines_from(at[source], count))
            for source, count in Counter(order).items()
        }
        found = [(source, next(own[source])) for source in order]
        if len(self._known) >= _KEPT_BLOCKS:
            del self._known[next(iter(self._known))]
        self._known[block] = found
        return found

    def place(self, position: int) -> tuple[MergeSource, int]:
        """The log a line is of, and its place there."""
        source, at = self.places(position // BLOCK_LINES)[position % BLOCK_LINES]
        return self.sources[source], at

    def read(self, positions: Sequence[int]) -> list[bytes]:
        """Lines as they should be read, a log's own in one go."""
        found: list[bytes] = [b""] * len(positions)
        by_source: dict[int, list[tuple[int, int]]] = {}
        for number, position in enumerate(positions):
            source, at = self.places(position // BLOCK_LINES)[position % BLOCK_LINES]
            by_source.setdefault(source, []).append((at, number))
        for source, wanted in by_source.items():
            lines = self.sources[source].lines.read([at for at, _ in wanted])
            for (_, number), line in zip(wanted, lines, strict=True):
                found[number] = line
        return found

    def raw(self, position: int) -> Iterator[bytes]:
        """A line as it was written, its newline too."""
        source, at = self.place(position)
        return source.lines.raw(at)

    def text(self, block: int) -> Text:
        """The lines of a block; of a long one its beginning."""
        numbers = self.starts(block)
        lines = self.read(numbers)
        starts: list[int] = []
        at = 0
        for line in lines:
            starts.append(at)
            at += len(line) + 1
        return Text(b"\n".join(lines), 0, at - 1, block * BLOCK_LINES, starts)

    def stretch(self, block: int) -> tuple[bytes, int, int]:
        """Nothing: its blocks are of many places."""
        return b"", block, block

    def pieces(self, position: int) -> Iterator[bytes]:
        """A line in pieces."""
        source, at = self.place(position)
        return source.lines.pieces(at)

    def time_of(self, position: int, raw: bytes) -> float | None:
        """When a line was written."""
        source, at = self.place(position)
        return source.time(at, raw)

    def received(self, position: int) -> float | None:
        """When its host got a line."""
        source, at = self.place(position)
        return source.lines.received(at)

    def copy(self, first: int, end: int) -> Iterator[bytes]:
        """All from one line to another as it was written; one without newline gets one."""
        for position in range(first, end):
            piece = b"\n"
            for piece in self.raw(position):
                yield piece
            if not piece.endswith(b"\n") and position + 1 < end:
                yield b"\n"

    def again(self) -> Merged:
        """The same logs, to be read elsewhere."""
        return Merged([each.again() for each in self.sources])
