"""The lines of a grid's page: painted once, and again when their row or their look is another.

`Grid` says which rows there are and what the widget looks like; it repaints those lines that are
other objects than before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from rich.style import Style
from textual.strip import Strip

from mltui.app.widgets.roles import RoleStyles
from mltui.app.widgets.rowmodel import RowModel
from mltui.app.widgets.rowpaint import RowPainter
from mltui.live.cells import Column

R = TypeVar("R")


class GridPage(Generic[R]):
    """What is painted, for one width and one set of columns: `begin` when these change."""

    def __init__(self, roles: RoleStyles, *, unicode: bool) -> None:
        self.painter: RowPainter[R] = RowPainter((), 0, roles)
        self._roles = roles
        self._unicode = unicode
        self._section: Callable[[R], str] | None = None
        self._cache: dict[Hashable, tuple[R, tuple[object, ...], Strip]] = {}

    def begin(
        self,
        columns: Sequence[Column[R]],
        width: int,
        section: Callable[[R], str] | None,
        section_width: int,
    ) -> None:
        """Everything is painted anew; where it is narrow there is no gutter for sections."""
        self._cache.clear()
        self._roles.clear()
        self._section = section
        has_gutter = section is not None and width >= 4 * section_width
        self.painter = RowPainter(
            columns,
            width,
            self._roles,
            section_width=section_width if has_gutter else 0,
            unicode=self._unicode,
        )

    def forget(self, keys: Iterable[Hashable]) -> None:
        """Cells of these rows may read otherwise though the rows are the same."""
        for key in keys:
            self._cache.pop(key, None)

    def differing(self, changed: Mapping[Hashable, R]) -> dict[Hashable, frozenset[str]]:
        """Of rows on the page that are changed: the columns that read otherwise then."""
        shown, differing = self._cache, self.painter.differing
        return {key: differing(shown[key][0], changed[key]) for key in changed if key in shown}

    def lines(
        self,
        model: RowModel[R],
        height: int,
        base: Style,
        *,
        focused: bool,
        flash: Callable[[Hashable], Collection[str]],
        sorted_by: tuple[str | None, bool] | None,
        empty: str,
    ) -> list[Strip]:
        """The whole page, lines that did not change being the same objects as before.

        *sorted_by*: the column and whether the largest comes first; None: there are no titles.
        """
        painter, section = self.painter, self._section
        lines = []
        if sorted_by is not None and height:
            lines.append(painter.header(base, *sorted_by))
        above = model.order[model.top - 1] if model.top > 0 else None
        cache = {}
        for key in model.page:
            row = model.rows[key]
            title = ""
            if section is not None:
                title = section(row)
                if above is not None and section(model.rows[above]) == title:
                    title = ""
                above = key
            look = (key == model.cursor, key in model.marks, title, flash(key))
            found = self._cache.get(key)
            if found is None or found[0] is not row or found[1] != look:
                cursor, marked, _, cells = look
                strip = painter.row(
                    row, base, cursor=cursor, focused=focused, marked=marked, section=title,
                    flash=cells,
                )  # fmt: skip
                found = (row, look, strip)
            cache[key] = found
            lines.append(found[2])
        self._cache = cache
        if not model.order and empty and len(lines) < height:
            lines += painter.note(empty, base)[: height - len(lines)]
        return lines + [Strip.blank(painter.width, base)] * (height - len(lines))
