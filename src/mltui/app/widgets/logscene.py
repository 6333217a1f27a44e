"""What a `LogPane` shows: one log, the page of it, what is searched for; without timers or keys.

The pane calls `step` when it is time to read on and `body` when it is time to paint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from mltui.app.widgets.logbody import SOURCE_ROLES, LineBody, Source, Times
from mltui.app.widgets.logfinding import Finding
from mltui.app.widgets.loghistogram import HistogramLine
from mltui.app.widgets.logpaint import LinePainter
from mltui.app.widgets.logselect import Selecting
from mltui.app.widgets.logshown import ShownLines
from mltui.app.widgets.logtitle import LogStatus, read_share
from mltui.app.widgets.logview import FollowStyle, LogView, Row
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.fields import fields_of
from mltui.logs.filters import Filter
from mltui.logs.fold import Fold
from mltui.logs.lines import Log
from mltui.logs.merge import Merged
from mltui.logs.profile import Profile, first_time, position_at
from mltui.logs.search import Pattern
from mltui.logs.sieve import AllLines, Sieve, Test
from mltui.logs.times import TimeReader

STEP_BYTES = 4 * 1024 * 1024
"""Counted in one step: some 5 ms of the event loop."""

_NARROW = 70
_CLOCK_CELLS = 14


class LogScene:
    """The log of *index*, seen through a page of a width and height that `resize` sets."""

    def __init__(
        self, index: Log, roles: RoleStyles, follow_style: FollowStyle, times: TimeReader
    ) -> None:
        self.index = index
        index.look()
        self._shown = ShownLines(index, times)
        self.finding = Finding(self)
        self.line_body = LineBody(times)
        self.painter = LinePainter(index, roles, self.line_body)
        self.painter.marks = index.marks
        self.line_body.received = index.received
        if isinstance(index, Merged):
            self.line_body.source_of = index.source_of
            self._name_sources(index)
        self.view = LogView(self._shown.lines, self.painter.rows_of)
        self.view.follow_style = follow_style
        self.histogram = HistogramLine(Profile(index, self.finding.errors, self.line_body.time_of))
        self.has_histogram = False
        self.times_chosen = False
        """The person said how times are written."""
        self.rows: list[Row] = []
        """What `body` painted last."""
        self.selecting = Selecting(self)
        self._generation = index.generation
        self._was_open = False
        """The last line of before the last `grow` had no newline."""
        self._show_lines()

    def take_over(self, old: LogScene) -> None:
        """Show this log as the person had another one shown."""
        self.set_wrap(old.painter.wrap)
        self.set_folding(old.is_folding)
        self.line_body.fields = old.line_body.fields
        self.line_body.columns = old.line_body.columns
        self.finding.highlight(old.finding.highlights)
        if old.times_chosen:
            self.set_times(old.line_body.times)

    def _name_sources(self, merged: Merged) -> None:
        """A name and a colour for each of several logs."""
        if len(self.line_body.sources) != len(merged.sources):
            self.line_body.sources = [
                Source(each.label, SOURCE_ROLES[number % len(SOURCE_ROLES)])
                for number, each in enumerate(merged.sources)
            ]
            self.painter.clear()

    # what is shown of the log

    @property
    def shown(self) -> AllLines | Sieve:
        """The lines that are shown, one from another."""
        return self._shown.lines

    @property
    def filters(self) -> tuple[Filter, ...]:
        """What each shown line passes."""
        return self._shown.filters

    @property
    def hidden(self) -> frozenset[int]:
        """Numbers of the logs, of several, that are not shown."""
        return self._shown.hidden

    @property
    def is_folding(self) -> bool:
        """Traces and repeated lines are to be folded."""
        return self._shown.is_folding

    def _show_lines(self) -> None:
        shown = self._shown.renew()
        self.painter.below = self._shown.below
        self.painter.bare = self._shown.bare
        self.painter.is_beside = self._shown.is_beside
        self.painter.clear()
        self.view.show_others(shown)

    def _sift(self) -> None:
        self._show_lines()
        self.finding.begin_again()

    def set_filters(self, filters: Sequence[Filter]) -> None:
        """Show only lines that pass all of these; searches look among them."""
        self._shown.filters = tuple(filters)
        self._sift()

    @property
    def context(self) -> int:
        """So many lines around each that passes are shown, too."""
        return self._shown.context

    def set_context(self, lines: int) -> None:
        """Show so many lines around each that passes."""
        self._shown.context = lines
        self._show_lines()

    @property
    def is_sifted(self) -> bool:
        """Some lines are left out for what they say or whose they are."""
        return self._shown.is_sifted

    def matching(self, pattern: Pattern) -> Test:
        """The test for a search among the lines that pass."""
        return self._shown.matching(pattern)

    def hide(self, sources: frozenset[int]) -> None:
        """Show no lines of these logs, of several."""
        self._shown.hidden = sources
        self._sift()

    def set_folding(self, fold: bool) -> None:
        """Fold traces and repeated lines, or show them all."""
        self._shown.is_folding = fold
        self._shown.folding.unfolded.clear()
        self.painter.opened.clear()
        self.painter.opens_all = not fold
        self._show_lines()

    def toggle_fold(self, line: int) -> bool:
        """Unfold what is below *line* or fold it again; False if nothing is."""
        if self._is_deep(line):
            self.painter.opened ^= {line}
            self.relayout()
            return True
        if not self._shown.folds:
            return False
        self._shown.folding.toggle(line)
        self._show_lines()
        return True

    def reveal(self, line: int) -> int:
        """Show a line that may be folded away; where that leads."""
        if not self._shown.folds:
            return line
        unfolded = len(self._shown.folding.unfolded)
        place = self._shown.folding.reveal(line)
        if len(self._shown.folding.unfolded) != unfolded:
            self._show_lines()
        return place

    def after_repeats(self, line: int) -> int:
        """Where a search goes on after *line*: what says the same is one step."""
        if self._shown.below is not None and self._shown.below(line)[0] is Fold.AGAIN:
            return self.shown.first_from(line + 1) or line + 1
        return line + 1

    def has_fold(self, line: int) -> bool:
        """Whether something is folded below *line*."""
        if self._is_deep(line):
            return True
        return self._shown.below is not None and self._shown.below(line)[0] is Fold.FRAME

    def _is_deep(self, line: int) -> bool:
        return not self.painter.opens_all and self.painter.is_deep(line)

    def foldable(self) -> int | None:
        """The first line on the page from the current one on that has a fold below it."""
        first = self.painter.current or 0
        lines = list(dict.fromkeys(row.line for row in self.rows))
        lines = [each for each in lines if each >= first] or lines
        return next(
            (x for x in lines if self._is_deep(x) or self._shown.fold_at([x]) is not None),
            None,
        )

    def resize(self, width: int, height: int, base: Style) -> None:
        """The page is *width* by *height* cells and its text looks like *base*."""
        self.painter.width, self.painter.base = width, base
        if not self.times_chosen:  # a stamp as it is written takes half of a narrow page
            narrow = width < _NARROW and self.line_body.stamp_width(self.index) > _CLOCK_CELLS
            self.line_body.times = Times.CLOCK if narrow else Times.WRITTEN
        self.painter.clear()
        self.view.resize(height)

    def relayout(self) -> None:
        """Lines read otherwise, or take other rows."""
        self.painter.clear()
        self.view.settle()

    def set_wrap(self, wrap: bool) -> None:
        """Wrap long lines, or show what is right of the left edge."""
        self.painter.wrap, self.painter.left = wrap, 0
        self.relayout()

    def set_times(self, times: Times) -> None:
        """Write times as they are, or in a column of their own."""
        self.times_chosen = True
        self.line_body.times = times
        self._begins_at()
        self.relayout()

    def set_fields(self, fields: bool) -> None:
        """Show objects as fields, or as they were written."""
        self.line_body.fields = fields
        self.relayout()

    def set_columns(self, columns: Sequence[str]) -> None:
        """Show these fields of objects, in this order; of none given all."""
        self.line_body.columns = tuple(columns)
        if columns:
            self.line_body.fields = True
        self.relayout()

    @property
    def are_fields(self) -> bool:
        """Whether objects on the page are shown as fields."""
        lines = dict.fromkeys(row.line for row in self.rows)
        return any(map(self.line_body.shows_fields, self.index.read(list(lines))))

    def field_names(self) -> list[str]:
        """Fields of the lines on the page, those of most lines first."""
        lines = list(dict.fromkeys(row.line for row in self.rows))
        found = Counter(
            name
            for raw in self.index.read(lines)
            for name in fields_of(raw) or ()
            if " " not in name
        )
        return [name for name, _ in found.most_common()]

    @property
    def has_heading(self) -> bool:
        """Fields are columns, whose names stand above the page."""
        return bool(self.line_body.fields and self.line_body.columns)

    def _begins_at(self) -> float | None:
        body = self.line_body
        if body.begun_at is None:
            body.begun_at = first_time(self.index, body.time_of)
        return body.begun_at

    def sideways(self, cells: int) -> None:
        """Move over lines that are longer than the page; nothing while they wrap."""
        painter = self.painter
        if not painter.wrap:
            longest = max((painter.length(row.line) for row in self.rows), default=0)
            left = max(min(painter.left + cells, longest - painter.width), 0)
            if left != painter.left:
                painter.left = left
                painter.clear()

    # reading and searching

    @property
    def is_busy(self) -> bool:
        """Whether `step` has more to do without the file changing."""
        return self.is_urgent or self._is_profiling

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for what `step` does: all but the bars of the histogram."""
        return self.finding.is_busy or self._is_reading

    @property
    def _is_reading(self) -> bool:
        return self.index.behind_bytes > 0 or self.view.is_unsettled or not self._shown.is_done

    @property
    def _is_profiling(self) -> bool:
        return self.has_histogram and not self.histogram.profile.is_done

    def step(self) -> tuple[int, bool]:
        """Read and search a bounded piece: how many lines came, whether a hit was gone to.

        What came is on the page after `grow`.
        """
        index = self.index
        before = index.line_count
        self._was_open = self._was_open or index.is_open_ended
        index.refresh(STEP_BYTES)
        if isinstance(index, Merged):
            self._name_sources(index)
        if index.generation != self._generation:
            self._generation = index.generation
            self.painter.clear()
            self.painter.current = None
            self.selecting.end()
            self._shown.folding.unfolded.clear()
            self.painter.opened.clear()
            self.view.restart()
            before = 0
        self._shown.advance()
        if self.view.is_unsettled:
            self.view.settle()
        went = self.finding.step()
        if self._is_profiling and not self.finding.is_busy:
            self.histogram.profile.advance()
        return index.line_count - before, went

    def grow(self) -> None:
        """Have the page know what came. Dear where lines are folded, so: when it is painted."""
        index, view = self.index, self.view
        if index.end != view.end and view.end and (self._was_open or self._shown.folds):
            # the last one of before may go on, or have more folded below it
            self.painter.forget_from(self.rows[-1].line if self.rows else 0)
        self._was_open = False
        view.grow(index.end, self._shown.count)

    def go_to_line(self, number: int) -> None:
        """Have line *number* (from 0) on top, or the last that is counted yet."""
        last = self.index.line_count - 1
        number = max(min(number, last), 0)
        self.view.go(self.index.position(number) if last >= 0 else 0)

    def go_to_time(self, at: float) -> bool:
        """Have the first line of that time on top; False where lines have no times."""
        place = position_at(self.index, self.line_body.time_of, at)
        if place is None:
            return False
        self.view.set_follow(False)
        self.view.go(place)
        self.finding.mark(place)
        return True

    # what is shown

    def status(self) -> LogStatus:
        """What is shown, as of the last `body`."""
        view, index, rows = self.view, self.index, self.rows
        last = index.number(rows[-1].line) if rows else None
        first = index.number(rows[0].line) if rows else None
        return LogStatus(
            following=view.follow,
            wrapped=self.painter.wrap,
            line_count=index.line_count,
            waiting_lines=view.waiting_lines,
            first_line=0 if first is None else first + 1,
            last_line=0 if last is None else last + 1,
            read_share=read_share(index),
            search=self.finding.words(),
            counted=self._shown.is_done and not self.finding.is_busy,
            errors=self.finding.error_count,
            notice=index.notice,
            filter=self._shown.words(),
            selecting=self.selecting.is_on,
        )

    def look(self) -> None:
        """Find out which rows are on the page now."""
        self.rows = self.view.rows()

    def body(self, selection: Selection | None) -> list[Strip]:
        """The rows on the page as strips of the page's width."""
        painter = self.painter
        painter.prefetch(list(dict.fromkeys(row.line for row in self.rows)))
        strips = []
        for line, part in self.rows:
            rows = painter.rows(line, selection)
            strips.append(rows[min(part, len(rows) - 1)])
        return strips

    def offset(self, row: Row) -> int:
        """Cells of its line that are left of *row*."""
        painter = self.painter
        own = row.part - painter.mark_rows(row.line)
        return max(own, 0) * painter.width if painter.wrap else painter.left
