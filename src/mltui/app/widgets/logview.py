"""Which rows of a log are on the page, and what following does to that: no screen, no text.

`LogPane` owns one and asks it after each key and each growth of the file. A place is the position
of a line (`logs.lines`) and, where lines wrap, a row of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from mltui.logs.search import Pattern
from mltui.logs.sieve import Sieve

FollowStyle = Literal["page", "scroll"]

KEPT_ROWS = 5
"""Rows of the old page that a new page repeats on top, so that reading isn't cut."""


class Row(NamedTuple):
    """One row of the screen: row *part* of the line at *line* (0 unless it wraps)."""

    line: int
    part: int


class Neighbours(Protocol):
    """The lines that are shown, one from another."""

    @property
    def is_stuck(self) -> bool:
        """The last question could not be answered yet: ask again."""
        ...

    def first_from(self, position: int) -> int | None:
        """The first line at or after *position*."""
        ...

    def last_before(self, position: int) -> int | None:
        """The last line before *position*."""
        ...


class LogView:
    """A page of *height* rows over *shown* lines; *rows_of* gives the rows of one line."""

    def __init__(self, shown: Neighbours, rows_of: Callable[[int], int]) -> None:
        self.shown = shown
        self.rows_of = rows_of
        self.top = Row(0, 0)
        self.height = 0
        self.end = 0
        """Past the last line."""
        self.line_count: int | None = None
        """Lines there are; None while they are not all counted."""
        self.follow = True
        self.follow_style: FollowStyle = "page"
        self.is_unsettled = False
        """Lines that should be on the page are not found yet: `settle` goes on looking."""
        self._seen_lines: int | None = None

    @property
    def waiting_lines(self) -> int:
        """Lines that came since following was left."""
        if self.follow or self.line_count is None or self._seen_lines is None:
            return 0
        return max(self.line_count - self._seen_lines, 0)

    def has_seen_all(self) -> None:
        """None of the lines that are there are waiting."""
        self._seen_lines = None

    def rows(self) -> list[Row]:
        """What is on the page, top to bottom; shorter than the page at the log's end."""
        found: list[Row] = []
        line = self.shown.first_from(self.top.line)
        part = self.top.part if line == self.top.line else 0
        while line is not None and len(found) < self.height:
            parts = self.rows_of(line)
            while part < parts and len(found) < self.height:
                found.append(Row(line, part))
                part += 1
            line, part = self.shown.first_from(line + 1), 0
        self.is_unsettled = self.is_unsettled or (line is None and self.shown.is_stuck)
        return found

    def restart(self) -> None:
        """The log began anew."""
        self.top = Row(0, 0)
        self.end = 0
        self.line_count = self._seen_lines = None

    def show_others(self, shown: Neighbours) -> None:
        """Other lines of the log are shown, about the same place."""
        self.shown = shown
        self.line_count = self._seen_lines = None
        self.settle()

    def resize(self, height: int) -> None:
        """The page has *height* rows now, or lines wrap otherwise."""
        self.height = max(height, 0)
        self.settle()

    def settle(self) -> None:
        """Find the page's top again: rows of lines, or which are shown, are different."""
        self.is_unsettled = False
        if self.follow:
            self.top = self._last_top()
            return
        line = self.shown.first_from(self.top.line)
        if line != self.top.line or line is None:
            last = self._last_top()
            self.top = last if line is None else min(Row(line, 0), last)
        else:
            self.top = Row(line, min(self.top.part, self.rows_of(line) - 1))

    def grow(self, end: int, line_count: int | None = None) -> None:
        """The log ends at *end* now, and its last line may have grown.

        Following page-wise, rows are added below until the page is full; then a new page begins
        with the last rows of the old one on top. What came in a burst is shown as its last page.
        """
        before = self.end
        page = self.rows() if self.follow and self.follow_style == "page" else []
        self.end, self.line_count = end, line_count
        if not self.follow and self._seen_lines is None:
            self._seen_lines = line_count
        if not self.follow or not self.height:
            return
        last = self._last_top()
        if self.follow_style == "scroll" or before == 0 or last <= self.top:
            self.top = max(last, self.top) if self.follow_style == "page" else last
            return
        kept = min(KEPT_ROWS, self.height // 3)
        turned = page[-kept] if kept and len(page) >= kept else last
        self.top = turned if last <= turned else last

    def set_follow(self, follow: bool) -> None:
        """Follow the end (and show it), or stay."""
        if follow:
            self.follow = True
            self.top = self._last_top()
        elif self.follow:
            self.follow = False
            self._seen_lines = self.line_count

    def scroll(self, rows: int) -> None:
        """Move by *rows*, not past the last page."""
        if rows < 0:
            self.top = self._back(self.top, -rows)
        else:
            self.top = max(min(self._forward(self.top, rows), self._last_top()), self.top)

    def show(self, line: int) -> None:
        """Have *line* on the page: as it is if it is there already, else a third from the top."""
        rows = self.rows()
        if rows and Row(line, 0) >= rows[0] and Row(line, 0) <= rows[-1]:
            return
        self.top = min(self._back(Row(line, 0), self.height // 3), self._last_top())

    def go(self, line: int) -> None:
        """Have *line* on top, or as near as the last page allows."""
        found = self.shown.first_from(max(line, 0))
        last = self._last_top()
        self.top = last if found is None else min(Row(found, 0), last)

    def _last_top(self) -> Row:
        """The top of the page that has the log's end at its bottom."""
        return self._back(Row(self.end, 0), self.height)

    def _back(self, start: Row, rows: int) -> Row:
        line, part = start
        while rows > 0:
            if part > 0:
                step = min(part, rows)
                part -= step
                rows -= step
                continue
            before = self.shown.last_before(line)
            if before is None:
                self.is_unsettled = self.is_unsettled or self.shown.is_stuck
                break
            line, part = before, self.rows_of(before)
        return Row(line, part)

    def _forward(self, start: Row, rows: int) -> Row:
        line, part = start
        while rows > 0:
            left = self.rows_of(line) - part
            if rows < left:
                return Row(line, part + rows)
            after = self.shown.first_from(line + 1)
            if after is None:
                self.is_unsettled = self.is_unsettled or self.shown.is_stuck
                break
            rows -= left
            line, part = after, 0
        return Row(line, part)


class Finder:
    """A search that is asked to go to the next or previous hit and answers when it knows."""

    def __init__(self, sieve: Sieve, pattern: Pattern) -> None:
        self.sieve = sieve
        self.pattern = pattern
        self.current: int | None = None
        """The hit that was gone to last."""
        self.wrapped = False
        """Whether that went over the log's end or beginning."""
        self._want: tuple[bool, int] | None = None
        self._has_turned = False

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._want is not None

    @property
    def is_busy(self) -> bool:
        """Whether `step` has something to do."""
        return self._want is not None or not self.sieve.is_done

    @property
    def ordinal(self) -> int:
        """Which hit the current one is, from 1; 0 if none, or if it isn't known yet."""
        return 0 if self.current is None else self.sieve.ordinal(self.current) or 0

    def ask(self, forward: bool, line: int) -> None:
        """Go to the first hit at or after *line*, or the last one before it."""
        self._want, self._has_turned = (forward, line), False

    def step(self) -> int | None:
        """Search a little more; the line to go to once it is known."""
        sieve = self.sieve
        if self._want is None:
            sieve.advance()
            return None
        forward, line = self._want
        found = sieve.first_from(line) if forward else sieve.last_before(line)
        if found is None and not sieve.is_stuck and not self._has_turned:
            self._has_turned = True
            self._want = (forward, 0 if forward else sieve.lines.end)
            found = sieve.first_from(0) if forward else sieve.last_before(sieve.lines.end)
        if found is None and sieve.is_stuck:
            return None
        self._want = None
        if found is not None:
            self.current, self.wrapped = found, self._has_turned
        return found
