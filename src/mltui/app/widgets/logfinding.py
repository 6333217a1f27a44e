"""Searches in one log: a pattern, the lines that say error, and words that stand out anywhere.

`LogScene` owns one. Keys and what is typed ask it, and the pane has it look on in bounded steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mltui.app.widgets.logview import Finder
from mltui.logs.fields import inside_object
from mltui.logs.search import ERROR_LINES, Pattern, compile_pattern, matching
from mltui.logs.sieve import Sieve
from mltui.text import format_count

if TYPE_CHECKING:
    from mltui.app.widgets.logscene import LogScene

HIGHLIGHT_ROLES = ("highlight-1", "highlight-2", "highlight-3", "highlight-4")
"""Looks of words that stand out, given in turn."""


class Finding:
    """The searches of one scene; nothing is looked for at first."""

    def __init__(self, scene: LogScene) -> None:
        self._scene = scene
        self.errors = Sieve(scene.index, matching(scene.index, ERROR_LINES))
        """Every line that says error: the histogram counts them too."""
        self.highlights: tuple[Pattern, ...] = ()
        """Words that stand out, each in a look of its own."""
        self._error_count = 0
        self._finder: Finder | None = None
        self._errors: Finder | None = None

    @property
    def pattern(self) -> str:
        """What is searched for."""
        return self._finder.pattern.source if self._finder is not None else ""

    @property
    def error_count(self) -> int:
        """Lines that say error, as of when all were tested last."""
        if self.errors.is_done:
            self._error_count = self.errors.total
        return self._error_count

    @property
    def is_busy(self) -> bool:
        """Whether `step` has something to do."""
        finders = (self._finder, self._errors)
        return any(finder is not None and finder.is_busy for finder in finders)

    def step(self) -> bool:
        """Search a bounded piece; whether a hit was gone to."""
        scene, went = self._scene, False
        for finder in (self._finder, self._errors):
            line = finder.step() if finder is not None and finder.is_busy else None
            if finder is not None and line is not None:
                finder.current = line = scene.reveal(line)
                scene.view.set_follow(False)
                self.mark(line)
                scene.view.show(line)
                went = True
        return went

    def search(self, pattern: str) -> None:
        """Look for *pattern* from the page's top on. PatternError changes nothing."""
        compiled = compile_pattern(pattern)
        if self._scene.line_body.fields is not False and (inside := inside_object(pattern)):
            compiled = replace(compile_pattern(f"{pattern}|{inside}"), source=pattern)
        self._finder, self._errors = self._finder_of(compiled), None
        self.mark(None)
        self._finder.ask(True, self._scene.view.top.line)

    def clear(self) -> None:
        """Look for nothing."""
        self._finder = self._errors = None
        self.mark(None)

    def highlight(self, patterns: Sequence[Pattern]) -> None:
        """Have what matches these stand out wherever it is."""
        self.highlights = tuple(patterns)
        self.mark(self._scene.painter.current)

    def begin_again(self) -> None:
        """Other lines are shown now: what is searched for is searched among those."""
        if self._finder is not None:
            self._finder = self._finder_of(self._finder.pattern)
        self._errors = None
        self.mark(None)

    def next_match(self, forward: bool) -> bool:
        """Look for the next or previous hit of the search; False if nothing is searched for."""
        if self._finder is not None:
            self._ask(self._finder, forward)
        return self._finder is not None

    def next_error(self, forward: bool = True) -> None:
        """Look for the next line that says error, or the one before."""
        if self._errors is None:
            self._errors = self._finder_of(ERROR_LINES)
        self._ask(self._errors, forward)

    def _finder_of(self, pattern: Pattern) -> Finder:
        scene = self._scene
        if pattern is ERROR_LINES and not scene.is_sifted:
            return Finder(self.errors, pattern)
        return Finder(Sieve(scene.index, scene.matching(pattern)), pattern)

    def _ask(self, finder: Finder, forward: bool) -> None:
        """From the hit that stands out, if the person still looks at it; else from the page."""
        scene = self._scene
        current, page = scene.painter.current, scene.view.rows()
        if current is None or not page or not page[0].line <= current <= page[-1].line:
            finder.ask(forward, scene.view.top.line)
        else:
            finder.ask(forward, scene.after_repeats(current) if forward else current)

    def mark(self, current: int | None) -> None:
        """Have the matches stand out, those in the line at *current* most."""
        painter = self._scene.painter
        wanted = [
            each.pattern.regex
            for each in self._scene.filters
            if each.pattern and not each.is_inverse
        ]
        if self._finder is not None:
            wanted.append(self._finder.pattern.regex)
        patterns: list[tuple[re.Pattern[bytes], str]] = [(each, "match") for each in wanted]
        for number, each in enumerate(self.highlights):
            patterns.append((each.regex, HIGHLIGHT_ROLES[number % len(HIGHLIGHT_ROLES)]))
        if tuple(patterns) != painter.patterns:
            painter.patterns = tuple(patterns)
            painter.clear()
        for line in (painter.current, current):
            if line is not None:
                painter.forget(line)
        painter.current = current

    def words(self) -> str:
        """The searches as `/loss 3/214  errors 2/12`; a count that still grows ends in `+`."""
        words = []
        for finder, name in ((self._finder, "/{}"), (self._errors, "errors")):
            if finder is None:
                continue
            found = format_count(finder.sieve.total)
            found += "" if finder.sieve.is_done else "+"
            place = f"{format_count(finder.ordinal)}/" if finder.ordinal else ""
            words.append(f"{name.format(finder.pattern.source)} {place}{found}")
        return "  ".join(words)
