"""`Grid`: rows of one kind, painted line by line, so that a changed row costs one line.

Every list of things in the app is one of these: Textual's DataTable paints all of itself when one
cell changes. The owner feeds it rows and answers its messages; it knows nothing of what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from mltui.app.widgets.flash import Flash
from mltui.app.widgets.gridpage import GridPage
from mltui.app.widgets.paint import changed_spans
from mltui.app.widgets.roles import RoleStyles
from mltui.app.widgets.rowmodel import RowModel
from mltui.live.cells import Column
from mltui.text import unicode_ok

R = TypeVar("R")

_WHEEL_LINES = 3


class Grid(Widget, Generic[R]):
    """Keyed rows under a header line; a cursor, marks, sorting, filtering, sections.

    Only cells that changed are refreshed.
    """

    can_focus = True
    ALLOW_SELECT = False
    DEFAULT_CSS = "Grid { height: 1fr; width: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="grid.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="grid.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="grid.page_down"),
        Binding("home,g", "go(0)", "First", show=False, id="grid.first"),
        Binding("end,G", "go(-1)", "Last", show=False, id="grid.last"),
        Binding("enter", "open", "Open", show=False, id="grid.open"),
        Binding("space", "mark", "Mark", show=False, id="grid.mark"),
        Binding("M", "mark_to", "Mark up to here", show=False, id="grid.mark_to"),
        Binding("A", "mark_all", "Mark all", show=False, id="grid.mark_all"),
    ]

    @dataclass
    class Said(Message):
        """What a grid says; `control` lets `@on(Grid.Opened, "#id")` choose one."""

        grid: Grid[Any]

        @property
        def control(self) -> Grid[Any]:
            """The grid."""
            return self.grid

    @dataclass
    class Highlighted(Said):
        """The cursor is on another key (None: nothing is shown)."""

        key: Hashable | None

    @dataclass
    class Opened(Said):
        """Enter or a double click on the row of *key*."""

        key: Hashable

    @dataclass
    class Marked(Said):
        """The person changed the set of marked keys."""

        keys: frozenset[Hashable]

    def __init__(
        self,
        columns: Sequence[Column[R]] = (),
        *,
        section: Callable[[R], str] | None = None,
        section_width: int = 11,
        empty: str = "",
        header: bool = True,
        jump: int = 1,
        unicode: bool | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        """A grid of *columns*.

        *section* gives the text of the left gutter, shown where it changes from row to row;
        *empty* is what to say without rows; *jump* is by how many lines the page turns when the
        cursor walks off it (more is cheaper over SSH); *unicode* None asks the locale.
        """
        super().__init__(id=id, classes=classes)
        self.model: RowModel[R] = RowModel()
        self.jump = jump
        self._columns = tuple(columns)
        self._section = section
        self._section_width = section_width
        self._empty = empty
        self._header = header
        self._sorted_by: str | None = None
        self._reverse = False
        self._page: GridPage[R] = GridPage(
            RoleStyles(self), unicode=unicode_ok() if unicode is None else unicode
        )
        self._generation = 0
        self._painted: list[Strip] = []
        self._painted_for: tuple[object, ...] = ()
        self._announced: Hashable | None = None
        self._flash = Flash(self, self._sync)
        self._sorts: dict[str, Column[R]] = {}
        """What is sorted by, also where it is not shown."""

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """Keys of the columns that have room now."""
        return tuple(placed.column.key for placed in self._page.painter.placed)

    def set_columns(
        self, columns: Sequence[Column[R]], *, section: Callable[[R], str] | None = None
    ) -> None:
        """Show another kind: new columns, no rows, no marks, no sort and no filter."""
        self._columns, self._section = tuple(columns), section
        self._sorted_by, self._reverse = None, False
        height = self.model.height
        self.model = RowModel()
        self.model.height = height
        self.restyle()

    def show_columns(
        self,
        columns: Sequence[Column[R]],
        *,
        section: Callable[[R], str] | None,
        sort: Column[R],
        reverse: bool,
        section_width: int = 22,
    ) -> None:
        """Other columns, groups and order for the same rows; *sort* need not be shown."""
        self._columns, self._section = tuple(columns), section
        self._section_width = section_width
        self._sorts = {sort.key: sort}
        self.sort_by(sort.key, reverse)
        self.restyle()

    @property
    def columns(self) -> tuple[Column[R], ...]:
        """Those that are shown where there is room."""
        return self._columns

    def set_rows(self, rows: Iterable[R], key: Callable[[R], Hashable]) -> None:
        """Replace all rows, in this order; what is equal to what is painted isn't painted again."""
        self.model.set_rows((key(row), row) for row in rows)
        self._changed()

    def apply(
        self,
        changed: Mapping[Any, R],
        removed: Collection[Hashable] = (),
        order: Sequence[Hashable] | None = None,
    ) -> None:
        """Change and remove rows by key; new keys come last unless *order* gives all of them."""
        if self._flash.is_wanted:
            self._flash.begin(self._page.differing(changed))
        self.model.apply(changed, removed, order)
        self._changed()

    def tick(self) -> None:
        """Time went by: ask the visible rows' cells again and repaint those that read otherwise."""
        self._page.forget(self.model.page)
        self._sync()

    def sort_by(self, column: str | None, reverse: bool = False) -> None:
        """Sort by the column of this key; None: as given. KeyError for an unknown column."""
        known = {**self._sorts, **{each.key: each for each in self._columns}}
        found = None if column is None else known[column]
        self._sorted_by, self._reverse = column, reverse
        value = None if found is None else found.sort_value
        self.model.sort_by(value, reverse, group=self._section if self._sorts else None)
        self._changed()

    @property
    def sorted_by(self) -> tuple[str | None, bool]:
        """Key of the column sorted by, and whether the largest comes first."""
        return self._sorted_by, self._reverse

    def set_filter(self, keep: Callable[[R], bool] | None) -> None:
        """Show only rows for which *keep* is true; None shows all."""
        self.model.set_filter(keep)
        self._changed()

    def set_empty(self, text: str) -> None:
        """What to say when there are no rows."""
        self._empty = text
        self._sync()

    @property
    def row_count(self) -> int:
        """Rows shown, filtered out ones not counted."""
        return len(self.model.order)

    @property
    def total_count(self) -> int:
        """All rows."""
        return len(self.model.rows)

    @property
    def cursor_key(self) -> Hashable | None:
        """The key under the cursor; set it to move there (no effect if it isn't shown)."""
        return self.model.cursor

    @cursor_key.setter
    def cursor_key(self, key: Hashable | None) -> None:
        index = self.model.index_of(key)
        if index is not None:
            self.model.move_to(index)
            self._changed()

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor."""
        key = self.model.cursor
        return None if key is None else self.model.rows.get(key)

    @property
    def marks(self) -> frozenset[Hashable]:
        """Marked keys. Setting drops keys that have no row."""
        return frozenset(self.model.marks)

    @marks.setter
    def marks(self, keys: Collection[Hashable]) -> None:
        self.model.marks = {key for key in keys if key in self.model.rows}
        self._sync()

    @property
    def selection(self) -> list[Hashable]:
        """What an action applies to: the marked keys, in order, else the one under the cursor."""
        return self.model.selection

    def restyle(self) -> None:
        """Paint everything anew: cells look different though their rows are the same."""
        self._generation += 1
        self._changed()

    # painting

    def _changed(self) -> None:
        self._sync()
        if self.model.cursor != self._announced:
            self._announced = self.model.cursor
            self.post_message(self.Highlighted(self, self.model.cursor))

    def _sync(self) -> None:
        """Refresh the lines that read otherwise than what was painted last."""
        if not self.is_mounted or not self.size:
            return
        if self._signature() != self._painted_for:
            self._rebuild()
            self.refresh()
            return
        for y, new in enumerate(self._lines()):
            spans = changed_spans(self._painted[y], new)
            if spans:
                self._painted[y] = new
                self.refresh(*(Region(x, y, width, 1) for x, width in spans))
        self._place_cursor()

    def _signature(self) -> tuple[object, ...]:
        return (self.size, self.has_focus, self._generation, self.app.theme_variables)

    def _rebuild(self) -> None:
        """Everything that depends on size, focus or theme."""
        self._painted_for = self._signature()
        width, height = self.size
        self._page.begin(self._columns, width, self._section, self._section_width)
        self.model.resize(height - self._header)
        self._painted = self._lines()
        self._place_cursor()

    def _lines(self) -> list[Strip]:
        return self._page.lines(
            self.model,
            self.size.height,
            self.rich_style,
            focused=self.has_focus,
            flash=self._flash.of,
            sorted_by=self.sorted_by if self._header else None,
            empty=self._empty,
        )

    def _place_cursor(self) -> None:
        """Keep the terminal's (hidden) cursor on the row: screen readers follow it."""
        y = self.model.cursor_index - self.model.top
        if self.has_focus and 0 <= y < self.model.height:
            self.app.cursor_position = self.content_region.offset + Offset(0, y + self._header)

    def render_line(self, y: int) -> Strip:
        """One line, as Textual asks for it."""
        if self._signature() != self._painted_for:
            self._rebuild()
        return self._painted[y] if y < len(self._painted) else Strip.blank(self.size.width)

    def notify_style_update(self) -> None:
        """Styles changed: what is painted is drawn anew when next asked for."""
        super().notify_style_update()
        self._generation += 1

    # keys and mouse

    def on_resize(self) -> None:
        """Columns may come and go, and the page has another height."""
        self._changed()

    def action_move(self, lines: int) -> None:
        """Cursor up or down."""
        self.model.move_to(self.model.cursor_index + lines, jump=self.jump)
        self._changed()

    def action_page(self, pages: int) -> None:
        """Cursor and page up or down."""
        self.model.turn_page(pages)
        self._changed()

    def action_go(self, index: int) -> None:
        """To the row at *index*; -1 is the last one."""
        self.model.move_to(index if index >= 0 else len(self.model.order) - 1)
        self._changed()

    def action_open(self) -> None:
        """Say that the row under the cursor was opened."""
        if self.model.cursor is not None:
            self.post_message(self.Opened(self, self.model.cursor))

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor, and go on to the next."""
        if self.model.cursor is not None:
            self.model.mark()
            self.post_message(self.Marked(self, self.marks))
            self.action_move(1)

    def action_mark_to(self) -> None:
        """Mark from the row that was marked last up to the cursor."""
        if self.model.cursor is not None:
            self.model.mark_to_cursor()
            self._sync()
            self.post_message(self.Marked(self, self.marks))

    def action_mark_all(self) -> None:
        """Mark all rows that are shown; when they are marked, none."""
        self.model.mark_all()
        self._sync()
        self.post_message(self.Marked(self, self.marks))

    def on_click(self, event: events.Click) -> None:
        """A click selects, a double click opens, one on a column's title sorts by it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        if self._header and offset.y == 0:
            column = self._page.painter.column_at(offset.x)
            if column is not None:
                self.sort_by(column.key, column.key == self._sorted_by and not self._reverse)
            return
        index = self.model.top + offset.y - self._header
        if index >= len(self.model.order):
            return
        self.model.move_to(index)
        self._changed()
        if event.chain == 2:
            self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel: the page moves, the cursor doesn't."""
        self._wheel(event, _WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel: the page moves, the cursor doesn't."""
        self._wheel(event, -_WHEEL_LINES)

    def _wheel(self, event: events.MouseEvent, lines: int) -> None:
        event.stop()
        self.model.scroll(lines)
        self._sync()
