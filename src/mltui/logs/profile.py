"""How many lines and errors a log has over time, in bounded memory, for the histogram above it.

The log is sampled: each sample has the time of its first stamped line, its lines and its errors.
When there are too many samples, neighbours become one. The log pane advances it between frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from mltui.logs.lines import Lines
from mltui.logs.sieve import Sieve

_MOST_SAMPLES = 2048
_TRIED_LINES = 6  # of a sample, for one that has a time
_TRIED_BLOCKS, _TRIED_BLOCK_LINES = 4, 60
_AGAIN_S = 1.0
_FINE = ((8, 128), (24, 24))  # before this block each gives so many samples


@dataclass(slots=True)
class Sample:
    """A stretch of the log."""

    position: int
    at: float | None
    lines: int
    errors: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar: where in the log it begins (None: nothing is there), its lines and errors."""

    position: int | None
    lines: float
    errors: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars from the first to the last time; both None where lines have no times."""

    bins: Sequence[Bin]
    first_at: float | None
    last_at: float | None

    def bin_of(self, position: int) -> int:
        """The bar in which a position is."""
        found = 0
        for number, each in enumerate(self.bins):
            if each.position is not None and each.position <= position:
                found = number
        return found


class Profile:
    """Samples of *lines*. *time_of* reads the time of a line; *errors* knows which are bad."""

    def __init__(
        self, lines: Lines, errors: Sieve, time_of: Callable[[int, bytes], float | None]
    ) -> None:
        self._lines = lines
        self._errors = errors
        self._time_of = time_of
        self._restart()

    def _restart(self) -> None:
        self._generation = self._lines.generation
        self.samples: list[Sample] = []
        self._per_sample = 1  # blocks, once there were too many samples
        self._done = 0
        self._sampled_at = 0.0
        self._caught_up = False  # all that was there had been sampled
        self._open: tuple[int, int] = (0, 0)  # samples and end when the last block was sampled

    @property
    def is_done(self) -> bool:
        """Whether all of the log is sampled."""
        lines = self._lines
        if lines.generation != self._generation:
            return False
        behind = lines.block_count - self._done
        if behind <= 0 and self._open[1] == lines.end:
            return True
        # of a log that grows, what is not yet a block is sampled once a second
        return self._caught_up and behind <= 1 and monotonic() - self._sampled_at < _AGAIN_S

    def advance(self, limit_s: float = 0.004) -> bool:
        """Sample some more; whether anything was left to do."""
        lines = self._lines
        if lines.generation != self._generation:
            self._restart()
        until, worked = monotonic() + limit_s, False
        if not self.is_done and self._open[1] != lines.end and self._done:
            # the last block was not full when it was sampled
            self._done -= 1
            del self.samples[self._open[0] :]
        while self._done < lines.block_count:
            self._open = (len(self.samples), lines.end)
            self._sample(self._done)
            self._done += 1
            self._sampled_at = monotonic()
            worked = True
            if monotonic() >= until and self._done < lines.block_count:
                break
        self._caught_up = self._done >= lines.block_count
        return worked

    def _sample(self, block: int) -> None:
        lines = self._lines
        starts, errors = lines.starts(block), self._errors.at(block)
        if not starts:
            return
        parts = next((parts for last, parts in _FINE if block < last), 1)
        size = max(-(-len(starts) // parts), 1)
        bad = 0
        for first in range(0, len(starts), size):
            own = starts[first : first + size]
            tried = own[:_TRIED_LINES]
            at = None
            for position, line in zip(tried, lines.read(tried), strict=True):
                at = self._time_of(position, line)
                if at is not None:
                    break
            count = 0
            while bad < len(errors) and errors[bad] <= own[-1]:
                bad, count = bad + 1, count + 1
            self._add(Sample(own[0], at, len(own), count))

    def _add(self, sample: Sample) -> None:
        self.samples.append(sample)
        if len(self.samples) > _MOST_SAMPLES:
            halves = self.samples[::2]
            for kept, gone in zip(halves, self.samples[1::2], strict=False):
                kept.lines += gone.lines
                kept.errors += gone.errors
                kept.at = gone.at if kept.at is None else kept.at
            self.samples = halves
            self._open = (len(halves) - 1, self._open[1])

    def histogram(self, width: int) -> Histogram:
        """*width* bars over time; over the log's length where lines have no times."""
        samples = self.samples
        if not samples or width < 1:
            return Histogram((), None, None)
        places = self._places()
        times = [at for at in places if at is not None]
        by_time = bool(times) and max(times) > min(times)
        if by_time:
            low, high = min(times), max(times)
            where = [low if at is None else at for at in places]
        else:
            low, high = 0.0, float(max(self._lines.end, 1))
            where = [float(sample.position) for sample in samples]
        scale = width / (high - low) if high > low else 0.0
        lines, errors = [0.0] * width, [0.0] * width
        positions: list[int | None] = [None] * width
        for number, sample in enumerate(samples):
            first = min(int((where[number] - low) * scale), width - 1)
            following = where[number + 1] if number + 1 < len(where) else where[number]
            last = min(max(int((following - low) * scale), first), width - 1)
            # a stretch that is quiet at its end is not told apart from one that is not
            share = 1 / (last - first + 1) if sample.lines >= last - first + 1 else 1.0
            for place in range(first, (last if share < 1 else first) + 1):
                lines[place] += sample.lines * share
                errors[place] += sample.errors * share
                known = positions[place]
                if known is None or sample.position < known:
                    positions[place] = sample.position
        bins = [Bin(*each) for each in zip(positions, lines, errors, strict=True)]
        return Histogram(bins, low if by_time else None, high if by_time else None)

    def _places(self) -> list[float | None]:
        """The time of each sample; one without has that of the one before."""
        found: list[float | None] = []
        before: float | None = None
        for sample in self.samples:
            before = sample.at if sample.at is not None else before
            found.append(before)
        first = next((at for at in found if at is not None), None)
        return [first if at is None else at for at in found]


def position_at(
    lines: Lines, time_of: Callable[[int, bytes], float | None], at: float
) -> int | None:
    """The first line at or after a time, the last one if all are before; None without times.

    Found by halving, as times mostly rise; where a clock jumped back, one of the places.
    """
    low, high = 0, lines.block_count
    is_timed = False
    while low < high:
        middle = (low + high) // 2
        found = _first_time(lines, time_of, middle, high)
        is_timed = is_timed or found is not None
        if found is None or found >= at:
            high = middle
        else:
            low = middle + 1
    if not is_timed:
        return None
    for block in range(max(low - 1, 0), lines.block_count):
        starts = lines.starts(block)
        for position, line in zip(starts, lines.read(starts), strict=True):
            found = time_of(position, line)
            if found is not None and found >= at:
                return position
        if block > low:
            break
    return lines.previous(lines.end)


def first_time(lines: Lines, time_of: Callable[[int, bytes], float | None]) -> float | None:
    """When a log begins; None if none of its first lines says."""
    return _first_time(lines, time_of, 0, lines.block_count)


def _first_time(
    lines: Lines, time_of: Callable[[int, bytes], float | None], first: int, last: int
) -> float | None:
    """The first time in some blocks; few lines of each are looked at."""
    for block in range(first, min(last, first + _TRIED_BLOCKS)):
        tried = lines.starts(block)[:_TRIED_BLOCK_LINES]
        for position, line in zip(tried, lines.read(tried), strict=True):
            found = time_of(position, line)
            if found is not None:
                return found
    return None
