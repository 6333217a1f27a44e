"""Lists of what is on the Docker host."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.actions.selection import MEASURED
from mltui.app.present.kind import json_lines, page_lines
from mltui.app.present.line import Line, line
from mltui.app.present.stats import stats_lines
from mltui.app.sources.source import LogOf, Logs, Opened, once
from mltui.live.daemon import open_daemon
from mltui.live.feed import CONTAINERS, Feed
from mltui.live.kind import Kind
from mltui.live.kinds import kind_named
from mltui.live.table import Table

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.live.logstate import LogState
    from mltui.live.verbs import Ref
    from mltui.logs.timed import Note

COMPOSE = "compose"


class DockerSource:
    """One Docker host; connected when the first list is opened."""

    band = ""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.open_feed: Callable[[], Feed] = lambda: Feed(open_daemon())
        self._feed: Feed | None = None

    @property
    def feed(self) -> Feed:
        """The connection, made when first needed. UsageError when there is no such host."""
        if self._feed is None:
            self._feed = self.open_feed()
        return self._feed

    @property
    def host(self) -> str:
        """See `Source`."""
        return self.feed.daemon.name

    async def open(self, name: str) -> Opened:
        """See `Source`."""
        kind, table, seen = kind_named(name), self.feed.table(name), self._bench.workbench_app.seen
        if seen is not None and seen.kind is kind:
            self.feed.seed(name, seen.rows)
        return Opened(kind, table)

    async def peek(self, name: str, wait_s: float) -> tuple[Kind[Any], Table[Any]]:
        """A list to look for a name in, not to show. UsageError, Unreachable, TimeoutError."""
        return kind_named(name), await self.feed.loaded(name, wait_s, patient=False)

    def leave(self) -> None:
        """The tables are kept true for the next time."""
        self.watch_rows(())

    def watch_rows(self, keys: Sequence[str]) -> None:
        """See `Source`."""
        if self._feed is not None:
            self._feed.watch_stats(keys)

    def refs(self, kind: Kind[Any], rows: Iterable[Any]) -> Sequence[Ref]:
        """See `Source`."""
        from mltui.live.verbs import refs_of

        return refs_of(kind, rows, lambda name: self.feed.table(name).rows)

    async def page(self, view: str, kind: Kind[Any], row: Any, width: int) -> list[Line]:
        """See `Source`."""
        if kind.describe is None or kind.inspect is None:
            return [line((f" nothing more is known of a {kind.title}", "dim"))]
        key, daemon = kind.key(row), self.feed.daemon
        if view == "inspect":
            return json_lines(await kind.inspect(daemon, key, False))
        if view == MEASURED:
            samples, height = self.feed.stats.history(key), self._bench.size.height - 4
            return stats_lines(row, samples, width, height, unicode=self._bench.unicode)
        return page_lines(await kind.pages.get(view, kind.describe)(daemon, key, False), width)

    async def logs(
        self, kind: Kind[Any], rows: Sequence[Any], folder: Path, which: str
    ) -> Logs | None:
        """See `Source`."""
        if kind.name == COMPOSE:
            names = {row.name for row in rows}
            title = rows[0].name if len(rows) == 1 else f"{len(rows)} projects"
            target = " ".join(shlex.quote(f"compose/{name}") for name in sorted(names))
            return Logs(title, self._members(names, folder), target=target)
        logs = [self._log(row, folder) for row in rows]
        title = logs[0].label if len(logs) == 1 else f"{len(logs)} containers"
        return Logs(title, once(*logs), is_one=len(logs) == 1)

    async def _members(
        self, projects: set[str], folder: Path
    ) -> AsyncGenerator[Sequence[LogOf], None]:
        """The logs of Compose projects' containers, and of those that are made later."""
        table = await self.feed.loaded(CONTAINERS)
        known: set[str] = set()
        changed = asyncio.Event()
        end = table.listen(lambda changes: changed.set())
        try:
            while True:
                fresh = [
                    row
                    for key, row in table.rows.items()
                    if key not in known and row.place.compose in projects
                ]
                if fresh or not known:
                    known.update(row.id for row in fresh)
                    yield [self._log(row, folder) for row in fresh]
                await changed.wait()
                changed.clear()
        finally:
            end()

    def _log(self, row: Any, folder: Path) -> LogOf:
        feed, file = self.feed, folder / row.id[:32] / "log"
        notes: list[Note] = []

        def follow(
            said: Callable[[LogState], None], tail: int | None
        ) -> Coroutine[Any, Any, object]:
            return feed.log_to(row.id, file, reads_first=True, tail=tail, notes=notes, said=said)

        return LogOf(file, row.name, follow, notes, f"container/{row.name}")

    async def close(self) -> None:
        """See `Source`."""
        if self._feed is not None:
            await self._feed.close()
