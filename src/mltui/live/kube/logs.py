"""Logs of pods into files of timed lines, followed; and which pods an object stands for.

Called for the logs that are on screen and by `mltui logs`. When a container is restarted, the rest
of the log before is fetched first; then its next log follows.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import msgspec

from mltui.errors import MltuiError, Unreachable, UsageError
from mltui.live.gaps import KUBELET
from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import selector_text
from mltui.live.kinds.kube._pod import Pod, PodRow, read_pod
from mltui.live.kube.cluster import Cluster, status_of
from mltui.live.kube.nodefiles import NodeFiles
from mltui.live.logstate import Following, LogState
from mltui.live.taking import take
from mltui.live.timedlog import TimedFile
from mltui.live.times import read_time
from mltui.live.told import LOSS, RESTARTED
from mltui.logs.timed import Note


async def pods_of(cluster: Cluster, kind: Kind[Any], row: Any) -> list[PodRow]:
    """The pods that an object stands for, those that need a person first. MltuiError."""
    from mltui.engines.kubernetes.resources import PODS

    if kind.name == "pods":
        return [row]
    chosen = kind.watched.pods(row) if kind.watched is not None and kind.watched.pods else ()
    if not chosen:
        raise UsageError(f"{kind.title} {row.name} has no pods of its own")
    selector = selector_text(dict(chosen))
    found = await cluster.client.get(
        PODS, row.namespace, query={"labelSelector": selector, "limit": 500}
    )
    pods = [
        read_pod(msgspec.convert(raw, Pod), row.context) for raw in (found or {}).get("items") or ()
    ]
    rank = {"failed": 0, "warning": 1, "running": 2}
    pods.sort(key=lambda pod: (rank.get(pod.state, 3), -(pod.created_at or 0)))
    return pods


async def choose_pod(cluster: Cluster, kind: Kind[Any], row: Any, which: str) -> tuple[PodRow, str]:
    """Whose log is meant: a pod and one of its containers. UsageError when there is none."""
    pods = await pods_of(cluster, kind, row)
    if not pods:
        raise UsageError(f"{kind.title} {row.name} has no pods now: no log")
    pod = pods[0]
    names = (*pod.containers, *pod.init_containers)
    if not names:
        raise UsageError(f"pod {pod.name} has no containers")
    if which in names:
        return pod, which
    waits_for_init = pod.status.startswith("Init:") and pod.init_containers
    return pod, pod.init_containers[0] if waits_for_init else names[0]


@dataclass(frozen=True, slots=True)
class PodPlace:
    """A container of a pod."""

    namespace: str
    pod: str
    container: str


async def log_to(
    cluster: Cluster,
    place: PodPlace,
    path: Path,
    *,
    follow: bool = True,
    is_previous: bool = False,
    reads_first: bool = False,
    since_s: int | None = None,
    tail: int | None = None,
    notes: list[Note] | None = None,
    said: Callable[[LogState], None] = lambda state: None,
) -> LogState:
    """Write a container's log, with times, to `path` until its pod is over or gone.

    `tail`: begin so many lines before the end; None: take all there is. `notes` get what is to be
    said between lines; `said` hears of every change. OSError when the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = TimedFile(path, keeping=KUBELET, begins_late=since_s is not None, tail=tail, notes=notes)
    reading = _Reading(cluster, place, file, is_previous, since_s, tail)
    known: LogState | None = None

    def say(state: LogState) -> LogState:
        nonlocal known
        if state != known:
            known = state
            said(state)
        return state

    def hear(state: LogState) -> None:
        say(state)

    try:
        await take(
            file,
            reading.chunks,
            follow=follow and not is_previous,
            goes_on=reading.goes_on,
            said=hear,
            reads_first=reads_first and follow and not is_previous,
            waits=reading.waits,
            again=reading.again,
            files=reading.files,
            older=reading.older,
        )
    except MltuiError as error:
        if status_of(error) == 404:
            return say(LogState(Following.GONE))
        return say(LogState(Following.REFUSED, str(error)))
    finally:
        file.close()
    return say(LogState(Following.GONE if reading.is_gone else Following.ENDED))


