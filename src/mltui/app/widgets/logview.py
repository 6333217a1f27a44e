"""Which rows of a log are on the page, and what following does to that: no screen, no text.

`LogPane` owns one and asks it after each key and each growth of the file. A position is a line
and, where lines wrap, a row of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Literal, NamedTuple

from mltui.logs.search import Pattern, Search

FollowStyle = Literal["page", "scroll"]

KEPT_ROWS = 5
"""Rows of the old page that a new page repeats on top, so that reading isn't cut."""


class Row(NamedTuple):
    """One row of the screen: row *part* of line *line* (0 unless it wraps)."""

    line: int
    part: int


class LogView:
    """A page of *height* rows over *line_count* lines; *rows_of* gives the rows of one line."""

    def __init__(self, rows_of: Callable[[int], int]) -> None:
        self.rows_of = rows_of
        self.top = Row(0, 0)
        self.height = 0
        self.line_count = 0
        self.follow = True
        self.follow_style: FollowStyle = "page"
        self.seen_lines = 0
        """Lines there were when following was left; what came since is waiting."""

    @property
    def waiting_lines(self) -> int:
        """Lines that came since following was left."""
        return 0 if self.follow else max(self.line_count - self.seen_lines, 0)

    def rows(self) -> list[Row]:
        """What is on the page, top to bottom; shorter than the page at the log's end."""
        found: list[Row] = []
        line, part = self.top
        while line < self.line_count and len(found) < self.height:
            parts = self.rows_of(line)
            while part < parts and len(found) < self.height:
                found.append(Row(line, part))
                part += 1
            line, part = line + 1, 0
        return found

    def restart(self) -> None:
        """The log began anew."""
        self.top = Row(0, 0)
        self.line_count = self.seen_lines = 0

    def resize(self, height: int) -> None:
        """The page has *height* rows now, or lines wrap otherwise."""
        self.height = max(height, 0)
        if self.follow:
            self.top = self._last_top()
        else:
            parts = self.rows_of(self.top.line) if self.top.line < self.line_count else 1
            self.top = Row(self.top.line, min(self.top.part, parts - 1))

    def grow(self, line_count: int) -> None:
        """The log has *line_count* lines now, and its last one may have grown.

        Following page-wise, rows are added below until the page is full; then a new page begins
        with the last rows of the old one on top. What came in a burst is shown as its last page.
        """
        before = self.line_count
        page = self.rows() if self.follow and self.follow_style == "page" else []
        self.line_count = line_count
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
            self.seen_lines = self.line_count

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
        self.top = min(Row(min(max(line, 0), max(self.line_count - 1, 0)), 0), self._last_top())

    def _last_top(self) -> Row:
        """The top of the page that has the log's end at its bottom."""
        return self._back(Row(self.line_count, 0), self.height)

    def _back(self, start: Row, rows: int) -> Row:
        line, part = start
        while rows > 0:
            if part > 0:
                step = min(part, rows)
                part -= step
                rows -= step
            elif line == 0:
                break
            else:
                line -= 1
                part = self.rows_of(line)
        return Row(line, part)

    def _forward(self, start: Row, rows: int) -> Row:
        line, part = start
        while rows > 0 and line < self.line_count:
            left = self.rows_of(line) - part
            if rows < left:
                return Row(line, part + rows)
            rows -= left
            line, part = line + 1, 0
        return Row(line, part)


class Finder:
    """A search that is asked to go to the next or previous hit and answers when it knows."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.current: int | None = None
        """The hit that was gone to last."""
        self.wrapped = False
        """Whether that went over the log's end or beginning."""
        self._want: tuple[bool, int] | None = None

    @property
    def pattern(self) -> Pattern:
        """What is searched for."""
        return self.search.pattern

    @property
    def is_busy(self) -> bool:
        """Whether `step` has something to do."""
        return self._want is not None or not self.search.is_done

    @property
    def ordinal(self) -> int:
        """Which hit the current one is, from 1; 0 if none."""
        if self.current is None:
            return 0
        return bisect_left(self.search.found, self.current) + 1

    def ask(self, forward: bool, line: int) -> None:
        """Go to the first hit at or after *line*, or the last one before it."""
        self._want = (forward, line)

    def step(self, limit_bytes: int) -> int | None:
        """Search a little more; the line to go to once it is known."""
        search = self.search
        search.advance(limit_bytes)
        if self._want is None:
            return None
        forward, line = self._want
        found = search.found
        place = bisect_left(found, line)
        if not forward:
            place -= 1
            if place >= 0 and (search.searched_lines < line and not search.is_done):
                return None
        wrapped = not 0 <= place < len(found)
        if wrapped:
            if not search.is_done:
                return None
            self._want = None
            if not found:
                return None
            place = 0 if forward else len(found) - 1
        self._want, self.wrapped = None, wrapped
        self.current = found[place]
        return self.current
