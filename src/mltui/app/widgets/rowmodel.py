"""Keyed rows in an order, with a cursor that stays on its key: the grid without the screen.

`Grid` owns one and paints what it says. Kept apart so that moving, sorting and filtering are
tested without a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class RowModel(Generic[R]):
    """Rows by key; `order` holds the keys that are shown, as sorted and filtered."""

    def __init__(self) -> None:
        self.rows: dict[Hashable, R] = {}
        self.order: list[Hashable] = []
        self.marks: set[Hashable] = set()
        self.cursor: Hashable | None = None
        """The key the cursor is on; None only when nothing is shown."""
        self.top = 0
        """Index in `order` of the first line of the page."""
        self.height = 0
        """Lines of the page."""
        self._natural: list[Hashable] = []
        self._index: dict[Hashable, int] = {}
        self._filter: Callable[[R], bool] | None = None
        self._sort: Callable[[R], Any] | None = None
        self._reverse = False
        self._values: dict[Hashable, Any] = {}
        self._marked_last: Hashable | None = None

    # what is shown

    @property
    def cursor_index(self) -> int:
        """Where the cursor is in `order`; -1 when nothing is shown."""
        return -1 if self.cursor is None else self._index.get(self.cursor, -1)

    @property
    def page(self) -> Sequence[Hashable]:
        """Keys on the page, top to bottom."""
        return self.order[self.top : self.top + self.height]

    def index_of(self, key: Hashable) -> int | None:
        """Where *key* is in `order`, None if it is filtered out or not there."""
        return self._index.get(key)

    # changing rows

    def set_rows(self, rows: Iterable[tuple[Hashable, R]]) -> None:
        """Replace all rows; an equal row stays the object it was. Later duplicates win."""
        old, new = self.rows, dict(rows)
        for key, row in new.items():
            before = old.get(key)
            if before is not None and before == row:
                new[key] = before
        self.rows = new
        self._natural = list(new)
        self.marks &= new.keys()
        self._values.clear()
        self._arrange()

    def apply(
        self,
        changed: Mapping[Any, R],
        removed: Collection[Hashable] = (),
        order: Sequence[Hashable] | None = None,
    ) -> None:
        """Change some rows: new keys come last, unless *order* gives all keys in their order."""
        rows = self.rows
        moved = False
        for key, row in changed.items():
            if key not in rows:
                rows[key] = row
                self._natural.append(key)
                moved = True
                continue
            before = rows[key]
            if before == row:
                continue
            rows[key] = row
            if self._filter is not None and self._filter(row) != (key in self._index):
                moved = True
            if self._sort is not None:
                value = self._sort(row)
                if value != self._values.get(key):
                    self._values[key] = value
                    moved = True
        gone = {key for key in removed if rows.pop(key, None) is not None}
        if gone:
            self._natural = [key for key in self._natural if key not in gone]
            self.marks -= gone
            for key in gone:
                self._values.pop(key, None)
            moved = True
        if order is not None:
            natural = [key for key in order if key in rows]
            if natural != self._natural:
                self._natural = natural
                moved = True
        if moved:
            self._arrange()

    def sort_by(
        self,
        value: Callable[[R], Any] | None,
        reverse: bool = False,
        *,
        group: Callable[[R], str] | None = None,
    ) -> None:
        """Sort by *value* of a row; None: the order in which rows were given.

        *group*: rows with the same text of it stay together.
        """
        if value is not None and group is not None:
            value = _grouped(value, group, reverse)
        self._sort, self._reverse = value, reverse
        self._values.clear()
        self._arrange()

    def set_filter(self, keep: Callable[[R], bool] | None) -> None:
        """Show only rows for which *keep* is true; None shows all."""
        self._filter = keep
        self._arrange()

    def _arrange(self) -> None:
        """Make `order` anew; the line under the cursor stays where it is if it can."""
        old_order, old_index = self.order, self._index
        rows, keep = self.rows, self._filter
        keys = self._natural
        order = list(keys) if keep is None else [key for key in keys if keep(rows[key])]
        if self._sort is not None:
            order = self._sorted(order)
        self.order = order
        self._index = {key: number for number, key in enumerate(order)}
        before = -1 if self.cursor is None else old_index.get(self.cursor, -1)
        on_page = self.top <= before < self.top + self.height
        if self.cursor not in self._index:
            self.cursor = self._neighbour(old_order, before)
        anchor: Hashable | None = self.cursor
        if not on_page:
            page = old_order[self.top : self.top + self.height]
            anchor = next((key for key in page if key in self._index), None)
        if anchor is not None and anchor in old_index:
            self.top += self._index[anchor] - old_index[anchor]
        self._clamp()
        if on_page:
            self._show_cursor()

    def _sorted(self, keys: list[Hashable]) -> list[Hashable]:
        assert self._sort is not None
        values, rows = self._values, self.rows
        for key in keys:
            if key not in values:
                values[key] = self._sort(rows[key])
        present = [key for key in keys if values[key] is not None]
        try:
            present.sort(key=values.__getitem__, reverse=self._reverse)
        except TypeError:  # values of several types: some order is better than none
            present.sort(key=lambda key: str(values[key]), reverse=self._reverse)
        return present + [key for key in keys if values[key] is None]

    def _neighbour(self, old_order: Sequence[Hashable], before: int) -> Hashable | None:
        """The key that takes over from a cursor row that is gone: the next one, else the last."""
        if not self.order:
            return None
        if before < 0:
            return self.order[0]
        for key in old_order[before + 1 :]:
            if key in self._index:
                return key
        for key in reversed(old_order[:before]):
            if key in self._index:
                return key
        return self.order[0]

    # marks

    @property
    def selection(self) -> list[Hashable]:
        """The marked keys, in the order in which rows were given, else the one under the cursor."""
        if self.marks:
            return [key for key in self.rows if key in self.marks]
        return [] if self.cursor is None else [self.cursor]

    def mark(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        if self.cursor is not None:
            self.marks ^= {self.cursor}
            self._marked_last = self.cursor

    def mark_to_cursor(self) -> None:
        """Mark from the row that was marked last up to the cursor."""
        here = self.cursor_index
        if here >= 0:
            last = self.index_of(self._marked_last)
            first, last = sorted((here, here if last is None else last))
            self.marks |= set(self.order[first : last + 1])

    def mark_all(self) -> None:
        """Mark all rows that are shown; when they are marked, none."""
        shown = set(self.order)
        self.marks = set() if shown <= self.marks else self.marks | shown

    # moving

    def resize(self, height: int) -> None:
        """The page has *height* lines now; the cursor stays on it if it was."""
        on_page = self.top <= self.cursor_index < self.top + self.height
        first = self.height == 0
        self.height = max(height, 0)
        self._clamp()
        if on_page or first:
            self._show_cursor()

    def move_to(self, index: int, *, jump: int = 1) -> None:
        """Put the cursor on line *index* of `order` (bounded), turning the page by *jump* lines.

        A jump of some lines means that walking down a long list repaints it once in as many steps.
        """
        if not self.order:
            return
        index = min(max(index, 0), len(self.order) - 1)
        self.cursor = self.order[index]
        self._show_cursor(jump)

    def scroll(self, lines: int) -> None:
        """Move the page, not the cursor."""
        self.top += lines
        self._clamp()

    def turn_page(self, pages: int) -> None:
        """Move page and cursor by whole pages, one line kept in sight."""
        step = max(self.height - 1, 1) * pages
        index = max(self.cursor_index, 0) + step
        self.top += step
        self._clamp()
        self.move_to(index)

    def _show_cursor(self, jump: int = 1) -> None:
        index = self.cursor_index
        if index < 0 or not self.height:
            return
        jump = min(max(jump, 1), self.height)
        if index < self.top:
            self.top = index - jump + 1
        elif index >= self.top + self.height:
            self.top = index - self.height + jump
        self._clamp()

    def _clamp(self) -> None:
        self.top = min(max(self.top, 0), max(len(self.order) - self.height, 0))


def _grouped(
    value: Callable[[R], Any], group: Callable[[R], str], reverse: bool
) -> Callable[[R], Any]:
    """What sorts by a value within groups; rows without one come last in theirs."""

    def order(row: R) -> tuple[str, bool, Any]:
        within = value(row)
        return group(row), (within is None) != reverse, within

    return order
