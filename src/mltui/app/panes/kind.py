"""A list of any kind, in place of the pipeline; over it, a page or the log of one of its things.

Made from the kind's declaration. A `live.Table` says what changed, and only those lines are painted
again; nothing is scheduled while nothing changes but a slow clock for the ages on screen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from mltui.app.lineview import LineView
from mltui.app.look import Look, arranged
from mltui.app.present.kind import columns
from mltui.app.present.line import Line, line
from mltui.app.widgets.grid import Grid
from mltui.live.cells import NOTHING, plain
from mltui.live.kind import Kind
from mltui.live.matching import matcher
from mltui.live.table import Changes, Table
from mltui.text.format import format_age
from mltui.text.glyphs import unicode_ok

if TYPE_CHECKING:
    from mltui.app.widgets.logpane import LogPane
    from mltui.logs.lines import Log

_WRONG = ("state-failed", "state-warning", "state-unknown")
"""Roles of what needs a person, the worst first."""
TICKS_S = ((10.0, 1.0), (60.0, 5.0))
CALM_S = 15.0
LATE_S = 5.0
"""A first list that takes so long is said to, each second: the server lives but is slow."""
"""How often ages are looked at: by the youngest on screen, and where none is told in seconds."""
CONFIRM_S = 2.0
"""An event that confirms what was done comes within this, or there is none to come."""


class KindGrid(Grid[Any]):
    """A grid that says which rows are on the page, and moves over the columns of a wide list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "columns(-1)", "Columns before", show=False, id="grid.columns_before"),
        Binding("right", "columns(1)", "Columns after", show=False, id="grid.columns_after"),
    ]
    moved: Callable[[int], None] = lambda step: None

    def action_columns(self, step: int) -> None:
        """Move over the columns that have no room."""
        self.moved(step)

    class Paged(Grid.Said):
        """Other rows are on the page."""

    page: tuple[object, ...] = ()
    """Keys on it when that was last said."""

    def _sync(self) -> None:
        super()._sync()
        page = tuple(self.model.page)
        if page != self.page:
            self.page = page
            self.post_message(self.Paged(self))


