"""Lists of Kubernetes resources, over the namespaces and clusters that the person looks at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.app import guarded
from mltui.app.present.kind import page_lines, text_lines
from mltui.app.present.line import Line
from mltui.app.sources.source import LogOf, Logs, Opened, once, options_of, target_of
from mltui.errors import MltuiError, UsageError
from mltui.live.kind import Kind
from mltui.live.kube.cluster import Clusters, open_clusters
from mltui.live.kube.contexts import CONTEXTS, context_table
from mltui.live.kube.feed import KubeFeed, View, first_places
from mltui.live.kube.forwards import FORWARDS, Forwards
from mltui.live.kube.listing import kind_for, known, shown_columns
from mltui.live.kube.one import One, find_one
from mltui.live.kube.place import ALL, Place, Where, contexts_of, normal, parse, text_of
from mltui.live.kube.rights import denied, learn
from mltui.live.kube.tree import TREE, Family, TreeRow
from mltui.logs.timed import Note

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.live.kinds.kube._pod import PodRow
    from mltui.live.kube.cluster import Cluster
    from mltui.live.logstate import LogState
    from mltui.live.table import Table
    from mltui.live.verbs import Ref
    from mltui.spec.model import Target

FAVOURITES = 9
EVERY = "*"
"""In place of a container's name: all that the pod has."""


