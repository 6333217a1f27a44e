"""How much of the width the list of stages has, and how much what is said of the selected one.

Owned by the workbench, which asks for it whenever the terminal, the person or what there is to list
says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.app.change import Change

if TYPE_CHECKING:
    from mltui.app.runview import RunView
    from mltui.app.workbench import Workbench


class Shares:
    """The two halves of the pipeline screen."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._is_bare = False
        """There are no stages to list: no project, or a file that can't be read."""

    def lay(self, width: int) -> int:
        """Give the list its share of so many cells; that share."""
        bench = self._bench
        if self._is_bare:
            bench.left.styles.width = 1
            return 1
        left = min(max(38, width * 2 // 5), 74) if width >= 70 else max(width // 2 - 2, 24)
        if share := bench.workbench_app.settings.share():
            left = max(min(width * share // 100, width - 30), 24)
        bench.left.styles.width = left
        return left

    def lay_again(self) -> None:
        """The terminal has another size, or the list another share."""
        self.lay(self._bench.size.width)
        self._bench.call_after_refresh(self._bench.apply, Change(run=True, facts=True))

    def widen(self, percent: int) -> None:
        """Give the list of stages more of the width, or less; it is remembered."""
        bench = self._bench
        now = round(bench.left.size.width * 100 / max(bench.size.width, 1))
        bench.workbench_app.settings.keep_share(min(max(now + percent, 15), 80))
        self.lay_again()

    def has_rows(self, view: RunView | None) -> None:
        """Where there are no stages, what is said has the whole width."""
        session = self._bench.session
        is_known = bool(session.problems) or not session.has_project
        is_bare = is_known and (view is None or not view.rows)
        if is_bare != self._is_bare:
            self._is_bare = is_bare
            self._bench.detail.stand_alone(is_bare)
            self.lay_again()
