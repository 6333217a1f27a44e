"""The page about one thing of a list, and how long it is true.

Owned by `lists`. A page that no event keeps true (processes, files changed, curves) is read again
while it is looked at, and only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.actions.selection import MEASURED
from mltui.app.present.line import wrapped
from mltui.errors import MltuiError

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import Worker

    from mltui.app.lists import Lists
    from mltui.app.workbench import Workbench

AGAIN_S = 2.0
"""How often a page is read again that no event keeps true."""
CURVE_S = 1.0


class ListPages:
    """What stands in place of the list but for the log."""

    def __init__(self, bench: Workbench, lists: Lists) -> None:
        self._bench = bench
        self._lists = lists
        self._timer: Timer | None = None
        self._reading: Worker[None] | None = None

    @property
    def is_shown(self) -> bool:
        """A page is shown, and not the log."""
        return self._lists.pane.showing not in ("", "log")

    def show(self, view: str, key: str) -> None:
        """Show a page about a thing, and keep it true."""
        self.leave()
        lists = self._lists
        lists.pane.show_page(view, key)
        self.read()
        if view == MEASURED and lists.source is lists.docker:
            lists.docker.feed.stats.focus(key)
            self._timer = self._bench.set_interval(CURVE_S, self._again)
        elif view in lists.kind.pages and view not in lists.kind.lasting:
            self._timer = self._bench.set_interval(AGAIN_S, self._again)

    def leave(self) -> None:
        """The page is not looked at any more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._lists.pane.showing == MEASURED:
            self._lists.docker.feed.stats.focus(None)

    def read(self) -> None:
        """Read anew what the page says."""
        self._reading = self._bench.run_worker(
            self._read, group="page", exclusive=True, exit_on_error=True
        )

    def _again(self) -> None:
        """A moment went by; what is slow to read is let finish."""
        if self._reading is None or self._reading.is_finished:
            self.read()

    async def _read(self) -> None:
        lists, pane = self._lists, self._lists.pane
        key, view = pane.subject, pane.showing
        row = pane.grid.model.rows.get(key) if key is not None else None
        if key is None or row is None:
            return
        try:
            lines = await lists.source.page(view, lists.kind, row, pane.size.width)
        except MltuiError as error:
            lines = wrapped(str(error), pane.size.width - 2, "state-warning", " ")
        if (pane.subject, pane.showing) == (key, view):
            pane.show_page(view, key, lines)
            self._bench.frame.show()
