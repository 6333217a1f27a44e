"""The pods whose logs `mltui logs` brings: those that are there, and those that join later.

One list says what there is, or that there is nothing; then a watch tells of each container that
begins, so that the log of a pod that lives for a second is not missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mltui.cli.logshints import no_container, no_pods
from mltui.errors import MltuiError, UsageError
from mltui.live.kube.logs import PodPlace

if TYPE_CHECKING:
    from mltui.cli.logpumps import Pumps, Stream, Wish
    from mltui.live.kube.cluster import Cluster


PARTS = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)
"""Where a pod's containers are declared, and how they stand; in the order in which they begin."""
_POD = ("pod", "pods", "po")
_NAMES = 5
_AT_ONCE = 50
"""Logs that are fetched at a time where nothing is followed."""


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which pods are meant: of a cluster, of a namespace (None: all of them)."""

    cluster: Cluster
    namespace: str | None
    labels: str = ""
    fields: tuple[str, ...] = ()
    """Label and field selectors."""
    name: str = ""
    """Of the one pod that is meant."""
    pattern: str = "*"
    """Of their names, as a shell's."""
    containers: tuple[str, ...] = ()
    """Patterns of the containers that are meant; none: all."""
    without: tuple[str, ...] = ()
    """Pods that are not meant."""

    @property
    def query(self) -> dict[str, str]:
        named = (f"metadata.name={self.name}",) if self.name else ()
        fields = ",".join((*named, *self.fields))
        found = {"labelSelector": self.labels, "fieldSelector": fields}
        return {name: text for name, text in found.items() if text}

    async def pods(self) -> list[dict[str, Any]]:
        """Those that are there now. One that is named needs no right to list them. MltuiError."""
        from mltui.engines.kubernetes.resources import PODS
        from mltui.live.kube.cluster import status_of

        client = self.cluster.client
        if self.name and self.namespace and not self.fields:
            try:
                return [await client.get(PODS, self.namespace, self.name) or {}]
            except MltuiError as error:
                if status_of(error) == 404:
                    return []
                raise
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {**self.query, "limit": 500}
        while True:
            page = await client.get(PODS, self.namespace, query=query) or {}
            found += page.get("items") or ()
            if not (rest := (page.get("metadata") or {}).get("continue")):
                return found
            query["continue"] = rest

    def has(self, pod: dict[str, Any]) -> bool:
        name = str(pod["metadata"]["name"])
        return fnmatchcase(name, self.pattern) and not _fits(name, self.without)


