"""Runs side by side: what is different, with a key for what is the same."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mltui.app.lineview import LineView
from mltui.app.present.compare import compare_lines, curve_lines
from mltui.app.present.line import line
from mltui.errors import MltuiError
from mltui.runs.compare import Comparison, compare
from mltui.runs.curves import Curves, read_curves
from mltui.runs.project import Project
from mltui.text.glyphs import unicode_ok


class CompareDialog(ModalScreen[None]):
    """The comparison, scrolled by the usual keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False),
        Binding("a", "everything", "All or what differs", show=False),
        Binding("u", "curves", "Curves or values", show=False),
    ]

    def __init__(self, project: Project, numbers: tuple[int, ...]) -> None:
        super().__init__()
        self._project, self._numbers = project, numbers
        self._found: Comparison | None = None
        self._curves: list[Curves] = []
        self._everything = self._is_plotting = False

    def compose(self) -> ComposeResult:
        """The lines, and what can be pressed."""
        with Vertical(classes="dialog", id="help"):
            yield LineView([line((" reading…", "dim"))], id="compared")
            keys = LineView([line((" a", "strong"), (" all, or what differs   ", "dim"),
                                  ("u", "strong"), (" curves   ", "dim"),
                                  ("Esc", "strong"), (" close", "dim"))])  # fmt: skip
            keys.can_focus = False
            keys.styles.height = 1
            yield keys

    def on_mount(self) -> None:
        """Compare in a thread: code and packages may have to be looked into."""
        self.query_one("#compared", LineView).focus()
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        view = self.query_one("#compared", LineView)
        try:
            self._found = await asyncio.to_thread(compare, self._project, self._numbers)
            self._curves = await asyncio.to_thread(read_curves, self._project, self._numbers)
        except MltuiError as error:
            view.show([line((f" {error}", "state-warning"))])
            return
        self._fill()

    def on_resize(self) -> None:
        """Columns are shared out anew."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if self._found is None:
            return
        view = self.query_one("#compared", LineView)
        width = max(view.scrollable_content_region.width - 1, 30)
        unicode = unicode_ok()
        if not self._is_plotting:
            everything = self._everything
            view.show(compare_lines(self._found, width, everything=everything, unicode=unicode))
        elif self._curves:
            view.show(curve_lines(self._curves, self._numbers, width, unicode=unicode))
        else:
            view.show([line((" these runs have no curves: no stage wrote `step` or `epoch`", ""))])

    def action_curves(self) -> None:
        """The curves of all runs over one another, or the values."""
        self._is_plotting = not self._is_plotting
        self._fill()

    def action_everything(self) -> None:
        """Also what is the same, or only what differs."""
        self._everything = self._is_plotting or not self._everything
        self._is_plotting = False
        self._fill()

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss(None)
