"""What a person filters a log by: patterns, their opposite, levels, fields; several together.

Read from what is typed (`loss`, `!heartbeat`, `level>=warning`, `epoch>7`). The log pane makes a
`Sieve` of them; `mltui logs --grep --level --where` does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mltui.logs.fields import Condition, fields_of, read_condition
from mltui.logs.levels import NAMES, Level, level_of, levels_of, read_level
from mltui.logs.lines import Lines
from mltui.logs.merge import Merged
from mltui.logs.search import Pattern, PatternError, compile_pattern, matching

_LOOK_BACK = 40
"""Lines above a block that may give its first lines their level."""
_KEPT_BLOCKS = 24


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a line, and how it was written."""

    text: str
    pattern: Pattern | None = None
    is_inverse: bool = False
    level: Level | None = None
    """This bad at least."""
    condition: Condition | None = None


def read_filter(text: str) -> Filter:
    """A filter as it is typed. PatternError says what is wrong with it."""
    text = text.strip()
    if text.startswith("!") and len(text) > 1:
        return Filter(text, compile_pattern(text[1:].strip()), is_inverse=True)
    condition = read_condition(text) if text.partition("=")[0].isprintable() else None
    if condition is not None and " " not in condition.name:
        if condition.name in ("level", "severity") and condition.operator in (">=", ">"):
            return level_filter(condition.value)
        return Filter(text, condition=condition)
    return Filter(text, compile_pattern(text))


def level_filter(name: str) -> Filter:
    """Lines of this level and worse. PatternError when there is no such level."""
    found = read_level(name)
    if found is None:
        raise PatternError(f"there is no level {name!r}: {', '.join(NAMES)}")
    return Filter(f"level>={NAMES[found]}", level=found)


class Where:
    """All of *filters* on one log; `test` is for a `Sieve`. *hidden*: of several logs not these."""

    def __init__(
        self, lines: Lines, filters: Sequence[Filter], hidden: frozenset[int] = frozenset()
    ) -> None:
        self._lines = lines
        self._hidden = hidden if isinstance(lines, Merged) else frozenset()
        self._patterns = [
            (matching(lines, each.pattern), each.is_inverse)
            for each in sorted(filters, key=lambda each: each.is_inverse)
            if each.pattern is not None
        ]
        self._levels = [each.level for each in filters if each.level is not None]
        self._conditions = [each.condition for each in filters if each.condition is not None]

    def test(self, block: int) -> Sequence[int]:
        """The lines of a block that pass all filters."""
        found: Sequence[int] | None = None
        for test, is_inverse in self._patterns:
            if found is not None and not found:
                return ()
            hits = test(block)
            if found is None:
                if not is_inverse:
                    found = hits
                    continue
                found = self._lines.starts(block)
            known = set(hits)
            found = [each for each in found if (each in known) != is_inverse]
        if found is None:
            found = self._lines.starts(block)
        if self._hidden and isinstance(self._lines, Merged):
            source_of = self._lines.source_of
            found = [each for each in found if source_of(each) not in self._hidden]
        if self._levels and found:
            found = self._of_level(block, found, max(self._levels))
        if self._conditions and found:
            found = [
                position
                for position, line in zip(found, self._lines.read(found), strict=True)
                if self._holds(line)
            ]
        return found

    def _of_level(self, block: int, found: Sequence[int], wanted: Level) -> list[int]:
        """Those that are as bad as *wanted*; what says nothing is as bad as the line above."""
        lines = self._lines
        starts = lines.starts(block)
        texts = lines.read(starts)
        before: Level | None = None
        place: int | None = starts[0] if starts and level_of(texts[0]) is None else None
        for _ in range(_LOOK_BACK):
            place = None if place is None else lines.previous(place)
            if place is None:
                break
            before = level_of(lines.read([place])[0])
            if before is not None:
                break
        levels = dict(zip(starts, levels_of(texts, before), strict=True))
        return [each for each in found if (levels.get(each) or Level.TRACE) >= wanted]

    def _holds(self, line: bytes) -> bool:
        fields = fields_of(line)
        if fields is None:
            return all(
                condition.operator == "="
                and str(condition).encode("utf-8", "surrogateescape") in line
                for condition in self._conditions
            )
        return all(condition.holds(fields) for condition in self._conditions)


class Around:
    """What passes *test*, and *reach* lines before and after each; `test` is for a `Sieve`.

    *own* gives the lines of a block that may be shown at all.
    """

    def __init__(
        self,
        lines: Lines,
        test: Callable[[int], Sequence[int]],
        reach: int,
        own: Callable[[int], Sequence[int]] | None = None,
    ) -> None:
        self._lines = lines
        self._test = test
        self._reach = reach
        self._own = own
        self._known: dict[int, tuple[int, frozenset[int]]] = {}
        self._generation = lines.generation
        self._counts: dict[int, int] = {}

    @property
    def beside_count(self) -> int:
        """Lines that are there for others only, of the blocks that were tested."""
        return sum(self._counts.values())

    def passes(self, position: int) -> bool:
        """Whether a line is there for itself."""
        return position in self._passing(self._lines.block_of(position))

    def _passing(self, block: int) -> frozenset[int]:
        lines = self._lines
        state = lines.end if block >= lines.block_count - 2 else -1
        known = self._known.get(block)
        if known is None or known[0] != state:
            if len(self._known) >= _KEPT_BLOCKS:
                del self._known[next(iter(self._known))]
            known = self._known[block] = (state, frozenset(self._test(block)))
        return known[1]

    def test(self, block: int) -> Sequence[int]:
        """The lines of a block that pass or are near one that does."""
        lines = self._lines
        if lines.generation != self._generation:
            self._generation = lines.generation
            self._known.clear()
            self._counts.clear()
        starts = lines.starts(block)
        if not starts:
            return ()
        passing = self._passing(block)
        found: list[int] = []
        left = self._near(starts[0], -1)
        for start in starts:
            left = self._reach + 1 if start in passing else left
            if left > 0:
                found.append(start)
            left -= 1
        known = set(found)
        left = self._near(starts[-1], 1)
        for start in reversed(starts):
            left = self._reach + 1 if start in passing else left
            if left > 0:
                known.add(start)
            left -= 1
        if self._own is not None:
            known &= set(self._own(block))
        self._counts[block] = len(known) - len(passing)
        return sorted(known)

    def _near(self, position: int, step: int) -> int:
        """How many lines from *position* on the nearest that passes beyond it reaches."""
        lines, place = self._lines, position
        for left in range(self._reach, 0, -1):
            beyond = lines.previous(place) if step < 0 else lines.next(place)
            if beyond is None or beyond >= lines.end:
                return 0
            place = beyond
            if self.passes(place):
                return left
        return 0


def both(
    first: Callable[[int], Sequence[int]], second: Callable[[int], Sequence[int]]
) -> Callable[[int], Sequence[int]]:
    """What passes two tests."""

    def test(block: int) -> Sequence[int]:
        found = first(block)
        if not found:
            return ()
        known = set(second(block))
        return [each for each in found if each in known]

    return test
