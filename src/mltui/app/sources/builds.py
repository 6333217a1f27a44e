"""The list of this project's builds, from its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.actions.buildtree import FILE as STEPS
from mltui.app.panes.build import BuildReader
from mltui.app.present.build import build_lines
from mltui.app.present.builds import BuildShown, builds_kind
from mltui.app.present.buildtree import place_of
from mltui.app.present.line import Line
from mltui.app.sources.source import LogOf, Logs, Opened, once
from mltui.errors import MltuiError
from mltui.live.kind import Kind
from mltui.live.table import Table, by_key

if TYPE_CHECKING:
    from textual.worker import Worker

    from mltui.app.workbench import Workbench
    from mltui.live.verbs import Ref

MAX_BUILDS = 500


class BuildSource:
    """Builds of one project."""

    host, band = "journal", ""

    def __init__(self, bench: Workbench, changed: Callable[[], None]) -> None:
        """`changed`: other files belong to builds that are under way, or rows were read anew."""
        self._bench, self._changed = bench, changed
        self.table: Table[BuildShown] = Table("journal", heard=bench.session.now)
        self._reader = BuildReader()
        self.files: set[Path] = set()
        """Files of builds that are under way."""
        self._is_old = False
        self._loading: Worker[None] | None = None
        self.evidence: tuple[str, tuple[str, int]] | None = None
        """Where in a file a build failed: its key, and file and line."""

    async def open(self, name: str) -> Opened:
        """See `Source`."""
        self.read()
        return Opened(builds_kind(self._bench.session.now), self.table)

    def leave(self) -> None:
        """See `Source`."""

    def watch_rows(self, keys: Sequence[str]) -> None:
        """See `Source`."""

    def refs(self, kind: Kind[Any], rows: Iterable[Any]) -> Sequence[Ref]:
        """No verb of a host acts on a build."""
        return ()

    async def page(self, view: str, kind: Kind[Any], row: Any, width: int) -> list[Line]:
        """See `Source`."""
        key = kind.key(row)
        bench, known = self._bench, self.table.get(key)
        if known is None:
            return []
        project = bench.session.project
        found = await asyncio.to_thread(self._reader.read, project, known.build)
        fault = found.steps.tree.fault if found.steps is not None else None
        place = place_of(fault)
        self.evidence = (key, place) if place is not None else None
        return build_lines(found, width, bench.moment, bench.size.height)

    async def logs(
        self, kind: Kind[Any], rows: Sequence[Any], folder: Path, which: str
    ) -> Logs | None:
        """See `Source`."""
        place = self._bench.session.project.folder
        logs = [
            LogOf(place / row.build.log, kind.label(row), target=f"build/{row.build.id}")
            for row in rows
            if row.build.log
        ]
        if not logs:
            return None
        title = logs[0].label if len(logs) == 1 else f"{len(logs)} builds"
        return Logs(title, once(*logs), is_one=len(logs) == 1)

    async def close(self) -> None:
        """See `Source`."""

    def read(self) -> None:
        """Read all builds anew; what is asked for meanwhile is read once more."""
        self._is_old = True
        if self._loading is None or self._loading.is_finished:
            self._loading = self._bench.run_worker(self._load_all(), group="builds")

    async def _load_all(self) -> None:
        while self._is_old:
            self._is_old = False
            await self._load()

    async def _load(self) -> None:
        project = self._bench.session.project

        def read() -> list[BuildShown]:
            with closing(project.journal()) as journal:
                rows = journal.builds(limit=MAX_BUILDS)
            return [self._shown(row) for row in rows]

        found: list[BuildShown] = []
        with suppress(MltuiError):
            found = await asyncio.to_thread(read)
        self.table.replace(by_key(found, lambda row: row.build.id))
        self.files = {
            (project.folder / row.build.log).parent / STEPS
            for row in found
            if row.build.log and not row.build.state.is_final
        }
        self._changed()

    def _shown(self, row: Any) -> BuildShown:
        known = self.table.get(row.id)
        if known is not None and known.build == row and row.state.is_final:
            return known
        share, size = self._reader.figures(self._bench.session.project, row)
        return BuildShown(row, share, size)
