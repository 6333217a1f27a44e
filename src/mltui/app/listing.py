"""Opens and leaves the lists that stand in place of the pipeline; the first loads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.errors import MltuiError

if TYPE_CHECKING:
    from mltui.app.lists import Lists
    from mltui.app.workbench import Workbench


def _make(bench: Workbench) -> Lists:
    from mltui.app.lists import Lists

    return Lists(bench)


class Listing:
    """Which list is shown, if any."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._lists: Lists | None = None
        self.make: Callable[[Workbench], Lists] = _make
        self.files: set[Path] = set()
        """Files that the list wants to hear of."""

    @property
    def current(self) -> Lists | None:
        """The list on screen; None: the pipeline or the runs are."""
        return self._lists if self._lists is not None and self._lists.is_open else None

    def open(self, kind: str) -> None:
        """Show what is on the Docker host, or the builds, in place of the pipeline."""
        self._bench.run_worker(self._open(kind), group="list", exit_on_error=True)

    async def _open(self, kind: str) -> None:
        bench = self._bench
        try:
            if self._lists is None:
                self._lists = self.make(bench)
                self._lists.pane.display = False
                await bench.mount(self._lists.pane, after=bench.runs)
            self._lists.open(kind)
        except MltuiError as error:
            bench.notice(str(error), bad=True)
            return
        if bench.session.listing:
            bench.context.leave_runs()
        bench.body.display, self._lists.pane.display = False, True
        self._lists.pane.give_focus()
        bench.frame.show()

    def leave(self) -> None:
        """Back to the pipeline."""
        listed, bench = self.current, self._bench
        if listed is not None:
            listed.pane.display, bench.body.display = False, True
            listed.leave()
            bench.stages.focus()
            bench.frame.show()

    def watch(self, files: set[Path]) -> None:
        """Have the list told when these files change."""
        if files != self.files:
            self.files = files
            self._bench.session.watch_files(self._bench.detail_files | files)

    async def close(self) -> None:
        """The app ends."""
        if self._lists is not None:
            await self._lists.close()
