"""A container's log of a pod into a file that a log pane can show, followed.

Called for the log that is on screen. The server gives times only to the second to go on from, so
lines that were taken already are told by their own times. When a container is restarted its next
log follows; the one before is asked for by itself (`previous`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mltui.errors import MltuiError, Unreachable, UsageError
from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import selector_text
from mltui.live.kinds.kube._pod import Pod, PodRow, read_pod
from mltui.live.kube.cluster import Cluster, status_of
from mltui.live.logs import Following, LogState

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 4.0
_AGAIN_S = 2.0
"""An ended container is looked at so often for whether it was started again."""


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


async def log_to(
    cluster: Cluster,
    namespace: str,
    pod: str,
    container: str,
    path: Path,
    *,
    tail: int,
    is_previous: bool = False,
    said: Callable[[LogState], None] = lambda state: None,
) -> LogState:
    """Write a container's log to `path` until the pod is gone or this is cancelled.

    Begins `tail` lines before its end. `said` hears of every change. OSError when the file can't
    be written.
    """
    state = LogState(Following.FOLLOWING)

    def say(following: Following, why: str = "") -> LogState:
        nonlocal state
        new = LogState(following, why)
        if new != state:
            state = new
            said(new)
        return new

    place = _Place()
    pause_s = _FIRST_PAUSE_S
    with path.open("wb", buffering=0) as file:
        while True:
            query: dict[str, Any] = {
                "container": container, "timestamps": True, "follow": not is_previous,
                "previous": is_previous or None,
            }  # fmt: skip
            query |= {"sinceTime": place.since} if place.since else {"tailLines": tail}
            try:
                async with cluster.client.log(namespace, pod, query) as chunks:
                    say(Following.FOLLOWING)
                    async for data in chunks:
                        cluster.client.heard()
                        if text := place.feed(data):
                            file.write(text)
                if text := place.end():
                    file.write(text)
                pause_s = _FIRST_PAUSE_S
                if is_previous:
                    return say(Following.ENDED)
                say(Following.ENDED)
                await asyncio.sleep(_AGAIN_S)
            except Unreachable as error:
                place.end()
                say(Following.LOST, str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            except MltuiError as error:
                if status_of(error) == 404:
                    return say(Following.GONE)
                if status_of(error) == 400 and not is_previous:
                    # Its container waits: `ContainerCreating`, an image that can't be pulled.
                    say(Following.LOST, getattr(error, "message", "") or str(error))
                    await asyncio.sleep(_AGAIN_S)
                    continue
                return say(Following.REFUSED, str(error))


class _Place:
    """How far a log was taken, by the times of its lines."""

    def __init__(self) -> None:
        self.since = ""
        """Time of the last line that was taken."""
        self._same = 0
        """Lines of that time."""
        self._rest = b""
        self._skip_time = b""
        self._skip = 0

    def feed(self, data: bytes) -> bytes:
        """The text that is new, without times."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(self._take(line + b"\n") for line in lines)

    def end(self) -> bytes:
        """What is left of a last line; the next connection begins anew."""
        rest, self._rest = self._rest, b""
        text = self._take(rest) if rest else b""
        self._skip_time, self._skip = self.since.encode("ascii"), self._same
        return text

    def _take(self, line: bytes) -> bytes:
        time, space, text = line.partition(b" ")
        if not space or not time[:4].isdigit():
            return line  # the server's own words, such as that a log can't be read
        if self._skip_time:
            if _moment(time) < _moment(self._skip_time):
                return b""
            if time == self._skip_time and self._skip:
                self._skip -= 1
                return b""
        word = time.decode("ascii", "replace")
        self._same = self._same + 1 if word == self.since else 1
        self.since = word
        return text


def _moment(time: bytes) -> tuple[bytes, bytes]:
    """A time of RFC 3339 in UTC so that it compares: whole seconds, then padded decimals."""
    head, _, rest = time.rstrip(b"Z").partition(b".")
    return head, rest.ljust(9, b"0")
