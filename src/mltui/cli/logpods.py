"""The pods whose logs `mltui logs` brings: those that are there, and those that join later.

One list says what there is, or that there is nothing; then a watch tells of each container that
begins, so that the log of a pod that lives for a second is not missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, UsageError
from mltui.live.kube.logs import PodPlace

if TYPE_CHECKING:
    from mltui.cli.logpumps import Pumps, Wish
    from mltui.live.kube.cluster import Cluster


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which pods are meant: of a cluster, of a namespace (None: all of them)."""

    cluster: Cluster
    namespace: str | None
    query: dict[str, str]
    """A label or field selector."""
    pattern: str = "*"
    """Of their names, as a shell's."""

    def has(self, pod: dict[str, Any]) -> bool:
        return fnmatchcase(str(pod["metadata"]["name"]), self.pattern)


class Pods:
    """The pods of these targets, or of the wish's selector."""

    def __init__(self, pumps: Pumps, wish: Wish, targets: Sequence[str]) -> None:
        self._pumps, self._wish, self._targets = pumps, wish, targets
        self._logs: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._is_first = True
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Bring their logs until they are over. MltuiError when none can be had."""
        from mltui.engines.kubernetes.resources import PODS
        from mltui.engines.kubernetes.watch import Typed, Watching
        from mltui.live.kube.cluster import open_clusters
        from mltui.live.kube.listing import places_of

        wish = self._wish
        clusters = await asyncio.to_thread(open_clusters)
        watches: list[asyncio.Task[None]] = []
        try:
            places = places_of(clusters, [wish.context] if wish.context else [], wish.namespaces)
            chosen: list[_Selection] = []
            for place in places:
                cluster = clusters.cluster(place.context)
                chosen += await self._selections(cluster, place.namespace or None)
            pods: list[str] = []
            for each in chosen:
                query: dict[str, Any] = {**each.query, "limit": 500}
                found = await each.cluster.client.get(PODS, each.namespace, query=query)
                for pod in filter(each.has, (found or {}).get("items") or ()):
                    self.take(each.cluster, pod)
                    pods.append(str(pod["metadata"]["name"]))
            what = ", ".join(self._targets) or f"label {wish.selector}"
            where = ", ".join(place.text for place in places)
            if not pods:
                raise UsageError(f"no pods of {what} in {where}")
            if not self._logs and not wish.follow:
                raise UsageError(
                    f"no log of {what} in {where} yet: nothing has begun in {', '.join(pods[:5])} "
                    "(`-f` waits for it)"
                )
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
            await clusters.close()

    async def _until_over(self) -> None:
        """Named pods end; of a selector others may always come."""
        names = [_name(each) for each in self._targets]
        is_named = bool(names) and all(name and not _is_pattern(name) for name in names)
        while True:
            await self._ended.wait()
            self._ended.clear()
            for log in self._logs.values():
                if log.done():
                    log.result()
            if is_named and all(log.done() for log in self._logs.values()):
                return

    async def _selections(self, cluster: Cluster, namespace: str | None) -> list[_Selection]:
        if self._wish.selector:
            return [_Selection(cluster, namespace, {"labelSelector": self._wish.selector})]
        found: list[_Selection] = []
        for target in self._targets:
            name, query, pattern = _name(target), {}, "*"
            if _is_pattern(name):
                pattern = name
            elif name:
                query["fieldSelector"] = f"metadata.name={name}"
            else:
                query["labelSelector"] = await self._selector(cluster, namespace, target)
            found.append(_Selection(cluster, namespace or "default", query, pattern))
        return found

    async def _selector(self, cluster: Cluster, namespace: str | None, target: str) -> str:
        """Of the pods that another object selects (Deployment, Job, Service, …)."""
        from mltui.live.kube.listing import known

        word, _, name = target.partition("/")
        kind = known(word)
        if kind is None or kind.watched is None or kind.watched.pods is None:
            raise UsageError(f"{target}: a {word} has no pods of its own")
        raw = await cluster.client.get(kind.watched.resource, namespace or "default", name)
        spec = (raw or {}).get("spec") or {}
        selector = spec.get("selector") or {}
        labels = selector.get("matchLabels", selector) if isinstance(selector, dict) else {}
        if not labels:
            raise UsageError(f"{target} selects no pods")
        return ",".join(f"{key}={value}" for key, value in labels.items())

    def take(self, cluster: Cluster, pod: dict[str, Any]) -> None:
        """A pod that is new or changed: follow those of its containers that began."""
        meta = pod["metadata"]
        for container, is_only in self._containers(pod):
            key = (cluster.name, str(meta.get("uid")), container)
            if key in self._logs:
                continue
            label = meta["name"] if is_only else f"{meta['name']}/{container}"
            if not self._is_first:
                self._pumps.said(f"{label} joined")
            place = PodPlace(meta["namespace"], meta["name"], container)
            log = asyncio.create_task(self._bring(cluster, place, label))
            log.add_done_callback(lambda _: self._ended.set())
            self._logs[key] = log

    def _containers(self, pod: dict[str, Any]) -> list[tuple[str, bool]]:
        """Those whose log is meant and that have one; whether no other of the pod is meant."""
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        wish, found, meant = self._wish, [], 0
        for part, states in (
            ("containers", "containerStatuses"),
            ("initContainers", "initContainerStatuses"),
        ):
            known = {each.get("name"): each for each in status.get(states) or ()}
            for each in spec.get(part) or ():
                name = each["name"]
                if wish.container and name != wish.container:
                    continue
                if part == "initContainers" and not wish.container:
                    continue
                meant += 1
                state = (known.get(name) or {}).get("state") or {}
                if "running" in state or "terminated" in state or wish.previous:
                    found.append(name)
        return [(name, meant == 1) for name in found]

    async def _bring(self, cluster: Cluster, place: PodPlace, label: str) -> None:
        from mltui.live.kube.logs import log_to

        about = {"namespace": place.namespace, "pod": place.pod, "container": place.container}
        stream = self._pumps.new(label, about)
        wish = self._wish
        try:
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
            if wish.follow:
                self._pumps.said(f"{label} left")
        finally:
            stream.is_over = True


class _Joining:
    """What a watch of pods tells; who left is known by the end of its log."""

    def __init__(self, pods: Pods, selection: _Selection) -> None:
        self._pods, self._selection = pods, selection

    def put(self, items: Sequence[dict[str, Any]]) -> None:
        for pod in filter(self._selection.has, items):
            self._pods.take(self._selection.cluster, pod)

    page = put

    def begin(self) -> None: ...
    def listed(self) -> None: ...
    def lives(self) -> None: ...
    def gone(self, items: Sequence[dict[str, Any]]) -> None: ...
    def lost(self, error: MltuiError) -> None: ...


def _name(target: str) -> str:
    """Of a target that is one pod."""
    word, _, name = target.partition("/")
    return name if word in ("pod", "pods", "po") else ""


def _is_pattern(name: str) -> bool:
    return any(each in name for each in "*?[")
