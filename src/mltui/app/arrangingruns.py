"""What a person does with the list of runs as a whole: sort it, choose its columns.

Beside what is declared there is a column for each metric and param. What is chosen is remembered by
project. Loaded when it is first asked for; `actions.tables` has the keys and commands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mltui.app.look import Look, runs_of
from mltui.app.present.runs import METRIC, PARAM
from mltui.errors import UsageError
from mltui.live.cells import Column
from mltui.runs.rows import RunRow

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench


class RunArranging:
    """Verbs on the list of runs."""

    def __init__(self, bench: Workbench) -> None:
        self._bench, self._pane = bench, bench.runs

    async def do(self, what: str, argument: str) -> None:
        """One of them, by its name. UsageError."""
        verbs = {"sort": self._sort, "reverse": self._reverse, "columns": self._columns}
        await verbs[what](argument.strip())
        self._bench.frame.show()

    def _change(self, look: Look) -> None:
        self._pane.show_look(look)
        settings, project = self._bench.workbench_app.settings, self._bench.session.project
        settings.keep_look(runs_of(project.root.name), look.raw)

    def _column(self, name: str) -> Column[RunRow]:
        """By its key, its title, the name of its metric or param, or the end of that."""
        known = self._pane.known_columns
        wanted = {name, f"{METRIC}{name}", f"{PARAM}{name}"}
        for column in known:
            if column.key in wanted or column.title == name:
                return column
        ends = [c for c in known if ":" in c.key and c.key.rpartition(".")[2] == name]
        if len(ends) == 1:
            return ends[0]
        if ends:
            names = ", ".join(column.key.partition(":")[2] for column in ends)
            raise UsageError(f"{name!r} is one of {names}: say which")
        raise UsageError(f"runs have no column {name!r}: V shows what there is")

    async def _sort(self, argument: str) -> None:
        key, reverse = self._pane.sorted_by
        if argument:
            column = self._column(argument)
        else:
            columns = self._pane.known_columns
            words = [f"{each.title}  {each.help}".rstrip() for each in columns]
            index = await self._bench.context.choose("Sort by which column?", words)
            if index is None:
                return
            column = columns[index]
        other = not reverse if column.key == key else False
        self._change(replace(self._pane.look, sort=(column.key, other)))

    async def _reverse(self, argument: str) -> None:
        key, reverse = self._pane.sorted_by
        self._change(replace(self._pane.look, sort=(key or "number", not reverse)))

    async def _columns(self, argument: str) -> None:
        if argument in ("all", "default"):
            self._change(replace(self._pane.look, columns=()))
            return
        if argument:
            names = argument.replace(",", " ").split()
            keys = tuple(dict.fromkeys(self._column(name).key for name in names))
            self._change(replace(self._pane.look, columns=keys))
            return
        from mltui.app.dialogs.columns import ColumnsDialog

        shown = tuple(column.key for column in self._pane.columns)
        dialog = ColumnsDialog(self._pane.known_columns, shown)
        found = await self._bench.app.push_screen_wait(dialog)
        if found is not None:
            declared = tuple(c.key for c in self._pane.known_columns if ":" not in c.key)
            keys = () if found == declared else found
            self._change(replace(self._pane.look, columns=keys))
