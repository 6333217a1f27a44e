"""Brings logs of containers and pods into files while `mltui logs` prints them, in a thread.

The thread has an event loop of its own; it ends with the process. Which objects a target means is
found out here too, and pods of a selector that come later join.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mltui.errors import MltuiError, UsageError
from mltui.live.kube.logs import PodPlace
from mltui.live.timedlog import Following, LogState
from mltui.logs.timed import Note

_LOOK_AGAIN_S = 2.0


@dataclass(slots=True)
class Stream:
    """One log that is being brought into a file."""

    label: str
    path: Path
    is_over: bool = False
    notes: list[Note] = field(default_factory=list)
    """What is to be said between its lines."""
    about: dict[str, Any] = field(default_factory=dict)
    """What its lines' JSON objects say of it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked of the logs."""

    follow: bool
    previous: bool
    container: str
    namespaces: tuple[str, ...]
    context: str
    selector: str
    since_s: int | None
    tail: int | None = None
    """Of a log that is followed: begin so many lines before its end."""


class Pumps:
    """All streams of one call. `said` hears sentences for the person, in the thread."""

    def __init__(self, wish: Wish, said: Callable[[str], None]) -> None:
        self.streams: list[Stream] = []
        self.error: MltuiError | None = None
        """Why nothing can be had."""
        self.is_over = False
        self._wish = wish
        self._said = said
        self._told: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="mltui-logs-")
        self._lock = threading.Lock()
        self.is_found = threading.Event()
        """The first objects are known, or there is an error."""

    def start(self, targets: Sequence[str]) -> None:
        """Begin, in a thread that ends with the process."""
        threading.Thread(target=self._run, args=(list(targets),), daemon=True).start()

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def _run(self, targets: list[str]) -> None:
        try:
            asyncio.run(self._all(targets))
        except MltuiError as error:
            self.error = error
        except OSError as error:
            self.error = UsageError(f"the logs can't be kept here: {error.strerror}")
        finally:
            self.is_over = True
            self.is_found.set()

    async def _all(self, targets: list[str]) -> None:
        from mltui.live.daemon import opened

        docker = [each.partition("/")[2] for each in targets if each.startswith("container/")]
        kube = [each for each in targets if not each.startswith("container/")]
        work: list[Coroutine[Any, Any, None]] = []
        if kube or self._wish.selector:
            work.append(self._kube(kube))
        if docker:
            async with opened() as daemon:
                work += [await self._container(daemon, name) for name in docker]
                await asyncio.gather(*work)
        else:
            await asyncio.gather(*work)

    def _new(self, label: str, about: dict[str, Any]) -> Stream:
        with self._lock:
            path = Path(self._folder.name) / str(len(self.streams))
            path.touch()
            stream = Stream(label, path, about=about)
            self.streams.append(stream)
        return stream

    async def _container(self, daemon: Any, name: str) -> Coroutine[Any, Any, None]:
        found = await daemon.get(f"/containers/{name}/json")
        shown = str(found.get("Name") or name).lstrip("/")
        stream = self._new(shown, {"container": shown})
        self.is_found.set()

        async def follow() -> None:
            from mltui.live.logs import log_to

            try:
                state = await log_to(
                    daemon,
                    found["Id"],
                    stream.path,
                    follow=self._wish.follow,
                    tail=self._wish.tail,
                    notes=stream.notes,
                    said=lambda state: self._hear(shown, state),
                )
                self._hear(shown, state)
            finally:
                stream.is_over = True

        return follow()

    def _hear(self, label: str, state: LogState) -> None:
        """Say what keeps a log from being followed, once."""
        words = f"{label}: {state.why}"
        if state.why and self._told.get(label) != words:
            self._said(words)
        self._told[label] = words
        if state.following is Following.FOLLOWING:
            self._told.pop(label)

    # --- Kubernetes -----------------------------------------------------------------------------

    async def _kube(self, targets: list[str]) -> None:
        from mltui.live.kube.cluster import open_clusters
        from mltui.live.kube.listing import places_of

        wish = self._wish
        clusters = await asyncio.to_thread(open_clusters)
        try:
            contexts = [wish.context] if wish.context else []
            places = places_of(clusters, contexts, wish.namespaces)
            tasks: dict[tuple[str, str, str], asyncio.Task[None]] = {}
            is_first = True
            while True:
                found: dict[tuple[str, str, str], tuple[Any, PodPlace]] = {}
                for place in places:
                    cluster = clusters.cluster(place.context)
                    for pod in await self._pods(cluster, place.namespace, targets):
                        for each in self._containers(pod):
                            key = (place.context, str(pod["metadata"].get("uid")), each.container)
                            found[key] = (cluster, each)
                if is_first and not found:
                    what = ", ".join(targets) or f"label {wish.selector}"
                    where = ", ".join(place.text for place in places)
                    raise UsageError(f"no pods of {what} in {where}")
                for key, (cluster, each) in found.items():
                    if key not in tasks:
                        many = sum(p.pod == each.pod for _, p in found.values()) > 1
                        label = f"{each.pod}/{each.container}" if many else each.pod
                        if not is_first:
                            self._said(f"{label} joined")
                        tasks[key] = asyncio.create_task(self._pod(cluster, each, label))
                is_first = False
                self.is_found.set()
                if not wish.follow or wish.previous:
                    await asyncio.gather(*tasks.values())
                    return
                await asyncio.sleep(_LOOK_AGAIN_S)
                is_named = targets and all(each.startswith("pod/") for each in targets)
                if is_named and all(task.done() for task in tasks.values()):
                    return
        finally:
            await clusters.close()

    async def _pods(self, cluster: Any, namespace: str, targets: list[str]) -> list[dict[str, Any]]:
        from mltui.engines.kubernetes.resources import PODS

        query: dict[str, Any] = {"limit": 500}
        if self._wish.selector:
            query["labelSelector"] = self._wish.selector
            answer = await cluster.client.get(PODS, namespace or None, query=query)
            return list((answer or {}).get("items") or ())
        found: list[dict[str, Any]] = []
        for target in targets:
            word, _, name = target.partition("/")
            if word in ("pod", "pods", "po"):
                try:
                    found.append(await cluster.client.get(PODS, namespace or "default", name))
                except MltuiError as error:
                    if getattr(error, "status", 0) != 404 or self.is_found.is_set():
                        raise
            else:
                found += await self._pods_of(cluster, namespace, word, name)
        return found

    async def _pods_of(
        self, cluster: Any, namespace: str, word: str, name: str
    ) -> list[dict[str, Any]]:
        """The pods that another object selects (Deployment, Job, Service, …)."""
        from mltui.engines.kubernetes.resources import PODS
        from mltui.live.kube.listing import known

        kind = known(word)
        if kind is None or kind.watched is None or kind.watched.pods is None:
            raise UsageError(f"{word}/{name}: a {word} has no pods of its own")
        raw = await cluster.client.get(kind.watched.resource, namespace or "default", name)
        spec = (raw or {}).get("spec") or {}
        selector = spec.get("selector") or {}
        labels = selector.get("matchLabels", selector) if isinstance(selector, dict) else {}
        if not labels:
            raise UsageError(f"{word}/{name} selects no pods")
        text = ",".join(f"{key}={value}" for key, value in labels.items())
        query = {"labelSelector": text, "limit": 500}
        answer = await cluster.client.get(PODS, namespace or "default", query=query)
        return list((answer or {}).get("items") or ())

    def _containers(self, pod: dict[str, Any]) -> list[PodPlace]:
        """Those whose log is meant and that have one."""
        meta, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
        found = []
        for part, states in (
            ("containers", "containerStatuses"),
            ("initContainers", "initContainerStatuses"),
        ):
            known = {each.get("name"): each for each in status.get(states) or ()}
            for each in spec.get(part) or ():
                name = each["name"]
                if self._wish.container and name != self._wish.container:
                    continue
                if part == "initContainers" and not self._wish.container:
                    continue
                state = (known.get(name) or {}).get("state") or {}
                if "running" in state or "terminated" in state or self._wish.previous:
                    found.append(PodPlace(meta["namespace"], meta["name"], name))
        return found

    async def _pod(self, cluster: Any, place: PodPlace, label: str) -> None:
        from mltui.live.kube.logs import log_to

        about = {"namespace": place.namespace, "pod": place.pod, "container": place.container}
        stream = self._new(label, about)
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
                said=lambda state: self._hear(label, state),
            )
            self._hear(label, state)
            if wish.follow:
                self._said(f"{label} left")
        finally:
            stream.is_over = True
