"""What a `LogPane` shows: one log, the page of it, what is searched for; without timers or keys.

The pane calls `step` when it is time to read on and `body` when it is time to paint.
"""

from __future__ import annotations

from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from mltui.app.widgets.logpaint import LinePainter
from mltui.app.widgets.logtitle import LogStatus
from mltui.app.widgets.logview import Finder, FollowStyle, LogView, Row
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.index import LogIndex
from mltui.logs.sanitize import plain
from mltui.logs.search import ERROR_LINES, Pattern, compile_pattern, matching
from mltui.logs.sieve import AllLines, Sieve
from mltui.text import format_count

STEP_BYTES = 4 * 1024 * 1024
"""Counted in one step: some 5 ms of the event loop."""

_COPY_LINES = 10_000


class LogScene:
    """The log of *index*, seen through a page of a width and height that `resize` sets."""

    def __init__(self, index: LogIndex, roles: RoleStyles, follow_style: FollowStyle) -> None:
        self.index = index
        index.look()
        self.shown: AllLines | Sieve = AllLines(index)
        self.view = LogView(self.shown, self._rows_of)
        self.view.follow_style = follow_style
        self.painter = LinePainter(index, roles)
        self.rows: list[Row] = []
        """What `body` painted last."""
        self.left = 0
        """Cells that the page is moved to the right, where lines don't wrap."""
        self.wrap = False
        self._width = 0
        self._generation = index.generation
        self._finder: Finder | None = None
        self._errors: Finder | None = None

    def _rows_of(self, line: int) -> int:
        return self.painter.rows_of(line, self._width) if self.wrap else 1

    def resize(self, width: int, height: int, base: Style) -> None:
        """The page is *width* by *height* cells and its text looks like *base*."""
        self._width = width
        self.painter.base = base
        self.painter.clear()
        self.view.resize(height)

    def set_wrap(self, wrap: bool) -> None:
        """Wrap long lines, or show what is right of `left`."""
        self.wrap, self.left = wrap, 0
        self.view.resize(self.view.height)

    def sideways(self, cells: int) -> None:
        """Move over lines that are longer than the page; nothing while they wrap."""
        if not self.wrap:
            longest = max(
                (self.painter.strip(row.line).cell_length for row in self.rows), default=0
            )
            self.left = max(min(self.left + cells, longest - self._width), 0)

    # reading and searching

    @property
    def is_busy(self) -> bool:
        """Whether `step` has more to do without the file changing."""
        finders = (self._finder, self._errors)
        return self.index.behind_bytes > 0 or any(
            finder is not None and finder.is_busy for finder in finders
        )

    def step(self) -> tuple[int, bool]:
        """Read and search a bounded piece: how many lines came, whether a hit was gone to."""
        index, view = self.index, self.view
        before, was_open = index.line_count, index.is_open_ended
        index.refresh(STEP_BYTES)
        if index.generation != self._generation:
            self._generation = index.generation
            self.painter.clear()
            self.painter.current = None
            view.restart()
            before = 0
        elif was_open and index.line_count:
            self.painter.forget_from(index.position(before - 1))
        view.grow(index.end, None if index.behind_bytes else index.line_count)
        went = False
        for finder in (self._finder, self._errors):
            line = finder.step() if finder is not None and finder.is_busy else None
            if line is not None:
                view.set_follow(False)
                self._mark(line)
                view.show(line)
                went = True
        return index.line_count - before, went

    def search(self, pattern: str) -> None:
        """Look for *pattern* from the page's top on. PatternError changes nothing."""
        self._finder, self._errors = self._finder_of(compile_pattern(pattern)), None
        self._mark(None)
        self._finder.ask(True, self.view.top.line)

    def _finder_of(self, pattern: Pattern) -> Finder:
        return Finder(Sieve(self.index, matching(self.index, pattern)), pattern)

    def go_to_line(self, number: int) -> None:
        """Have line *number* (from 0) on top, or the last that is counted yet."""
        last = self.index.line_count - 1
        number = max(min(number, last), 0)
        self.view.go(self.index.position(number) if last >= 0 else 0)

    def clear_search(self) -> None:
        """Look for nothing."""
        self._finder = self._errors = None
        self._mark(None)

    def next_match(self, forward: bool) -> None:
        """Look for the next or previous hit of the search, if there is one."""
        if self._finder is not None:
            self._ask(self._finder, forward)

    def next_error(self) -> None:
        """Look for the next line that says error."""
        if self._errors is None:
            self._errors = self._finder_of(ERROR_LINES)
        self._ask(self._errors, True)

    def _ask(self, finder: Finder, forward: bool) -> None:
        current = self.painter.current
        if current is None:
            finder.ask(forward, self.view.top.line)
        else:
            finder.ask(forward, current + 1 if forward else current)

    def _mark(self, current: int | None) -> None:
        painter = self.painter
        pattern = None if self._finder is None else self._finder.pattern.regex
        if pattern is not painter.pattern:
            painter.pattern = pattern
            painter.clear()
        for line in (painter.current, current):
            if line is not None:
                painter.forget(line)
        painter.current = current

    def search_words(self) -> str:
        """The searches as `/loss 3/214  errors 2/12`; a count that still grows ends in `+`."""
        words = []
        for finder, name in ((self._finder, "/{}"), (self._errors, "errors")):
            if finder is None:
                continue
            found = format_count(finder.sieve.total)
            more = "" if finder.sieve.is_done else "+"
            place = f"{format_count(finder.ordinal)}/" if finder.ordinal else ""
            words.append(f"{name.format(finder.pattern.source)} {place}{found}{more}")
        return "  ".join(words)

    # what is shown

    def status(self) -> LogStatus:
        """What is shown, as of the last `body`."""
        view, index, rows = self.view, self.index, self.rows
        last = index.number(rows[-1].line) if rows else None
        first = index.number(rows[0].line) if rows else None
        return LogStatus(
            following=view.follow,
            wrapped=self.wrap,
            line_count=index.line_count,
            waiting_lines=view.waiting_lines,
            first_line=0 if first is None else first + 1,
            last_line=0 if last is None else last + 1,
            read_share=1 - index.behind_bytes / index.end if index.end else 1.0,
            search=self.search_words(),
            notice=index.notice,
        )

    def look(self) -> None:
        """Find out which rows are on the page now."""
        self.rows = self.view.rows()

    def body(self, base: Style, cursor: Style, selection: Selection | None) -> list[Strip]:
        """The rows on the page as strips of the page's width."""
        rows, width, painter = self.rows, self._width, self.painter
        painter.prefetch(list(dict.fromkeys(row.line for row in rows)))
        strips = []
        for row in rows:
            left = self.offset(row)
            style = cursor if row.line == painter.current else base
            strip = painter.strip(row.line, selection)
            strips.append(strip.crop(left, left + width).extend_cell_length(width, style))
        return strips

    def offset(self, row: Row) -> int:
        """Cells of its line that are left of *row*."""
        return row.part * self._width if self.wrap else self.left

    def text(self, first: int, last: int) -> str:
        """Shown lines from *first* to *last* (left out), safe, without colours, ten thousand."""
        found: list[int] = []
        line = self.shown.first_from(first)
        while line is not None and line < last and len(found) < _COPY_LINES:
            found.append(line)
            line = self.shown.first_from(line + 1)
        return "\n".join(plain(raw) for raw in self.index.read(found))

    def selected_text(self, selection: Selection) -> str:
        """What *selection* covers, at most its first ten thousand lines."""
        first = 0 if selection.start is None else selection.start.y
        last = self.index.end if selection.end is None else selection.end.y
        lines = self.text(first, last + 1).split("\n")
        if selection.end is not None and len(lines) < _COPY_LINES:
            lines[-1] = lines[-1][: selection.end.x]
        if selection.start is not None:
            lines[0] = lines[0][selection.start.x :]
        return "\n".join(lines)
