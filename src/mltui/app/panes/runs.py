"""The list of runs, in place of the stages."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.app.present.runs import columns
from mltui.app.widgets.grid import Grid
from mltui.runs.rows import RunRow


class RunsPane(Grid[RunRow]):
    """Every run, newest first."""

    def __init__(self) -> None:
        super().__init__(id="runs", empty="no runs yet: n starts one")
        self.now = 0.0
        self.needle = ""

    def on_mount(self) -> None:
        """The columns read the time from here."""
        self._shown = columns(lambda: self.now)
        self.set_columns(self._shown)

    def apply(self, runs: Sequence[RunRow], now: float) -> None:  # type: ignore[override]
        """Show these runs."""
        self.now = now
        self.set_rows(runs, lambda run: run.number)

    @property
    def marked(self) -> tuple[int, ...]:
        """The marked runs, oldest first."""
        return tuple(sorted(key for key in self.marks if isinstance(key, int)))

    def filter(self, needle: str) -> None:
        """Show only runs with this text in any column."""
        self.needle = needle
        if not needle:
            self.set_filter(None)
            return
        wanted = needle.lower()
        self.set_filter(lambda run: wanted in self._words(run))

    def _words(self, run: RunRow) -> str:
        return " ".join(column.cell_of(run).text for column in self._shown).lower()