class Pods:
    """The pods of these targets; `pod/*` with a selector."""

    def __init__(self, pumps: Pumps, wish: Wish, targets: Sequence[str]) -> None:
        self._pumps, self._wish, self._targets = pumps, wish, targets
        self._logs: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._is_first = True
        self._ended = asyncio.Event()
        self._fetching = asyncio.Semaphore(_AT_ONCE)
        self._has_contexts = self._has_namespaces = False
        """Names alone do not tell where a pod is."""
        self._is_spread = False
        """They are looked for in several places: each need be in one of these only."""
        self._met: set[str] = set()
        """Targets that are there."""

    async def run(self) -> None:
        """Bring their logs until they are over. MltuiError when none can be had."""
        from mltui.engines.kubernetes.resources import PODS
        from mltui.engines.kubernetes.watch import Typed, Watching
        from mltui.live.kube.cluster import open_clusters
        from mltui.live.kube.listing import places_of
        from mltui.live.kube.place import contexts_of

        wish = self._wish
        clusters = await asyncio.to_thread(open_clusters)
        watches: list[asyncio.Task[None]] = []
        try:
            places = places_of(clusters, wish.contexts, wish.namespaces)
            self._has_contexts = len(contexts_of(places)) > 1
            self._has_namespaces = len(places) > 1 or any(not each.namespace for each in places)
            self._is_spread = len(places) > 1
            chosen: list[_Selection] = []
            for place in places:
                cluster = clusters.cluster(place.context)
                chosen += await self._selections(cluster, place.namespace or None)
            if absent := [target for target in self._targets if target not in self._met]:
                where = ", ".join(place.text for place in places)
                raise UsageError(f"there is no {absent[0]} in {where}")
            pods: list[dict[str, Any]] = []
            for each in chosen:
                for pod in filter(each.has, await each.pods()):
                    self.take(each, pod)
                    pods.append(pod)
            what = ", ".join(self._targets)
            if wish.selector:
                what = f"label {wish.selector}"
            where = ", ".join(place.text for place in places)
            if not pods and not (wish.follow and self._may_grow):
                raise await no_pods(clusters, places, what, self._targets)
            there = {str(pod["metadata"]["name"]) for pod in pods}
            gone = [f"pod/{each.name}" for each in chosen if each.name and each.name not in there]
            if gone:
                gone = list(dict.fromkeys(gone))
                raise await no_pods(clusters, places, ", ".join(gone), gone)
            if not pods:
                self._pumps.said(f"no pods of {what} in {where} yet")
            waits = wish.follow and not wish.previous
            if pods and not self._logs and (not waits or not self._has_any(pods, chosen)):
                asked = [each for one in chosen for each in one.containers]
                if wish.previous and self._has_any(pods, chosen):
                    raise UsageError(f"nothing of {what} in {where} was restarted: no log before")
                raise no_container(pods, what, where, asked, wish.without_containers)
            if pods and not self._logs:
                names = [str(pod["metadata"]["name"]) for pod in pods[:_NAMES]]
                self._pumps.said(f"nothing has begun in {', '.join(names)} yet")
            self._is_first = False
            self._pumps.is_found.set()
            if not wish.follow or wish.previous:
                await asyncio.gather(*self._logs.values())
                return
            for each in chosen:
                watching = Watching(
                    each.cluster.client, PODS, each.namespace, Typed(dict), _Joining(self, each),
                    query=each.query,
                )  # fmt: skip
                watches.append(asyncio.create_task(watching.run()))
            await self._until_over()
        finally:
            for watch in watches:
                watch.cancel()
            for log in self._logs.values():
                log.cancel()
            await clusters.close()

    @property
    def _may_grow(self) -> bool:
        """Others may always come: not where each target is a pod's own name."""
        parts = map(split_target, self._targets)
        return any(word not in _POD or is_pattern(name) for word, name, _ in parts)

    def _has_any(self, pods: Sequence[dict[str, Any]], chosen: Sequence[_Selection]) -> bool:
        """Whether a pod has a container that is meant, begun or not."""
        return any(self._meant(each, pod) for each in chosen for pod in pods if each.has(pod))

    async def _until_over(self) -> None:
        """Named pods end; of a selector others may always come."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            for log in self._logs.values():
                if log.done():
                    log.result()
            if not self._may_grow and all(log.done() for log in self._logs.values()):
                return

    async def _selections(self, cluster: Cluster, namespace: str | None) -> list[_Selection]:
        wish = self._wish
        found: list[_Selection] = []
        for target in self._targets:
            word, name, container = split_target(target)
            containers = (container,) if container else wish.containers
            places, pod, pattern = [(namespace, wish.selector)], "", "*"
            if word not in _POD:
                places = await self._selectors(cluster, namespace, target)
            elif is_pattern(name):
                pattern = name
            else:
                pod = name
            if places:
                self._met.add(target)
            found += [
                _Selection(
                    cluster, of, labels, wish.fields, pod, pattern, containers, wish.without_pods
                )
                for of, labels in places
            ]
        return found

    async def _selectors(
        self, cluster: Cluster, namespace: str | None, target: str
    ) -> list[tuple[str | None, str]]:
        """Namespace and labels of the pods that another object selects (Deployment, Job, …)."""
        from mltui.live.kube.anykind import any_kind
        from mltui.live.kube.cluster import status_of
        from mltui.live.kube.listing import known
        from mltui.live.kube.reaching import selector_of

        word, name, _ = split_target(target)
        kind = known(word) or await any_kind(cluster, word)
        if kind.watched is None:
            raise UsageError(f"{target}: a {word} has no pods of its own")
        query = {"fieldSelector": f"metadata.name={name}"}
        resource = kind.watched.resource
        if namespace is None:
            raws = (await cluster.client.get(resource, None, query=query) or {}).get("items") or ()
        else:
            try:
                raws = (await cluster.client.get(resource, namespace, name),)
            except MltuiError as error:
                if not self._is_spread or status_of(error) != 404:
                    raise
                return []
        found: list[tuple[str | None, str]] = []
        for raw in raws:
            selector = ((raw or {}).get("spec") or {}).get("selector") or {}
            is_plain = "matchLabels" not in selector and "matchExpressions" not in selector
            labels = selector_of({"matchLabels": selector} if is_plain else selector)
            if not labels:
                own = f": those of its Jobs are `'{name}-*'`" if kind.name == "cronjobs" else ""
                raise UsageError(f"{target} selects no pods{own}")
            found.append((str(raw["metadata"]["namespace"]), labels))
        if not found and not self._is_spread:
            raise UsageError(f"there is no {target} in any namespace of {cluster.name}")
        return found

    def take(self, selection: _Selection, pod: dict[str, Any]) -> None:
        """A pod that is new or changed: follow those of its containers that began."""
        meta, cluster = pod["metadata"], selection.cluster
        meant = self._meant(selection, pod)
        for container, status in meant.items():
            key = (cluster.name, str(meta.get("uid")), container)
            state = status.get("state") or {}
            has_log = "running" in state or "terminated" in state
            if self._wish.previous:
                has_log = "terminated" in (status.get("lastState") or {})
            if key in self._logs or not has_log:
                continue
            parts = [meta["name"]] if len(meant) == 1 else [meta["name"], container]
            if self._has_namespaces:
                parts.insert(0, meta["namespace"])
            if self._has_contexts:
                parts.insert(0, cluster.name)
            label = "/".join(parts)
            if not self._is_first:
                self._pumps.said(f"{label} joined")
            place = PodPlace(meta["namespace"], meta["name"], container)
            is_news = not self._is_first or "terminated" not in state
            ends = self._wish.follow and is_news
            about = {"namespace": place.namespace, "pod": place.pod, "container": container}
            if self._has_contexts:
                about = {"context": cluster.name, **about}
            stream = self._pumps.new(label, about, says_end=ends)
            log = asyncio.create_task(self._bring(cluster, place, stream))
            log.add_done_callback(lambda _: self._ended.set())
            self._logs[key] = log

    def _meant(self, selection: _Selection, pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The containers whose logs are meant, and how each stands."""
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        found: dict[str, dict[str, Any]] = {}
        for part, states in PARTS:
            known = {each.get("name"): each for each in status.get(states) or ()}
            for each in spec.get(part) or ():
                name = each["name"]
                is_meant = not selection.containers or _fits(name, selection.containers)
                if is_meant and not _fits(name, self._wish.without_containers):
                    found[name] = known.get(name) or {}
        return found

    async def _bring(self, cluster: Cluster, place: PodPlace, stream: Stream) -> None:
        from mltui.live.kube.logs import log_to

        wish, label = self._wish, stream.label
        try:
            async with AsyncExitStack() as stack:
                if not wish.follow:
                    await stack.enter_async_context(self._fetching)
                state = await log_to(
                    cluster,
                    place,
                    stream.path,
                    follow=wish.follow,
                    is_previous=wish.previous,
                    since_s=wish.since_s,
                    tail=wish.tail,
                    notes=stream.notes,
                    said=lambda state: self._pumps.hear(label, state),
                )
            self._pumps.hear(label, state)
        finally:
            stream.is_over = True


class _Joining:
    """What a watch of pods tells; who left is known by the end of its log."""

    def __init__(self, pods: Pods, selection: _Selection) -> None:
        self._pods, self._selection = pods, selection

    def put(self, items: Sequence[dict[str, Any]]) -> None:
        for pod in filter(self._selection.has, items):
            self._pods.take(self._selection, pod)

    page = put

    def begin(self) -> None: ...
    def listed(self) -> None: ...
    def lives(self) -> None: ...
    def gone(self, items: Sequence[dict[str, Any]]) -> None: ...
    def lost(self, error: MltuiError) -> None: ...


def split_target(target: str) -> tuple[str, str, str]:
    """Kind, name and container of `pod/web-1/proxy`; the last may be empty."""
    word, _, rest = target.partition("/")
    name, _, container = rest.partition("/")
    return word, name, container


def is_pattern(name: str) -> bool:
    """Whether it stands for several names."""
    return any(each in name for each in "*?[")


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, each) for each in patterns)