class KubeSource:
    """All clusters of the person's kubeconfig; connected when the first list is opened."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.open_clusters: Callable[[], Clusters] = open_clusters
        self.forwards = Forwards()
        self._feed: KubeFeed | None = None
        self._view: View | None = None
        self._family: Family | None = None
        self._numbered: tuple[str, list[tuple[str, str, bool]]] | None = None
        self.tree_of: tuple[Kind[Any], Any] | None = None
        """The object whose family is listed next."""
        self._name = "pods"
        """The kind that is listed, or was before namespaces or contexts were."""

    # --- where ----------------------------------------------------------------------------------

    async def feed(self) -> KubeFeed:
        """The tables. UsageError without a usable kubeconfig."""
        if self._feed is None:
            clusters = await asyncio.to_thread(self.open_clusters)
            kept = self._bench.workbench_app.settings.places()
            where = first_places(clusters, kept[0] if kept else "")
            if self._feed is None:
                self._feed = KubeFeed(clusters, where)
        return self._feed

    @property
    def is_used(self) -> bool:
        """A list was shown."""
        return self._view is not None

    @property
    def reading(self) -> Table[Any] | None:
        """The table on screen while its first list comes."""
        view = self._view
        return None if view is None or view.table.is_settled else view.table

    @property
    def where(self) -> Where:
        """What is looked at; empty before the first list."""
        return self._feed.where if self._feed is not None else ()

    @property
    def host(self) -> str:
        """See `Source`."""
        return text_of(self.where)

    @property
    def band(self) -> str:
        """See `Source`: what targets of the project, or the config file, say of these places."""
        return guarded.band(self.where, self._targets, self._said, self._current)

    @property
    def is_read_only(self) -> bool:
        """A target of the project forbids to change anything here."""
        return self.forbids(self.where)

    def forbids(self, where: Where) -> bool:
        """Whether a target of the project, or the config file, forbids changes in these places."""
        return guarded.forbids(where, self._targets, self._said, self._current)

    @property
    def _targets(self) -> Collection[Target]:
        session, seen = self._bench.session, self._bench.workbench_app.seen
        spec = session.spec or session.facts.spec
        if spec is not None:
            return spec.targets.values()
        return seen.targets if seen is not None else ()

    @property
    def _said(self) -> guarded.Said:
        said: guarded.Said = self._bench.workbench_app.config.get("contexts")
        return said

    @property
    def _current(self) -> str:
        return self._feed.clusters.config.current if self._feed is not None else ""

    async def go(self, where: Iterable[Place]) -> None:
        """Look elsewhere, and remember it. UsageError for an unknown context."""
        feed = await self.feed()
        chosen = normal(where)
        for context in contexts_of(chosen):
            feed.clusters.config.context(context)
        feed.go(chosen)
        self._bench.workbench_app.settings.keep_place(text_of(chosen))

    async def parse(self, text: str) -> Where:
        """What a person typed for namespaces. UsageError."""
        feed = await self.feed()
        found = parse(text, feed.clusters.config.contexts, feed.where)
        if not found:
            raise UsageError("name a namespace, several (`dev,prod`), or `*` for all")
        return found

    @property
    def numbered(self) -> list[tuple[str, str, bool]]:
        """Places with the keys that lead there, for the header; see `with_places`."""
        here = text_of(self.where)
        if self._numbered is None or self._numbered[0] != here:
            contexts = {text.partition("/")[0] for text in (here, *self.favourites())}
            is_all = all(place.namespace == ALL for place in self.where)
            found = [("0", "all", is_all)]
            for number, text in enumerate(self.favourites(), 1):
                name = text.partition("/")[2] if len(contexts) == 1 else text
                found.append((str(number), name, text == here))
            self._numbered = here, found
        return self._numbered[1]

    def favourites(self) -> list[str]:
        """Places by number, from 1; the one that was used first stays on its number."""
        return self._bench.workbench_app.settings.favourite_places()[:FAVOURITES]

    # --- lists ----------------------------------------------------------------------------------

    async def open(self, name: str) -> Opened:
        """See `Source`. `name` may be any resource, or `pods` with `?LABELS`."""
        if name == "forwards":
            self.leave()
            return Opened(FORWARDS, self.forwards.table)
        feed = await self.feed()
        word, _, selector = name.partition("?")
        if word == "tree":
            return await self._tree(feed)
        if word == "contexts":
            self.leave()
            return Opened(CONTEXTS, context_table(feed.clusters, feed.where))
        kind = await kind_for(feed.clusters, feed.where, word)
        if kind.name != "namespaces":
            self._name = name
        self._bench.run_worker(
            learn(feed.clusters, kind, feed.where), group="rights", exclusive=True
        )
        view = feed.view(kind, selector)
        if self._view is not None and self._view is not view:
            self._view.metrics.watch(())
        self._view = view
        seen = self._bench.workbench_app.seen
        if seen is not None and (seen.kind.name, seen.host) == (name, self.host):
            view.seed(seen.rows)
        shown = replace(kind, columns=shown_columns(kind, feed.where))
        title = f"{kind.name} {selector}" if selector else kind.name
        return Opened(shown, view.table, title)

    async def peek(self, name: str, wait_s: float) -> tuple[Kind[Any], Table[Any]]:
        """A list to look for a name in, not to show. UsageError without a kubeconfig."""
        feed = await self.feed()
        kind = await kind_for(feed.clusters, feed.where, name)
        return kind, (await feed.loaded(kind, wait_s)).table

    async def _tree(self, feed: KubeFeed) -> Opened:
        if self.tree_of is None:
            raise UsageError("put the cursor on an object, then `T` shows its family")
        kind, row = self.tree_of
        if isinstance(row, TreeRow):
            one = await self._one(row)
            kind, row = one.kind, one.row
        self.leave()
        if self._family is not None:
            await self._family.close()
        self._family = Family(feed.clusters)
        await self._family.open(feed.cluster_of(row), kind, row)
        self._bench.run_worker(
            self._learn(feed.clusters, self._family), group="rights", exclusive=True
        )
        return Opened(TREE, self._family.table, f"tree of {kind.title} {row.name}")

    async def _learn(self, clusters: Clusters, family: Family) -> None:
        await asyncio.gather(*(learn(clusters, kind, (family.place,)) for kind in family.kinds))

    def acted(self, kind: Kind[Any], rows: Sequence[Any]) -> tuple[Kind[Any], tuple[Any, ...]]:
        """What verbs on these rows act on: of a family's rows the objects that they show.

        Of several kinds at once they can only be deleted.
        """
        found = [self._thing(row) for row in rows if isinstance(row, TreeRow)]
        things = [each for each in found if each is not None]
        if not things or len(things) < len(rows):
            return kind, tuple(rows)
        first = things[0][0]
        if all((each.name, each.actions) == (first.name, first.actions) for each, _ in things):
            return first, tuple(row for _, row in things)
        is_any = all("delete" in each.actions for each, _ in things)
        return replace(kind, actions=("delete",) if is_any else ()), tuple(rows)

    def _thing(self, row: TreeRow) -> tuple[Kind[Any], Any] | None:
        return self._family.thing(row) if self._family is not None else None

    async def _one(self, row: TreeRow) -> One:
        """The object that a row of a tree shows; of a container its pod."""
        feed = await self.feed()
        word, name = ("pods", row.pod) if row.of == "containers" else (row.of, row.name)
        return await find_one(
            feed.clusters, word, name, context=row.context, namespace=row.namespace
        )

    def denied(self, kind: Kind[Any], rows: Sequence[Any]) -> dict[str, str]:
        """What one may not do to these rows; see `live.kube.rights`."""
        return denied(self._feed.clusters, kind, rows) if self._feed is not None else {}

    @property
    def places_text(self) -> str:
        """Where one looks, as one would type it."""
        return text_of(self.where)

    @property
    def last(self) -> str:
        """The list to go back to from those of namespaces and contexts."""
        return self._name

    def knows(self, word: str) -> bool:
        """Whether a word is a kind with columns of its own."""
        return known(word) is not None

    def leave(self) -> None:
        """See `Source`."""
        self.watch_rows(())

    def watch_rows(self, keys: Sequence[str]) -> None:
        """See `Source`."""
        if self._view is not None:
            self._view.metrics.watch(keys)

    def refs(self, kind: Kind[Any], rows: Iterable[Any]) -> Sequence[Ref]:
        """See `Source`."""
        from mltui.live.verbs import ref_of

        out = []
        for row in rows:
            found = self._thing(row) if isinstance(row, TreeRow) else (kind, row)
            out.append(row.ref if found is None else ref_of(*found))
        return out

    # --- pages and logs -------------------------------------------------------------------------

    async def page(self, view: str, kind: Kind[Any], row: Any, width: int) -> list[Line]:
        """See `Source`."""
        from mltui.live.kube.describe import describe, yaml_text

        feed = await self.feed()
        if isinstance(row, TreeRow):
            one = await self._one(row)
            kind, row = one.kind, one.row
        if kind.watched is None:
            raise MltuiError(f"nothing more is known of a {kind.title}")
        cluster = feed.cluster_of(row)
        if view == "history":
            from mltui.live.kube.verbs.rollback import history
            from mltui.live.verbs import ref_of

            word = getattr(row, "word", "")
            return page_lines(await history(cluster, ref_of(kind, row), word), width)
        if view == "describe":
            return page_lines(await describe(cluster, kind, row), width)
        return text_lines(await yaml_text(cluster, kind, row, secrets=view == "secrets"))

    async def logs(
        self, kind: Kind[Any], rows: Sequence[Any], folder: Path, which: str
    ) -> Logs | None:
        """See `Source`."""
        from mltui.live.kube.comers import MOST
        from mltui.live.kube.logs import choose_pod, pods_of

        feed = await self.feed()
        if len(rows) == 1 and which == "log":
            cluster = feed.cluster_of(rows[0])
            of, thing = kind, rows[0]
            if isinstance(thing, TreeRow) and thing.of not in ("pods", "containers"):
                one = await self._one(thing)
                of, thing = one.kind, one.full
            if of.watched is not None and of.watched.pods is not None and of.watched.pods(thing):
                title = f"{of.title} {thing.name}, all pods"
                come = self._of_all(cluster, of, thing, folder)
                return Logs(title, come, target=target_of(of, thing), options=options_of([thing]))
        logs: list[LogOf] = []
        targets: list[str] = []
        for row in rows:
            cluster, asked = feed.cluster_of(row), which
            of, thing, is_part = kind, row, False
            if isinstance(row, TreeRow):
                is_part = row.of == "containers"
                asked = row.name if is_part and which in ("log", "previous") else which
                one = await self._one(row)
                of, thing = one.kind, one.full
            if which == EVERY or (which == "log" and len(rows) > 1 and not is_part):
                targets.append(target_of(of, thing))
                for pod in (await pods_of(cluster, of, thing))[:MOST]:
                    logs += self._of_pod(cluster, pod, folder)
                continue
            pod, container = await choose_pod(cluster, of, thing, asked)
            logs.append(self.log_of(cluster, pod, container, folder, which))
            targets.append(logs[-1].target)
        if not logs:
            raise UsageError("none of these has pods now: no log")
        several = f"{rows[0].name}, all containers" if len(rows) == 1 else f"{len(rows)} together"
        title = logs[0].label if len(logs) == 1 else several
        options = options_of(rows)
        if which == "previous":
            title += " · before"
            options += " --previous"
        target = " ".join(dict.fromkeys(targets))
        return Logs(title, once(*logs), len(logs) == 1, target, options)

    async def _of_all(
        self, cluster: Cluster, kind: Kind[Any], row: Any, folder: Path
    ) -> AsyncGenerator[Sequence[LogOf], None]:
        """The logs of all pods of an object, and of those that come."""
        from mltui.live.kube.comers import comers

        async with aclosing(comers(cluster, kind, row)) as coming:
            async for pods in coming:
                yield [log for pod in pods for log in self._of_pod(cluster, pod, folder)]

    def _of_pod(self, cluster: Cluster, pod: PodRow, folder: Path) -> list[LogOf]:
        """The logs of all its containers, those that prepare it first."""
        names = (*pod.init_containers, *pod.containers)
        return [self.log_of(cluster, pod, name, folder) for name in names]

    def log_of(
        self, cluster: Cluster, pod: PodRow, container: str, folder: Path, which: str = ""
    ) -> LogOf:
        """The log of a container of a pod; *which* may be `previous`."""
        from mltui.live.kube.logs import PodPlace, log_to

        place = PodPlace(pod.namespace, pod.name, container)
        file = folder / f"{pod.uid}-{container}".replace("/", "_") / "log"
        is_one = len(pod.containers) + len(pod.init_containers) == 1
        label = pod.name if is_one else f"{pod.name} · {container}"
        target = f"pod/{pod.name}" if is_one else f"pod/{pod.name}/{container}"
        notes: list[Note] = []

        def follow(
            said: Callable[[LogState], None], tail: int | None
        ) -> Coroutine[Any, Any, object]:
            return log_to(
                cluster, place, file, reads_first=True, is_previous=which == "previous",
                tail=tail, notes=notes, said=said,
            )  # fmt: skip

        return LogOf(file, label, follow, notes, target)

    async def close(self) -> None:
        """See `Source`."""
        await self.forwards.close()
        if self._family is not None:
            await self._family.close()
        if self._feed is not None:
            await self._feed.close()
