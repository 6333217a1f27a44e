"""The list of stages: where the cursor is, everything else follows."""

from __future__ import annotations

from collections.abc import Hashable

from mltui.app.lineview import LineView
from mltui.app.present.entries import Entry, Folding, entries, key_of, row_of
from mltui.app.present.facts import Facts
from mltui.app.present.line import wrapped
from mltui.app.present.moment import Moment
from mltui.app.present.stages import stage_lines
from mltui.app.runview import RunView
from mltui.pipeline.rows import Instance, StageRow


class StagesPane(LineView):
    """Stages by phase, with what is below them when unfolded."""

    def __init__(self) -> None:
        super().__init__(has_cursor=True, id="stages")
        self.folding = Folding()
        self.needle = ""
        self._view: RunView | None = None
        self._facts = Facts()
        self._entries: list[Entry] = []
        self._expected = self._laid_width = 0
        self._moment = Moment(0.0)

    # --- what the workbench calls -------------------------------------------------------------

    def expect_width(self, width: int) -> None:
        """How many cells there will be, for what is shown before the first layout."""
        self._expected = width

    def apply(self, view: RunView | None, facts: Facts, moment: Moment) -> None:
        """Show the run as it is now; only lines that read otherwise are painted."""
        self._view, self._facts = view, facts
        self._entries = entries(view, facts, self.folding, self.needle) if view else []
        self._lay_out(moment)

    def tick(self, moment: Moment) -> None:
        """Time went by."""
        self._lay_out(moment)

    def on_resize(self) -> None:
        """Columns come and go with the width, also while a dialog stands over them."""
        super().on_resize()
        if self._width_now != self._laid_width:
            self._lay_out(self._moment)

    @property
    def _width_now(self) -> int:
        return max(self.scrollable_content_region.width or self._expected, 20)

    def _lay_out(self, moment: Moment, cursor: Hashable | None = None) -> None:
        if self._view is None:
            self.show([])
            return
        self._moment, self._laid_width = moment, self._width_now
        width = self._laid_width
        if self.needle and not self._entries:
            said = f"no stage fits {self.needle}: Esc shows all"
            self.show(wrapped(said, width - 1, "dim", " "))
            return
        self.show(stage_lines(self._entries, self._view, self._facts, width, moment), cursor)

    def select(self, row: StageRow, moment: Moment) -> None:
        """Put the cursor on a row, unfolding what hides it."""
        if self._view is None:
            return
        key = key_of(self._view, row)
        if not any(entry.key == key for entry in self._entries):
            self.folding.unfolded[row.stage] = True
            self._entries = entries(self._view, self._facts, self.folding, self.needle)
        self._lay_out(moment, key)

    def fold(self, unfold: bool, moment: Moment) -> None:
        """Show or hide what is below the selected stage."""
        entry = self.entry
        if entry is None or entry.key is None or self._view is None:
            return
        stage = str(entry.key[1])
        self.folding.unfolded[stage] = unfold
        self._entries = entries(self._view, self._facts, self.folding, self.needle)
        self._lay_out(moment, ("stage", stage))

    # --- what is selected ---------------------------------------------------------------------

    @property
    def entry(self) -> Entry | None:
        """What the cursor is on."""
        return next((e for e in self._entries if e.key is not None and e.key == self.cursor), None)

    @property
    def row(self) -> StageRow | None:
        """The row that the cursor's line stands for."""
        return row_of(self._view, self.cursor) if self._view is not None else None

    @property
    def instance(self) -> Instance | None:
        """Its instance."""
        row = self.row
        return row.instance if row is not None else None
