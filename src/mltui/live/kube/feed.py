"""`KubeFeed`: live tables of Kubernetes kinds over a set of (context, namespace).

Made by the app's lists and by `mltui ls`; panes ask it for tables and listen to them. One watch for
each place and kind that is looked at; a cluster that is dead delays nothing else. Changing the
places keeps what stays and ends the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from mltui.errors import Unreachable, UsageError
from mltui.live.kind import Kind
from mltui.live.kube.cluster import Cluster, Clusters
from mltui.live.kube.metrics import Metrics
from mltui.live.kube.part import Part
from mltui.live.kube.place import ALL, Place, Where, contexts_of, normal, parse, text_of
from mltui.live.kube.table import PlacedTable

KEPT = 6
"""Tables that are followed at a time; of those left earlier the oldest is given up."""


class View:
    """One kind over some places, perhaps only what a selector chooses; owns its watches."""

    def __init__(self, kind: Kind[Any], clusters: Clusters, selector: str) -> None:
        self.kind, self.selector = kind, selector
        self._clusters = clusters
        self._tasks: dict[Place, asyncio.Task[None]] = {}
        self._parts: dict[Place, Part] = {}
        self.table: PlacedTable[Any] = PlacedTable(kind.name, heard=self._heard)
        self.metrics = Metrics(kind, self.table, clusters)

    def go(self, where: Sequence[Place]) -> None:
        """Look at these places. UsageError for a context that there is not."""
        from mltui.engines.kubernetes.watch import Typed, Watching

        watched = self.kind.watched
        assert watched is not None
        if not watched.resource.is_namespaced:
            where = [Place(context) for context in contexts_of(where)]
        for place in [place for place in self._tasks if place not in where]:
            self._tasks.pop(place).cancel()
            self._parts.pop(place).drop()
            self.table.forget(place)
        shape: Any = watched.shape or Typed(watched.item)
        is_field = self.selector.startswith(("spec.", "metadata.name="))
        by = "fieldSelector" if is_field else "labelSelector"
        query = {by: self.selector} if self.selector else None
        for place in where:
            if place in self._tasks:
                continue
            cluster = self._clusters.cluster(place.context)
            part = Part(self.kind, place, self.table)
            self.table.add(place)
            watching: Watching[Any] = Watching(
                cluster.client, watched.resource, place.namespace or None, shape, part, query=query
            )
            self._parts[place] = part
            task = asyncio.get_running_loop().create_task(watching.run())
            task.add_done_callback(_say_fault)
            self._tasks[place] = task
        self.metrics.go(where)

    def seed(self, rows: Sequence[Any]) -> None:
        """Rows of its one place that were seen a moment ago; the first list says what is."""
        if len(self._parts) == 1 and not self.table.is_loaded and not self.table.rows:
            next(iter(self._parts.values())).put_rows(rows)

    async def close(self) -> None:
        """End its watches; the table says nothing more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        self._tasks.clear()
        self.table.close()
        await self.metrics.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _heard(self) -> float | None:
        """The place that was heard of least lately decides."""
        contexts = contexts_of(list(self._tasks))
        at = [self._clusters.cluster(context).heard_at for context in contexts]
        known = [each for each in at if each is not None]
        return min(known) if known else None


class KubeFeed:
    """Live tables over places. Belongs to the event loop in which the first is asked for."""

    def __init__(self, clusters: Clusters, where: Where) -> None:
        self.clusters = clusters
        self.where = normal(where)
        self._views: dict[tuple[str, str], View] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The places, for headers and sentences."""
        return text_of(self.where)

    def view(self, kind: Kind[Any], selector: str = "", where: Where | None = None) -> View:
        """A kind's view, followed from now on. UsageError for a context that there is not."""
        key = (kind.name, selector)
        found = self._views.pop(key, None)
        if found is None:
            found = View(kind, self.clusters, selector)
        self._views[key] = found
        found.go(self.where if where is None else where)
        for old in list(self._views)[:-KEPT]:
            self._end(self._views.pop(old))
        return found

    def go(self, where: Iterable[Place]) -> None:
        """Look elsewhere: tables on screen follow, others are given up."""
        self.where = normal(where)
        for key in list(self._views)[:-1]:
            self._end(self._views.pop(key))
        for view in self._views.values():
            view.go(self.where)

    def cluster_of(self, row: Any) -> Cluster:
        """The cluster that a row is of."""
        return self.clusters.cluster(row.context)

    async def loaded(self, kind: Kind[Any], timeout_s: float, selector: str = "") -> View:
        """A view once every place was listed, or is known not to answer.

        The first place's trouble is raised when none was listed; Unreachable after the time.
        """
        view = self.view(kind, selector)
        table = view.table
        tried = asyncio.Event()
        end = table.listen(lambda changes: tried.set())
        try:
            async with asyncio.timeout(timeout_s):
                while not table.is_settled:
                    tried.clear()
                    await tried.wait()
        except TimeoutError:
            if not table.is_loaded:
                raise Unreachable(table.why or f"{self.name} does not answer") from None
        finally:
            end()
        return view

    async def close(self) -> None:
        """End everything."""
        await asyncio.gather(*(view.close() for view in self._views.values()), *self._closing)
        self._views.clear()
        await self.clusters.close()

    def _end(self, view: View) -> None:
        task = asyncio.get_running_loop().create_task(view.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def start_places(
    clusters: Clusters, context: str | None = None, namespace: str | None = None
) -> Where:
    """Where one is at first: the current context's namespace. UsageError without a context."""
    chosen = clusters.config.context(context)
    name = chosen.namespace if namespace is None else namespace
    return (Place(chosen.name, ALL if name == "*" else name),)


def first_places(clusters: Clusters, kept: str = "") -> Where:
    """Where one was last (`kept`), as far as that is still known, else where one is at first."""
    where = start_places(clusters)
    with suppress(UsageError):
        where = parse(kept, clusters.config.contexts, where) or where
    return where


def _say_fault(task: asyncio.Task[None]) -> None:
    """A fault of mltui's own must not pass unseen."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        said = {"message": "a watch broke", "exception": fault}
        asyncio.get_running_loop().call_exception_handler(said)