class KindPane(Vertical):
    """The list, the page and the log; one of them is shown."""

    def __init__(self) -> None:
        super().__init__(id="kind")
        self.grid = KindGrid(id="kindgrid")
        self.page = LineView(id="kindpage")
        self._log: LogPane | None = None
        self.needle = ""
        self.look = Look()
        self._columns_passed = 0
        self._last_cursor: Hashable | None = None
        self.showing = ""
        """What is shown in place of the list: `log`, `describe`, `inspect`; empty: the list."""
        self.subject: str | None = None
        """The key of the thing that the page is about."""
        self.pending: dict[str, str] = {}
        self.kind: Kind[Any] | None = None
        self.table: Table[Any] | None = None
        self.watch_rows: Callable[[Sequence[str]], None] = lambda keys: None
        self.news: Callable[[], None] = lambda: None
        """Something that stands in the header or about the row is different."""
        self.opened: Callable[[], None] = lambda: None
        """Enter, or a double click."""
        self.thing_changed: Callable[[], None] = lambda: None
        """What the page is about is different."""
        self.elsewhere: Callable[[], str] = lambda: ""
        """Where there may be rows when there are none here."""
        self.went: Callable[[], None] = lambda: None
        """Rows are gone, or there are none."""
        self._stamps: dict[str, object] = {}
        self._end: Callable[[], None] = lambda: None
        self._is_placed = False
        self._last_place: Hashable | None = None
        """Where the cursor was put."""
        self._shown_at = 0.0
        self._unicode = unicode_ok()

    def compose(self) -> ComposeResult:
        """The list and the page, of which one is hidden; the log comes when one is shown."""
        yield self.grid
        yield self.page

    @property
    def log_pane(self) -> LogPane:
        """The log; what is imported for it is not needed to list things."""
        if self._log is None:
            from mltui.app.widgets.logpane import LogPane

            self._log = LogPane(id="kindlog", histogram=True)
            self._log.display = False
            self.mount(self._log)
        return self._log

    def on_mount(self) -> None:
        """The list first."""
        self.page.display = False
        self._timer = self.set_timer(CALM_S, self._tick, pause=True)
        self.grid.moved = self._move_columns

    # --- the list -------------------------------------------------------------------------------

    def show(self, kind: Kind[Any], table: Table[Any], look: Look) -> None:
        """List this kind, from now on as its table changes."""
        self.leave()
        self.kind, self.table, self.look = kind, table, look
        self._shown_at = time.monotonic()
        self.needle, self._is_placed, self._last_place = "", False, None
        self._columns_passed = 0
        self.pending.clear()
        self.grid.set_columns(())
        self._arrange(kind, table)
        self.grid.set_empty(kind.empty if table.is_loaded else f"reading {kind.name}…")
        self._end = table.listen(self._apply)
        self.grid.set_rows(table.rows.values(), kind.key)
        self._place()
        self.say_empty()
        self.show_list()
        self._tick()

    def show_look(self, look: Look) -> None:
        """Show the list so; rows, cursor and marks stay."""
        if self.kind is not None and self.table is not None:
            self.look, self._columns_passed = look, 0
            self._arrange(self.kind, self.table)

    def _arrange(self, kind: Kind[Any], table: Table[Any]) -> None:
        look, group = self.look, self.look.group
        every = columns(kind, self.pending, table.is_stale_row, unicode=self._unicode)
        shown = arranged(every, look, self._columns_passed)
        key, reverse = look.sort or kind.sort
        sorts = next((column for column in every if column.key == key), every[0])
        section: Callable[[Any], str] | None = None
        if group:
            cell = next((column.cell_of for column in kind.columns if column.key == group), None)
            section = lambda row: cell(row).text if cell else _property(row, group)  # noqa: E731
        self.grid.show_columns(shown, section=section, sort=sorts, reverse=reverse)

    def _move_columns(self, step: int) -> None:
        if self.look.wide and self.kind is not None and self.table is not None:
            most = max(len(self.kind.columns) - 2, 0)
            self._columns_passed = min(max(self._columns_passed + step, 0), most)
            self._arrange(self.kind, self.table)

    def has(self, row: Any, name: str) -> bool:
        """Whether rows can be grouped by this though it is no column."""
        return row is not None and _property(row, name) != NOTHING

    def leave(self) -> None:
        """Nothing is listed any more."""
        self._end()
        self._end = lambda: None
        self.watch_rows(())
        self.grid.page = ()
        self._timer.pause()
        self.table = None

    def show_list(self) -> None:
        """The list in place of a page."""
        self.showing, self.subject = "", None
        self.page.display = False
        if self._log is not None:
            self._log.display = False
            self._log.set_index(None)
        self.grid.display = True
        self.grid.focus()

    def filter(self, needle: str) -> None:
        """Show only rows that fit; see `live.matching`."""
        self.needle = needle
        keep = matcher(needle, self.kind) if self.kind is not None else None
        before = self.grid.cursor_key
        self._last_cursor = before if before is not None else self._last_cursor
        self.grid.set_filter(keep)
        if before is None:  # nothing had fitted: back to where one was
            self.grid.cursor_key = self._last_cursor
        self.say_empty()
        self.news()

    @property
    def chosen(self) -> list[Any]:
        """The rows that verbs act on: of a page its thing, else the marked, else the one."""
        rows = self.grid.model.rows
        if self.subject is not None:
            return [rows[self.subject]] if self.subject in rows else []
        return [rows[key] for key in self.grid.selection if key in rows]

    def mark(self, keys: Iterable[str], text: str, *, soon: bool = False) -> None:
        """Say in rows what is being done, until an event confirms it; no text: not any more.

        soon: it was done; the mark goes in a moment where no event comes.
        """
        if soon:
            gone = [(key, self._stamps.get(key)) for key in keys]
            self.set_timer(CONFIRM_S, lambda: self._forget(gone))
            return
        for key in keys:
            if text:
                self.pending[key] = text
                self._stamps[key] = _stamp(self.grid.model.rows.get(key))
            else:
                self.pending.pop(key, None)
        self.grid.tick()

    def _forget(self, marks: list[tuple[str, object]]) -> None:
        self.mark([key for key, stamp in marks if self._stamps.get(key) == stamp], "")

    def _apply(self, changes: Changes[Any]) -> None:
        kind, table = self.kind, self.table
        if kind is None or table is None:
            return
        confirmed = [
            key
            for key in self.pending
            if key in changes.removed
            or (key in changes.rows and _stamp(changes.rows[key]) != self._stamps.get(key))
        ]
        for key in confirmed:
            del self.pending[key]
        self.grid.apply(changes.rows, changes.removed)
        if changes.removed:
            self.went()
        if confirmed:
            self.grid.tick()
        if changes.is_status:
            self.grid.restyle()
            self._tick()
        self.say_empty()
        self._place()
        if self.subject is not None and self.subject in changes.rows:
            self.thing_changed()
        self.news()

    def say_empty(self) -> None:
        """Say why no row is shown, where none is."""
        kind, table = self.kind, self.table
        if kind is None or table is None:
            return
        if not table.is_loaded:
            waited = time.monotonic() - self._shown_at
            late = f" nothing has come for {format_age(waited)}" if waited >= LATE_S else ""
            said = table.why or f"reading {kind.name}…{late}"
        elif self.needle and self.grid.total_count:
            said = f"none of {self.grid.total_count} fits {self.needle}: Esc shows all"
        elif kind.watched is not None and kind.watched.resource.is_namespaced:
            more = self.elsewhere()
            said = f"{kind.empty}: {more}" if more else kind.empty
        else:
            said = kind.empty
        self.grid.set_empty(said)
        if table.is_loaded and not self.grid.total_count:
            self.went()

    def _place(self) -> None:
        """Once all is read: the cursor goes to what failed, else to what is not well.

        While more comes it stays on the first line, unless the person has moved it.
        """
        grid, table = self.grid, self.table
        if self._is_placed or table is None or not grid.model.order:
            return
        is_moved = self._last_place is not None and grid.cursor_key != self._last_place
        self._is_placed = table.is_loaded or is_moved
        if not is_moved:
            wanted = self._wanted() if table.is_loaded else None
            grid.cursor_key = self._last_place = wanted or grid.model.order[0]

    def _wanted(self) -> Hashable | None:
        """The row that was asked for, else the first of the worst."""
        assert self.kind is not None
        rows, order = self.grid.model.rows, self.grid.model.order
        asked = [key for key in order if getattr(rows[key], "is_asked", False)]
        if asked:
            return asked[0]
        state = next((column for column in self.kind.columns if column.key == "state"), None)
        roles = [state.cell_of(rows[key]).role for key in order] if state is not None else []
        return next((order[roles.index(wrong)] for wrong in _WRONG if wrong in roles), None)

    def _tick(self) -> None:
        """Ages went on; young ones are looked at each second, old ones seldom."""
        self.grid.tick()
        self.news()
        table = self.table
        if table is None:
            return
        now, rows = time.time(), self.grid.model.rows
        if not table.is_loaded:
            self.say_empty()
        is_waiting = table.is_stale or not table.is_loaded or self.pending
        youngest = 0.0 if is_waiting else math.inf
        for key in self.grid.model.page:
            at = getattr(rows[key], "ended_at", None) or getattr(rows[key], "created_at", None)
            youngest = min(youngest, math.inf if at is None else now - at)
        self._timer.stop()
        wait_s = next((wait_s for age_s, wait_s in TICKS_S if youngest < age_s), CALM_S)
        self._timer = self.set_timer(wait_s, self._tick)

    @on(KindGrid.Paged)
    def _paged(self, event: KindGrid.Paged) -> None:
        event.stop()
        self.watch_rows([str(key) for key in self.grid.model.page])

    @on(Grid.Opened)
    def _opened(self, event: Grid.Opened) -> None:
        event.stop()
        self.opened()

    @on(Grid.Highlighted)
    def _moved(self, event: Grid.Highlighted) -> None:
        event.stop()
        self.news()

    # --- a thing --------------------------------------------------------------------------------

    def show_page(self, view: str, key: str, lines: Sequence[Line] = ()) -> None:
        """A page about a thing; without lines, that they are being read."""
        is_same = (self.showing, self.subject) == (view, key)
        self.showing, self.subject = view, key
        self.grid.display = False
        if self._log is not None:
            self._log.display = False
        self.page.display = True
        if lines or not is_same:
            self.page.show(list(lines) or [line((" reading…", "dim"))])
        if not is_same:
            self.page.scroll_to(y=0, animate=False)
            self.page.focus()

    def show_log(self, key: str | None, log: Log | None, title: str, target: str = "") -> None:
        """A log, followed; *key*: of the one thing that it is about."""
        from mltui.logs.times import local_offset_s

        self.showing, self.subject = "log", key
        self.grid.display = self.page.display = False
        self.log_pane.display = True
        self.log_pane.set_index(log, title, target=target, offset_s=local_offset_s())
        self.log_pane.focus()

    def give_focus(self) -> None:
        """Give the keys to what is shown."""
        part: Widget = self.page
        if self.showing in ("", "log"):
            part = self.log_pane if self.showing else self.grid
        part.focus()


def _property(row: Any, name: str) -> str:
    if name == "stage":
        found = getattr(getattr(row, "place", None), "stage", "")
    else:
        found = getattr(row, name, "")
    return plain(str(found)) if found else NOTHING


def _stamp(row: Any) -> object:
    """What an act changes of a row; a new measurement is no change."""
    if row is None:
        return None
    names = ("state", "started_at", "ended_at", "exit_code", "restarts", "running")
    found = tuple(getattr(row, name, None) for name in names)
    return found if hasattr(row, "state") else row
