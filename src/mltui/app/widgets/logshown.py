"""Which lines of a log are shown: what passes the filters, of logs that are not hidden, unfolded.

`LogScene` owns one and asks it for neighbours of lines on the page; searches look among the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltui.app.widgets.logpaint import Below
from mltui.logs.filters import Around, Filter, Where, both
from mltui.logs.fold import Fold, Folding
from mltui.logs.lines import Log
from mltui.logs.merge import Merged
from mltui.logs.search import Pattern, matching
from mltui.logs.sieve import AllLines, Sieve, Test
from mltui.logs.times import TimeReader
from mltui.text import format_count, unicode_ok


class ShownLines:
    """The shown lines of *index*. `renew` after a change gives what `LogView` takes."""

    def __init__(self, index: Log, times: TimeReader) -> None:
        self._index = index
        self._all = AllLines(index)
        self.folding = Folding(index, times)
        self.filters: tuple[Filter, ...] = ()
        self.hidden: frozenset[int] = frozenset()
        """Numbers of logs, of several, that are not shown."""
        self.is_folding = True
        self.context = 0
        """So many lines around each that passes are shown too."""
        self.bare: set[int] = set()
        """Lines that are shown for what is said above them only: they pass no filter."""
        self.lines: AllLines | Sieve = self._all
        self._around: Around | None = None

    @property
    def is_sifted(self) -> bool:
        """Some lines are left out for what they say or whose they are."""
        return bool(self.filters or self.hidden)

    @property
    def folds(self) -> bool:
        """Traces and repeated lines are folded now; what a filter finds is not."""
        return self.is_folding and not self.filters

    @property
    def below(self) -> Below | None:
        """What is folded below a line; None: nothing ever is."""
        return self.folding.below if self.folds else None

    def _where(self) -> Test:
        return Where(self._index, self.filters, self.hidden).test

    def is_beside(self, line: int) -> bool:
        """Whether a line is shown for one near it that passes."""
        around = self._around
        return around is not None and line not in self.bare and not around.passes(line)

    def _sifted(self) -> Test:
        """What passes, and what has a mark: a loss is told under any filter."""
        index = self._index
        where = self._where()
        if self.context and self.filters:
            own = Where(index, (), self.hidden).test if self.hidden else index.starts
            self._around = Around(index, where, self.context, own)
            where = self._around.test

        def test(block: int) -> Sequence[int]:
            found, starts = where(block), index.starts(block)
            if not starts or not (marked := index.marked(starts[0], starts[-1] + 1)):
                return found
            known = set(found)
            self.bare |= {each for each in marked if each not in known}
            return sorted({*found, *marked})

        return test

    def renew(self) -> AllLines | Sieve:
        """The lines as they are to be shown from now on."""
        self.bare, self._around = set(), None
        if self.folds:
            fold = self.folding.test
            test = both(fold, self._sifted()) if self.hidden else fold
            self.lines = Sieve(self._index, test)
        elif self.is_sifted:
            self.lines = Sieve(self._index, self._sifted())
        else:
            self.lines = self._all
        return self.lines

    def matching(self, pattern: Pattern) -> Test:
        """The test for a search among them; what is folded is found too."""
        test = matching(self._index, pattern)
        return both(test, self._where()) if self.is_sifted else test

    def fold_at(self, lines: Sequence[int]) -> int | None:
        """The first of these lines that has a fold below it."""
        found = (line for line in lines if self.folding.below(line)[0] is not Fold.NOT)
        return next(found, None)

    def advance(self) -> None:
        """Count a bounded piece more of them."""
        if self.is_sifted and isinstance(self.lines, Sieve) and not self.lines.is_done:
            self.lines.advance()

    @property
    def is_done(self) -> bool:
        """Whether all of them are counted, where that has to be done."""
        return not (self.is_sifted and isinstance(self.lines, Sieve)) or self.lines.is_done

    @property
    def count(self) -> int | None:
        """How many there are; None while they are not counted."""
        if self.is_sifted and isinstance(self.lines, Sieve):
            return self._passing if self.lines.is_done else None
        return None if self._index.behind_bytes else self._index.line_count

    @property
    def _passing(self) -> int:
        total = self.lines.total if isinstance(self.lines, Sieve) else 0
        beside = 0 if self._around is None else self._around.beside_count
        return max(total - len(self.bare) - beside, 0)

    def words(self) -> str:
        """The filters, how many lines pass them, and how many logs are shown; empty: all is."""
        words = [each.text for each in self.filters]
        if self.hidden and isinstance(self._index, Merged):
            count = len(self._index.sources)
            words.append(f"{count - len(self.hidden)} of {count} logs")
        if self.filters and isinstance(self.lines, Sieve):
            words.append(f"{format_count(self._passing)}{'' if self.lines.is_done else '+'}")
            if self.context:
                words.append(f"{'±' if unicode_ok() else '+-'}{self.context}")
        return " ".join(words)