class _Reading:
    """One container's log: which of its instances is read."""

    def __init__(
        self,
        cluster: Cluster,
        place: PodPlace,
        file: TimedFile,
        is_previous: bool,
        since_s: int | None,
        tail: int | None,
    ) -> None:
        self._cluster, self._place, self._file = cluster, place, file
        self._is_previous, self._since_s, self._tail = is_previous, since_s, tail
        self._restarts: int | None = None
        self._now: dict[str, Any] | None = None
        """The pod, as it was just asked for."""
        self.files = NodeFiles(cluster, *astuple(place))
        """See `taking.Files`."""
        self.is_gone = False

    async def older(self) -> AsyncGenerator[bytes]:
        """See `taking.Older`."""
        self._now = pod = await self._pod()
        self._is_read(pod)
        if await self.files.can_be_read():
            since = self._since_s and time.time() + self._file.skew_s - self._since_s
            reading = self.files.older(since, self._tail)
            async with aclosing(reading):
                async for data in reading:
                    yield data

    def _is_read(self, pod: dict[str, Any]) -> int:
        """How often the container was started again until the instance that is read."""
        restarts = max(self._count(pod) - self._is_previous, 0)
        self._file.skew_s = self._cluster.client.skew_s
        self.files.are_of(pod, restarts)
        if not restarts:
            at = self._started_at(pod)
            if at is not None and self._since_s is not None:
                at = max(at, time.time() + self._file.skew_s - self._since_s)
            self._file.began(at)
        return restarts

    async def chunks(self, since: str, follow: bool) -> AsyncGenerator[bytes]:
        """See `timedlog.Chunks`."""
        pod, self._now = self._now or await self._pod(), None
        restarts = self._is_read(pod)
        before, self._restarts = self._restarts, restarts
        if before is not None and restarts > before:
            if restarts > before + 1:
                self._file.note(f"{LOSS}: {restarts - before} restarts at once")
            elif since:
                async for data in self._rest_of_before(since):
                    yield data
            self._file.note(f"{RESTARTED} ({restarts})")
        elif before is None and restarts and not self._is_previous:
            self._file.note(f"{RESTARTED} {restarts} time{'s' * (restarts > 1)} before this")
        async for data in self._log(since, follow, self._is_previous):
            yield data

    async def again(self, since: str) -> AsyncGenerator[bytes]:
        """See `taking.Again`: only the newest file is to be had, and of this instance."""
        restarts = self._count(await self._pod()) - self._is_previous
        if self._restarts is not None and restarts != self._restarts:
            raise Unreachable("the container was restarted")
        async for data in self._log(since, False, self._is_previous):
            yield data

    async def _rest_of_before(self, since: str) -> AsyncIterator[bytes]:
        data = b"\n"
        try:
            async for data in self._log(since, False, True):
                yield data
            if not data.endswith(b"\n"):
                yield b"\n"
        except Unreachable:
            raise
        except MltuiError:
            self._file.note(f"{LOSS}: the log before the restart is not kept any more")

    async def _log(self, since: str, follow: bool, previous: bool) -> AsyncGenerator[bytes]:
        query: dict[str, Any] = {
            "container": self._place.container, "timestamps": True, "follow": follow,
            "previous": previous or None,
        }  # fmt: skip
        if since:
            query["sinceTime"] = since
        elif self._since_s is not None:
            query["sinceSeconds"] = self._since_s
        if not since and self._tail is not None:
            query["tailLines"] = self._tail
        async with self._cluster.client.log(
            self._place.namespace, self._place.pod, query
        ) as pieces:
            async for data in pieces:
                self._cluster.client.heard()
                yield data

    async def _pod(self) -> dict[str, Any]:
        from mltui.engines.kubernetes.resources import PODS

        found = await self._cluster.client.get(PODS, self._place.namespace, self._place.pod)
        return found or {}

    def _status(self, pod: dict[str, Any]) -> dict[str, Any]:
        status = pod.get("status") or {}
        for part in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
            for each in status.get(part) or ():
                if each.get("name") == self._place.container:
                    return dict(each)
        return {}

    def _count(self, pod: dict[str, Any]) -> int:
        """How often the container was started again."""
        return int(self._status(pod).get("restartCount") or 0)

    def _started_at(self, pod: dict[str, Any]) -> float | None:
        state = self._status(pod).get("state") or {}
        standing = state.get("running") or state.get("terminated") or {}
        return read_time(standing.get("startedAt"))

    async def goes_on(self) -> bool:
        """Whether more may come after an end."""
        try:
            found = await self._pod()
        except Unreachable:
            return True
        except MltuiError:
            self.is_gone = True
            return False
        phase = (found.get("status") or {}).get("phase")
        return phase in ("Pending", "Running", "Unknown") and not self._is_done(found)

    def _is_done(self, pod: dict[str, Any]) -> bool:
        """Whether the container ended and is not started again, though its pod runs on."""
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        for part, states in (
            ("containers", "containerStatuses"),
            ("initContainers", "initContainerStatuses"),
        ):
            declared = {each.get("name"): each for each in spec.get(part) or ()}
            for each in status.get(states) or ():
                over = (each.get("state") or {}).get("terminated")
                if each.get("name") != self._place.container or over is None:
                    continue
                policy = spec.get("restartPolicy") or "Always"
                if part == "initContainers" and policy == "Always":
                    policy = "OnFailure"  # they are done once; a sidecar has its own word
                policy = (declared.get(self._place.container) or {}).get("restartPolicy") or policy
                is_good = not over.get("exitCode") and not over.get("signal")
                return policy == "Never" or (policy == "OnFailure" and is_good)
        return False

    def waits(self, error: MltuiError) -> str:
        """A container that is not there yet: `ContainerCreating`, an image that can't be had."""
        if status_of(error) != 400 or self._is_previous:
            return ""
        return str(getattr(error, "message", "") or error)
