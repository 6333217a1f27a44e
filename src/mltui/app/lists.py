"""Which list stands in place of the pipeline, and what is shown of its things.

Imported when the first list is opened, so that the app starts without it. Where lists come from (a
Docker host, Kubernetes, the journal's builds) is `app.sources`; those survive leaving the list, and
end with the app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mltui.actions.listed import DOCKER
from mltui.actions.lists import CLUSTER
from mltui.actions.selection import LISTS, PAGE, Selection
from mltui.app.listpages import ListPages
from mltui.app.look import Look
from mltui.app.panes.kind import KindPane
from mltui.app.present.builds import BuildShown
from mltui.app.present.kind import about, header, with_places
from mltui.app.present.line import Line, line
from mltui.app.sources.docker import DockerSource
from mltui.app.sources.source import Source
from mltui.live.daemon import Daemon
from mltui.live.feed import Feed
from mltui.live.kind import Kind

if TYPE_CHECKING:
    from mltui.app.listlogs import ListLogs
    from mltui.app.sources.builds import BuildSource
    from mltui.app.sources.kube import KubeSource
    from mltui.app.workbench import Workbench
    from mltui.live.kube.cluster import Cluster
    from mltui.live.kube.place import Where
    from mltui.live.verbs import Ref

    Trail = tuple[tuple[Where, str], ...]

T = TypeVar("T")


class Lists:
    """The list on screen. One for a workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.pane = KindPane()
        self.is_open = False
        self.pages = ListPages(bench, self)
        self._logs: ListLogs | None = None
        self.docker = DockerSource(bench)
        self._kube: KubeSource | None = None
        self._builds: BuildSource | None = None
        self.source: Source = self.docker
        self._title = ""
        self._name = ""
        self._trail: Trail = ()
        """Lists that led to this one by Enter, with where they looked."""
        self.pane.watch_rows = self._watch_rows
        self.pane.news = self._news
        self.pane.opened = bench.context.enter
        self.pane.thing_changed = self.thing_changed
        self.pane.elsewhere = self._elsewhere
        self.pane.went = lambda: bench.listing.namespaces.missed()

    @property
    def logs(self) -> ListLogs:
        """The logs of what is listed; loaded when the first is opened."""
        if self._logs is None:
            from mltui.app.listlogs import ListLogs

            self._logs = ListLogs(self._bench, self)
        return self._logs

    @property
    def kube(self) -> KubeSource:
        """Kubernetes; loaded when it is first asked for."""
        if self._kube is None:
            from mltui.app.sources.kube import KubeSource

            self._kube = KubeSource(self._bench)
        return self._kube

    @property
    def builds(self) -> BuildSource:
        """The project's builds; loaded when they are first asked for."""
        if self._builds is None:
            from mltui.app.sources.builds import BuildSource

            self._builds = BuildSource(self._bench, self._builds_changed)
        return self._builds

    # --- opening and leaving --------------------------------------------------------------------

    async def open(self, name: str, trail: Trail = ()) -> None:
        """Show a list. MltuiError when there is none of that name, or its host is not known.

        `trail`: the lists that Esc leads back to.
        """
        source: Source = self.docker
        if name == CLUSTER:
            name = self.kube.last
        if name not in DOCKER:
            source = self.builds if name == "builds" else self.kube
        opened = await source.open(name)
        if self.source is not source:
            self.source.leave()
        self.source, self._title = source, opened.title or opened.kind.name
        self._name, self._trail = name, trail
        self._end_log()
        self.pages.leave()
        settings = self._bench.workbench_app.settings
        self.pane.show(opened.kind, opened.table, Look.of(settings.look(opened.kind.name)))
        self.is_open = True

    def leave(self) -> None:
        """The pipeline is shown again; the tables are kept true for the next time."""
        self.is_open = False
        self._trail = ()
        self._end_log()
        self.pages.leave()
        self.pane.leave()
        self.source.leave()

    async def close(self) -> None:
        """The app ends."""
        if self._logs is not None:
            await self._logs.close()
        sources = (self.docker, self._kube, self._builds)
        await asyncio.gather(*(source.close() for source in sources if source is not None))

    # --- what is selected -----------------------------------------------------------------------

    @property
    def kind(self) -> Kind[Any]:
        """Of the list."""
        assert self.pane.kind is not None
        return self.pane.kind

    @property
    def name(self) -> str:
        """As it was opened: `pods`, `pods?app=web`."""
        return self._name

    @property
    def is_kube(self) -> bool:
        """The list is of Kubernetes."""
        return self.source is self._kube

    @property
    def is_choosing(self) -> bool:
        """It chooses where other lists look."""
        return self.is_kube and self._name in ("namespaces", "contexts")

    @property
    def feed(self) -> Feed:
        """The Docker host's."""
        return self.docker.feed

    def selection(self, base: Selection) -> Selection:
        """What actions act on here; the rest is as in the pipeline."""
        pane, table = self.pane, self.pane.table
        kind, things = self.acted()
        evidence = self._builds.evidence if self._builds is not None else None
        place = kind.name if kind.name in LISTS else "resources"
        position = evidence[1] if evidence is not None and evidence[0] == pane.subject else None
        return replace(
            base,
            place=PAGE if pane.showing else place,
            engine=kind.engine,
            kind=kind.name,
            verbs=kind.actions,
            has_logs=kind.has_logs or self.source is self._builds,
            things=things,
            is_empty=table is not None and table.is_loaded and not pane.grid.model.order,
            denied=self.kube.denied(kind, things) if self.is_kube else {},
            host=self.source.host,
            is_stale=table is not None and table.is_stale,
            is_read_only=self.is_kube and self.kube.is_read_only,
            position=position,
        )

    def acted(self) -> tuple[Kind[Any], tuple[Any, ...]]:
        """The kind and the rows that verbs act on; a row of a family stands for an object."""
        chosen = tuple(self.pane.chosen)
        return self.kube.acted(self.kind, chosen) if self.is_kube else (self.kind, chosen)

    def described(self) -> dict[str, Any]:
        """The list, its places, filter and look, for `Listing.show_view`."""
        places = {"places": self.kube.places_text} if self.is_kube else {}
        needle = {"filter": self.pane.needle} if self.pane.needle else {}
        return {"list": self._name, **places, **needle, **self.pane.look.raw}

    def refs(self) -> Sequence[Ref]:
        """What verbs act on."""
        return self.source.refs(self.kind, self.pane.chosen)

    # --- the lines around -----------------------------------------------------------------------

    def header(self) -> Line:
        """What is listed, how much of it, and how true that is."""
        pane, table, now = self.pane, self.pane.table, self._bench.session.now()
        arrow = "▸" if self._bench.unicode else ">"
        what = f" {arrow} ".join([*(name for _, name in self._trail), self._title])
        if pane.subject is not None:
            row = pane.grid.model.rows.get(pane.subject)
            label = self.kind.label(row) if row is not None else pane.subject[:12]
            what = f"{getattr(row, 'title', self.kind.title)} {label}"
        elif pane.showing:
            what = f"{len(pane.chosen)} {self.kind.name}"
        if pane.showing == "log" and self.logs.said:
            what += f"  {self.logs.said}"
        heard, trouble = None, ""
        if table is not None:
            trouble = table.status().partition(": ask for ")[0]  # the list says that too
            at = table.fresh_at
            heard = None if at is None or not table.is_loaded else max(now - at, 0.0)
        total = 0 if pane.showing else pane.grid.total_count
        made = header(
            self._bench.session.name,
            what,
            pane.grid.row_count,
            total,
            self.source.host,
            heard,
            trouble,
            band=self.source.band,
            unicode=self._bench.unicode,
        )
        if self._kube is None or not self.is_kube:
            return made
        return with_places(made, self._kube.numbered, self._bench.size.width)

    def about(self) -> Line:
        """The row under the cursor, in full."""
        rows = self.pane.grid.model.rows
        subject = self.pane.subject
        row = rows.get(subject) if subject is not None else self.pane.grid.cursor_row
        if self.source is not self._builds:
            return about(self.kind, row)
        reason = row.build.reason if isinstance(row, BuildShown) else ""
        return line((f" {reason}", "state-failed")) if reason else line()

    def _end_log(self) -> None:
        if self._logs is not None:
            self._logs.end()
        self.watch()

    # --- moving ---------------------------------------------------------------------------------

    def enter(self) -> None:
        """Open what is under the cursor: what it has, its log, or a page about it."""
        chosen = self.pane.chosen
        if not chosen:
            return
        if self.is_kube and self.kube_enter(chosen):
            return
        if self.kind.name == "compose":
            name = self.kind.label(self.pane.grid.cursor_row or chosen[0])
            self._bench.run_worker(self._members(name), group="list", exit_on_error=True)
            return
        has_log = self.kind.has_logs and self.source is not self._builds
        self.view("log" if has_log and getattr(chosen[0], "opens_log", True) else "describe")

    async def _members(self, project: str) -> None:
        """The containers of a Compose project."""
        await self.open("containers")
        self.pane.filter(f'"of {project}"')
        self._bench.frame.show()

    def kube_enter(self, chosen: Sequence[Any]) -> bool:
        """Into a namespace or a context, or to the pods that something stands for."""
        from mltui.app.sources.entering import into

        target = into(self.kind, chosen, self.kube.where)
        if target is None:
            return False
        where, name = target
        trail = (*self._trail, (self.kube.where, self._name)) if name else ()
        self._bench.listing.go(where, name or self.kube.last, trail)
        return True

    def back(self) -> bool:
        """One step back; False when that leaves the list."""
        pane = self.pane
        if pane.showing == "log" and pane.log_pane.back():
            return True
        if pane.showing:
            self._end_log()
            self.pages.leave()
            pane.show_list()
        elif pane.needle:
            pane.filter("")
        elif pane.grid.marks:
            pane.grid.marks = frozenset()
        elif self._trail:
            *before, (where, name) = self._trail
            self._bench.listing.go(where, name, tuple(before))
        else:
            return False
        return True

    def view(self, view: str) -> None:
        """Show the log or a page of the thing under the cursor."""
        chosen = self.pane.chosen
        if not chosen:
            return
        key = self.pane.subject or self.kind.key(self.pane.grid.cursor_row or chosen[0])
        if view == "tree":
            self.kube.tree_of = (self.kind, self.pane.grid.model.rows[key])
            trail = (*self._trail, (self.kube.where, self._name))
            self._bench.listing.go(self.kube.where, "tree", trail)
            return
        self._end_log()
        if view in ("log", "previous") or view.startswith("container:"):
            self.pages.leave()
            one = self.kind.key(chosen[0]) if len(chosen) == 1 else None
            self.logs.show(one, chosen, view.removeprefix("container:"))
        else:
            self.pages.show(view, key)

    def _elsewhere(self) -> str:
        """Where else there may be some, when none are listed."""
        if not self.is_kube:
            return ""
        if self._title != self.kind.name:  # those of a Deployment, of a node
            return "Esc goes back"
        from mltui.live.kube.place import contexts_of

        where = self.kube.where
        if any(place.namespace for place in where):
            gone = self._bench.listing.namespaces.vanished(where)
            return f"{gone}{'; ' if gone else ''}0 looks at all namespaces, N at another"
        return f"nowhere in {', '.join(contexts_of(where))}"

    def _news(self) -> None:
        if self.is_open:
            self._bench.frame.show()

    def tick(self) -> None:
        """A second went by while a run is at work."""
        if self.source is self._builds:
            self.pane.grid.tick()
            self.thing_changed()

    # --- pages ----------------------------------------------------------------------------------

    def thing_changed(self) -> None:
        """What the page is about is different now."""
        if self.pages.is_shown:
            self.pages.read()

    # --- files and the journal ------------------------------------------------------------------

    def journal_changed(self) -> None:
        """Builds may have begun or ended."""
        if self.is_open and self.source is self._builds:
            self.builds.read()

    def files_changed(self, files: set[Path]) -> None:
        """A log or the steps of a build have more in them."""
        if self._logs is not None:
            self._logs.files_changed(files)
        if self.source is self._builds and files & self.builds.files:
            self.thing_changed()
            self.builds.read()

    def _builds_changed(self) -> None:
        self.watch()
        if self.source is self._builds:
            self.thing_changed()

    def watch(self) -> None:
        """Hear of these files, and of no others."""
        files = set(self._builds.files) if self._builds is not None else set()
        if self._logs is not None:
            files |= self._logs.files
        self._bench.listing.watch(files)

    # --- the host -------------------------------------------------------------------------------

    async def on_host(self, ask: Callable[[Daemon], Awaitable[T]]) -> T:
        """Do something with the Docker host. MltuiError."""
        return await ask(self.docker.feed.daemon)

    async def on_cluster(self, context: str, ask: Callable[[Cluster], Awaitable[T]]) -> T:
        """Do something with a context's cluster. MltuiError."""
        feed = await self.kube.feed()
        return await ask(feed.clusters.cluster(context))

    def _watch_rows(self, keys: Sequence[str]) -> None:
        wanted = self.is_open and self.pane.kind is not None and self.kind.has_stats
        self.source.watch_rows(keys if wanted else ())
