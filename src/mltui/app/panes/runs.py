"""The list of runs, in place of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mltui.app.look import Look, arranged
from mltui.app.present.runs import columns, value_columns
from mltui.app.widgets.grid import Grid
from mltui.live.cells import Column
from mltui.runs.rows import RunRow

NO_RUNS = "no runs yet: n starts one"


@dataclass(frozen=True, slots=True)
class _Listed:
    """What filters ask of runs."""

    columns: tuple[Column[RunRow], ...]
    text: None = None


class RunsPane(Grid[RunRow]):
    """Every run, newest first."""

    def __init__(self) -> None:
        super().__init__(id="runs", empty=NO_RUNS)
        self.now = 0.0
        self.needle = ""
        self._is_restored = False

    def on_mount(self) -> None:
        """The columns read the time from here."""
        self._declared = columns(lambda: self.now)
        self.look = Look()
        self.set_columns(self._declared)

    @property
    def known_columns(self) -> tuple[Column[RunRow], ...]:
        """Those that are declared, then one for each metric and param of these runs."""
        return (*self._declared, *value_columns(self.model.rows.values()))

    def restore(self, raw: object) -> None:
        """As it was arranged before, once."""
        if raw and not self._is_restored:
            self.show_look(Look.of(raw))
        self._is_restored = True

    def show_look(self, look: Look) -> None:
        """Show the columns that a person wants, in their order."""
        self.look = look
        known = {column.key: column for column in self.known_columns}
        chosen = arranged(tuple(known.values()), look) if look.columns else self._declared
        key, reverse = look.sort or ("number", True)
        sort = known.get(key, known["number"])
        self.show_columns(chosen, section=None, sort=sort, reverse=reverse)

    def apply(self, runs: Sequence[RunRow], now: float) -> None:  # type: ignore[override]
        """Show these runs."""
        self.now = now
        self.set_rows(runs, lambda run: run.number)

    @property
    def marked(self) -> tuple[int, ...]:
        """The marked runs, oldest first."""
        return tuple(sorted(key for key in self.marks if isinstance(key, int)))

    def filter(self, needle: str) -> None:
        """Show only runs that fit, asked as in any list; see `live.matching`."""
        self.needle = needle
        if not needle:
            self.set_filter(None)
            self.set_empty(NO_RUNS)
            return
        from mltui.live.matching import matcher

        self.set_filter(matcher(needle, _Listed(self.known_columns)))
        self.set_empty(f"no run fits {needle}: Esc shows all" if self.total_count else NO_RUNS)
