"""What a person does with a list as a whole: sort, group, choose columns, copy, keep a view.

Loaded when the first of these is asked for; `actions.tables` has the keys and commands.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mltui.app.clipboard import copy
from mltui.app.look import Look
from mltui.errors import UsageError
from mltui.live.listing import to_json
from mltui.text import format_count

if TYPE_CHECKING:
    from mltui.app.lists import Lists
    from mltui.app.workbench import Workbench
    from mltui.live.cells import Column

GROUPS = ("owner", "node", "stage", "image")
"""Properties of rows that can be grouped by though they may be no column."""
FORMATS = ("text", "json", "csv")


class Arranging:
    """Verbs on the list that is shown."""

    def __init__(self, bench: Workbench, lists: Lists) -> None:
        self._bench = bench
        self._lists = lists
        self._pane = lists.pane

    async def do(self, what: str, argument: str) -> None:
        """One of them, by its name. UsageError."""
        verbs = {
            "sort": self._sort,
            "reverse": self._reverse,
            "group": self._group,
            "columns": self._columns,
            "wide": self._wide,
            "copy": self._copy,
            "keep": self._keep,
        }
        await verbs[what](argument.strip())
        self._bench.frame.show()

    @property
    def _shown(self) -> Sequence[Column[Any]]:
        return self._lists.kind.columns

    def _column(self, name: str) -> Column[Any]:
        from mltui.live.matching import ALIASES

        wanted = ALIASES.get(name.lower(), name.lower())
        for column in self._shown:
            if wanted in (column.key, column.title.lower()):
                return column
        known = ", ".join(column.key for column in self._shown)
        raise UsageError(f"{self._lists.kind.name} have no column {name!r}: there are {known}")

    def _change(self, look: Look) -> None:
        self._pane.show_look(look)
        self._bench.workbench_app.settings.keep_look(self._lists.kind.name, look.raw)

    # --- order ----------------------------------------------------------------------------------

    async def _sort(self, argument: str) -> None:
        key, reverse = self._pane.grid.sorted_by
        if not argument:
            columns = sorted(self._shown, key=lambda column: column.key != key)
            arrow = " (again: the other way)" if key else ""
            words = [
                f"{column.title}{f'  {column.help}' if column.help else ''}"
                f"{arrow if column.key == key else ''}"
                for column in columns
            ]
            index = await self._bench.context.choose("Sort by which column?", words)
            if index is None:
                return
            column = columns[index]
        else:
            column = self._column(argument)
        other = not reverse if column.key == key else False
        self._change(replace(self._pane.look, sort=(column.key, other)))

    async def _reverse(self, argument: str) -> None:
        key, reverse = self._pane.grid.sorted_by
        if key is not None:
            self._change(replace(self._pane.look, sort=(key, not reverse)))

    async def _group(self, argument: str) -> None:
        rows = self._pane.grid.model.rows.values()
        some = next(iter(rows), None)
        keys = [column.key for column in self._shown if column.key not in ("name", "age")]
        keys += [each for each in GROUPS if each not in keys and self._pane.has(some, each)]
        name = argument
        if not argument:
            titles = {column.key: column.title.lower() for column in self._shown}
            words = ["no groups", *(titles.get(key, key) for key in keys)]
            index = await self._bench.context.choose("Group by what?", words)
            if index is None:
                return
            name = ("none", *keys)[index]
        elif argument not in ("none", "off") and argument not in keys:
            name = self._column(argument).key
        group = "" if name in ("none", "off") else name
        self._change(replace(self._pane.look, group=group))

    # --- columns --------------------------------------------------------------------------------

    async def _columns(self, argument: str) -> None:
        if argument in ("all", "default"):
            self._change(replace(self._pane.look, columns=()))
            return
        if argument:
            names = argument.replace(",", " ").split()
            keys = tuple(self._column(name).key for name in names)
            self._change(replace(self._pane.look, columns=keys))
            return
        from mltui.app.dialogs.columns import ColumnsDialog

        found = await self._bench.app.push_screen_wait(
            ColumnsDialog(self._shown, self._pane.look.columns)
        )
        if found is not None:
            self._change(replace(self._pane.look, columns=found))

    async def _wide(self, argument: str) -> None:
        wide = not self._pane.look.wide
        self._change(replace(self._pane.look, wide=wide))
        said = (
            "wide: ← → move over the columns" if wide else "columns that have no room are left out"
        )
        self._bench.notice(said)

    # --- taking away ----------------------------------------------------------------------------

    async def _copy(self, argument: str) -> None:
        kind, grid = self._lists.kind, self._pane.grid
        rows = self._pane.chosen
        if not rows:
            raise UsageError("there is nothing to copy")
        what, _, style = argument.partition(" ")
        if not argument:
            count = len(rows)
            one = "the row" if count == 1 else f"the {format_count(count)} marked rows"
            offers = [("name", "text", "the name" if count == 1 else "their names")]
            offers += [("row", each, f"{one} as {_named(each)}") for each in FORMATS]
            offers += [("table", each, f"all that is shown as {_named(each)}") for each in FORMATS]
            index = await self._bench.context.choose("Copy what?", [word for _, _, word in offers])
            if index is None:
                return
            what, style, _ = offers[index]
        style = style or "text"
        if style not in FORMATS:
            raise UsageError(f"copy as {', '.join(FORMATS)}, not {style!r}")
        if what == "table":
            rows = [grid.model.rows[key] for key in grid.model.order]
        if what in ("row", "table"):
            text = self._text(rows, style)
        elif what == "name":
            text = "\n".join(kind.label(row) for row in rows)
        else:
            column = self._column(what)
            text = "\n".join(column.cell_of(row).text for row in rows)
        count = len(rows)
        if await copy(self._bench.app, text):
            words = text if "\n" not in text and len(text) < 60 else f"{format_count(count)} rows"
            self._bench.notice(f"copied {words}")
        else:
            self._bench.notice("that is too much for a clipboard: `mltui ls` prints it", bad=True)

    def _text(self, rows: Sequence[Any], style: str) -> str:
        kind = self._lists.kind
        if style == "json":
            found = [to_json(kind, row) for row in rows]
            return json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False, indent=2)
        columns = list(self._pane.grid.columns)
        titles = [column.title for column in columns]
        lines = [[column.cell_of(row).text for column in columns] for row in rows]
        if style == "csv":
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows([titles, *lines])
            return out.getvalue()
        from mltui.text.width import cell_width

        table = [titles, *lines]
        widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(
                text + " " * (width - cell_width(text))
                for text, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in table
        )

    # --- views ----------------------------------------------------------------------------------

    async def _keep(self, argument: str) -> None:
        if not argument:
            asked = await self._bench.context.ask_text(
                "Keep what is shown as the view of what name?"
            )
            if not asked:
                return
            argument = asked
        settings = self._bench.workbench_app.settings
        settings.keep_view(argument, self._lists.described())
        self._bench.notice(f"kept: `:view {argument}` shows it again")


def _named(style: str) -> str:
    return {"text": "text", "json": "JSON", "csv": "CSV"}[style]
