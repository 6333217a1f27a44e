"""Which list stands in place of the pipeline, and what feeds it: a Docker host, or the journal.

Imported when the first list is opened, so that the app starts without it. Owns the connection to
the host; that survives leaving the list, and ends with the app.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual.worker import Worker

from mltui.actions.action import PAGE, Selection
from mltui.actions.buildtree import FILE as STEPS
from mltui.app.panes.build import BuildReader
from mltui.app.panes.kind import KindPane
from mltui.app.present.build import build_lines
from mltui.app.present.builds import BuildShown, builds_kind
from mltui.app.present.buildtree import place_of
from mltui.app.present.kind import about, header, json_lines, page_lines
from mltui.app.present.line import Line, line, wrapped
from mltui.errors import MltuiError
from mltui.live.daemon import Daemon, open_daemon
from mltui.live.feed import Feed
from mltui.live.kind import Kind
from mltui.live.kinds import kind_named
from mltui.live.logs import Following, LogState
from mltui.live.table import Table, by_key
from mltui.logs.index import LogIndex
from mltui.logs.search import PatternError

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.live.verbs import Ref

T = TypeVar("T")

LOG_LINES = 20_000
"""A log that is longer is begun so many lines before its end."""
MAX_BUILDS = 500


class Lists:
    """The list on screen. One for a workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.pane = KindPane()
        self.open_feed: Callable[[], Feed] = lambda: Feed(open_daemon())
        self.feed: Feed | None = None
        self.is_open = False
        self._builds: Table[BuildShown] = Table("journal", heard=bench.session.now)
        self._reader = BuildReader()
        self._build_files: set[Path] = set()
        self._evidence: tuple[str, tuple[str, int]] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._log: Worker[None] | None = None
        self._log_file: Path | None = None
        self._log_said = ""
        self.pane.watch_rows = self._watch_stats
        self.pane.news = self._news
        self.pane.opened = bench.context.enter
        self.pane.thing_changed = self.thing_changed

    # --- opening and leaving --------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Show a list. UsageError when there is no such Docker host."""
        if name == "builds":
            kind: Kind[Any] = builds_kind(self._bench.session.now)
            table: Table[Any] = self._builds
            self._read_builds()
        else:
            if self.feed is None:
                self.feed = self.open_feed()
            kind, table = kind_named(name), self.feed.table(name)
        self._end_log()
        self.pane.show(kind, table)
        self.is_open = True

    def leave(self) -> None:
        """The pipeline is shown again; the tables are kept true for the next time."""
        self.is_open = False
        self._end_log()
        self.pane.leave()

    async def close(self) -> None:
        """The app ends."""
        self._end_log()
        if self.feed is not None:
            await self.feed.close()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    # --- what is selected -----------------------------------------------------------------------

    @property
    def kind(self) -> Kind[Any]:
        """Of the list."""
        assert self.pane.kind is not None
        return self.pane.kind

    @property
    def is_docker(self) -> bool:
        """The list is of a Docker host."""
        return self.kind.engine == "docker"

    def selection(self, base: Selection) -> Selection:
        """What actions act on here; the rest is as in the pipeline."""
        from dataclasses import replace

        pane, table = self.pane, self.pane.table
        position = None
        if self._evidence is not None and self._evidence[0] == pane.subject:
            position = self._evidence[1]
        return replace(
            base,
            place=PAGE if pane.showing else self.kind.name,
            kind=self.kind.name,
            things=tuple(pane.chosen),
            host=self.host,
            is_stale=table is not None and table.is_stale,
            position=position,
        )

    @property
    def host(self) -> str:
        """Where the list's things are."""
        return self.feed.daemon.name if self.is_docker and self.feed is not None else "journal"

    def refs(self) -> Sequence[Ref]:
        """What verbs act on."""
        from mltui.live.verbs import refs_of

        feed = self.feed
        if feed is None or not self.is_docker:
            return ()
        return refs_of(self.kind, self.pane.chosen, lambda name: feed.table(name).rows)

    # --- the lines around -----------------------------------------------------------------------

    def header(self) -> Line:
        """What is listed, how much of it, and how true that is."""
        pane, table, now = self.pane, self.pane.table, self._bench.session.now()
        what = self.kind.name
        if pane.subject is not None:
            row = pane.grid.model.rows.get(pane.subject)
            label = self.kind.label(row) if row is not None else pane.subject[:12]
            what = f"{self.kind.title} {label}"
            if self._log_said and pane.showing == "log":
                what += f"  {self._log_said}"
        heard, trouble = None, ""
        if table is not None:
            trouble = table.status()
            at = table.fresh_at
            heard = None if at is None or not table.is_loaded else max(now - at, 0.0)
        total = 0 if pane.subject is not None else pane.grid.total_count
        return header(
            self._bench.session.name,
            what,
            pane.grid.row_count,
            total,
            self.host,
            heard,
            trouble,
            unicode=self._bench.unicode,
        )

    def about(self) -> Line:
        """The row under the cursor, in full."""
        rows = self.pane.grid.model.rows
        subject = self.pane.subject
        row = rows.get(subject) if subject is not None else self.pane.grid.cursor_row
        if self.is_docker:
            return about(self.kind, row)
        reason = row.build.reason if isinstance(row, BuildShown) else ""
        return line((f" {reason}", "state-failed")) if reason else line()

    # --- moving ---------------------------------------------------------------------------------

    def enter(self) -> None:
        """Open what is under the cursor."""
        if not self.pane.chosen:
            return
        if not self.is_docker or not self.kind.has_logs:
            self.view("describe")
        else:
            self.view("log")

    def back(self) -> bool:
        """One step back; False when that leaves the list."""
        pane = self.pane
        if pane.showing:
            self._end_log()
            pane.show_list()
        elif pane.needle:
            pane.filter("")
        elif pane.grid.marks:
            pane.grid.marks = frozenset()
        else:
            return False
        return True

    def view(self, view: str) -> None:
        """Show the log or a page of the thing under the cursor."""
        chosen = self.pane.chosen
        if not chosen:
            return
        key = self.pane.subject or self.kind.key(self.pane.grid.cursor_row or chosen[0])
        self._end_log()
        if view == "log":
            self._show_log(key)
        else:
            self.pane.show_page(view, key)
            self._read_page()

    def _news(self) -> None:
        if self.is_open:
            self._bench.frame.show()

    def tick(self) -> None:
        """A second went by while a run is at work."""
        if not self.is_docker:
            self.pane.grid.tick()
            self.thing_changed()

    def search(self, pattern: str) -> str | None:
        """Search in the log; why it can't, or None."""
        if not pattern:
            self.pane.log_pane.clear_search()
            return None
        try:
            self.pane.log_pane.search(pattern)
        except PatternError as error:
            return str(error)
        return None

    # --- pages ----------------------------------------------------------------------------------

    def thing_changed(self) -> None:
        """What the page is about is different now."""
        if self.pane.showing in ("describe", "inspect"):
            self._read_page()

    def _read_page(self) -> None:
        self._bench.run_worker(self._page(), group="page", exclusive=True, exit_on_error=True)

    async def _page(self) -> None:
        pane = self.pane
        key, view = pane.subject, pane.showing
        if key is None:
            return
        try:
            lines = await (self._describe(key, view) if self.is_docker else self._build(key))
        except MltuiError as error:
            lines = wrapped(str(error), pane.size.width - 2, "state-warning", " ")
        if (pane.subject, pane.showing) == (key, view):
            pane.show_page(view, key, lines)
            self._bench.frame.show()

    async def _describe(self, key: str, view: str) -> list[Line]:
        feed, kind = self.feed, self.kind
        if feed is None or kind.describe is None or kind.inspect is None:
            return [line((f" nothing more is known of a {kind.title}", "dim"))]
        if view == "inspect":
            return json_lines(await kind.inspect(feed.daemon, key, False))
        page = await kind.describe(feed.daemon, key, False)
        return page_lines(page, self.pane.size.width)

    async def _build(self, key: str) -> list[Line]:
        bench, row = self._bench, self._builds.get(key)
        if row is None:
            return []
        project = bench.session.project
        found = await asyncio.to_thread(self._reader.read, project, row.build)
        fault = found.steps.tree.fault if found.steps is not None else None
        place = place_of(fault)
        self._evidence = (key, place) if place is not None else None
        size = self.pane.size
        return build_lines(found, size.width, bench.moment, size.height)

    # --- logs -----------------------------------------------------------------------------------

    def _show_log(self, key: str) -> None:
        if not self.is_docker:
            row = self._builds.get(key)
            if row is None or not row.build.log:
                return
            file = self._bench.session.project.folder / row.build.log
        else:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="mltui-")
            file = Path(self._folder.name) / key[:32] / "log"
            file.parent.mkdir(exist_ok=True)
            file.touch()
            self._log = self._bench.run_worker(
                self._follow(key, file), group="watch", exit_on_error=True
            )
        self._log_file = file
        self.pane.show_log(key, LogIndex(file), key[:12])
        self._watch()

    async def _follow(self, key: str, file: Path) -> None:
        feed = self.feed
        assert feed is not None
        try:
            await feed.log_to(key, file, tail=LOG_LINES, said=self._log_state)
        except OSError as error:
            self._bench.notice(f"the log can't be kept here: {error.strerror}", bad=True)

    def _log_state(self, state: LogState) -> None:
        words = {
            Following.FOLLOWING: "",
            Following.ENDED: "ended",
            Following.GONE: "the container is gone",
        }
        self._log_said = words.get(state.following, state.why)
        self.pane.log_pane.wake()
        self._bench.frame.show()

    def _end_log(self) -> None:
        if self._log is not None:
            self._log.cancel()
            self._log = None
        self._log_file, self._log_said = None, ""
        self._watch()

    # --- builds ---------------------------------------------------------------------------------

    def journal_changed(self) -> None:
        """Builds may have begun or ended."""
        if self.is_open and not self.is_docker:
            self._read_builds()

    def files_changed(self, files: set[Path]) -> None:
        """A log or the steps of a build have more in them."""
        if self._log_file in files:
            self.pane.log_pane.wake()
        if files & self._build_files and not self.is_docker:
            self.thing_changed()
            self._read_builds()

    def _watch(self) -> None:
        files = set(self._build_files)
        if self._log_file is not None:
            files.add(self._log_file)
        self._bench.listing.watch(files)

    def _read_builds(self) -> None:
        self._bench.run_worker(self._load_builds(), group="builds", exclusive=True)

    async def _load_builds(self) -> None:
        project = self._bench.session.project

        def read() -> list[BuildShown]:
            with closing(project.journal()) as journal:
                rows = journal.builds(limit=MAX_BUILDS)
            return [self._shown(row) for row in rows]

        found: list[BuildShown] = []
        with suppress(MltuiError):
            found = await asyncio.to_thread(read)
        self._builds.replace(by_key(found, lambda row: row.build.id))
        self._build_files = {
            (project.folder / row.build.log).parent / STEPS
            for row in found
            if row.build.log and not row.build.state.is_final
        }
        self._watch()
        self.thing_changed()

    def _shown(self, row: Any) -> BuildShown:
        known = self._builds.get(row.id)
        if known is not None and known.build == row and row.state.is_final:
            return known
        share, size = self._reader.figures(self._bench.session.project, row)
        return BuildShown(row, share, size)

    # --- the host -------------------------------------------------------------------------------

    async def on_host(self, ask: Callable[[Daemon], Awaitable[T]]) -> T:
        """Do something with the Docker host. MltuiError."""
        if self.feed is None:
            self.feed = self.open_feed()
        return await ask(self.feed.daemon)

    def _watch_stats(self, keys: Sequence[str]) -> None:
        if self.feed is None:
            return
        wanted = self.is_open and self.is_docker and self.kind.has_stats
        self.feed.watch_stats(keys if wanted else ())
