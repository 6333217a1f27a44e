"""Logs of containers and pods into files with their times, for merging and for scripts.

`mltui logs` follows any number of these at once. Each line in the file is as the host gave it, its
time before it; so what is there already tells where to go on after a broken connection, and nothing
is lost or doubled. Where the host may have thrown lines away, a gap says from when to when.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, Unreachable
from mltui.live.times import read_time

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.kube.cluster import Cluster

_TAIL_BYTES = 64 << 20
"""How much of the file's end is compared with what comes again; two seconds of most logs."""
_LOSS_BYTES = 64 * 1024
"""A pause in which a log would have written this much, at its speed before, may be a loss."""
_FAST = 200_000.0
"""Bytes a second that a host may throw away unread; it keeps tens of megabytes."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_AGAIN_S = 0.5

Chunks = Callable[[str], AsyncIterator[bytes]]
"""Asks for the log from a time on (RFC 3339; empty: from its beginning), times before lines."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines may be missing here."""

    offset: int
    """Of the file, where the next line begins."""
    from_at: float
    to_at: float


class TimedFile:
    """A file of timed lines that grows; made anew for each call of `mltui logs`."""

    def __init__(self, path: Path, *, watches_gaps: bool) -> None:
        self.path = path
        self.gaps: list[Gap] = []
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size
        self._watches_gaps = watches_gaps
        self._rest = b""
        self._last = b""
        self._again: Counter[bytes] = Counter()
        self._until = b""
        self._rate = 0.0  # bytes a second, by the lines' own times

    @property
    def since(self) -> str:
        """From when to ask for more: a second before the last line; empty: from the beginning."""
        at = _moment(self._last)
        if at is None:
            return ""
        return (at - timedelta(seconds=1)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")

    def begin(self) -> None:
        """A new connection: what comes from `since` on may be there already."""
        self._rest = b""
        self._again.clear()
        since = self.since.removesuffix("Z").encode("ascii")
        self._until = self._last
        if not since:
            return
        start = max(self._size - _TAIL_BYTES, 0)
        tail = os.pread(self._fd, self._size - start, start)
        lines = tail.split(b"\n")
        del lines[-1]
        for line in reversed(lines):
            if line[: len(since)] < since:
                break
            self._again[line] += 1

    def feed(self, data: bytes) -> None:
        """What came."""
        whole, _, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if whole:
            self._add(whole)

    def end(self, *, is_over: bool) -> None:
        """The connection ended; with *is_over* a last line without newline is kept."""
        if self._rest and is_over:
            self._add(self._rest)
        self._rest = b""

    def _add(self, whole: bytes) -> None:
        if self._until:
            kept = []
            for line in whole.split(b"\n"):
                if self._again.get(line):
                    self._again[line] -= 1
                else:
                    kept.append(line)
                    if line.partition(b" ")[0] > self._until and not +self._again:
                        self._until = b""
            whole = b"\n".join(kept)
            if not whole:
                return
        if self._watches_gaps:
            self._look_for_gaps(whole)
        last = whole[whole.rfind(b"\n") + 1 :].partition(b" ")[0]
        if _moment(last) is not None:
            self._last = max(last, self._last)
        view = memoryview(whole + b"\n")
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]

    def _look_for_gaps(self, whole: bytes) -> None:
        """Note pauses in which a log this fast would have written much."""
        offset, before = self._size, _seconds(self._last)
        first = _seconds(whole[:40].partition(b" ")[0])
        last = _seconds(whole[whole.rfind(b"\n") + 1 :].partition(b" ")[0])
        if first is None or last is None:
            return
        start = first if before is None else before
        if self._rate > _FAST and self._rate * (last - start) > _LOSS_BYTES:
            for line in whole.split(b"\n"):
                at = _seconds(line.partition(b" ")[0])
                if (
                    at is not None
                    and before is not None
                    and self._rate * (at - before) > (_LOSS_BYTES + len(line))
                ):
                    self.gaps.append(Gap(offset, before, at))
                before = at if at is not None else before
                offset += len(line) + 1
        took = max(last - first, 0.2)
        self._rate = 0.7 * self._rate + 0.3 * len(whole) / took if self._rate else len(whole) / took

    def close(self) -> None:
        """Give back the descriptor."""
        os.close(self._fd)


def _moment(time: bytes) -> datetime | None:
    if len(time) < 19 or not time[:4].isdigit():
        return None
    try:
        return datetime.fromisoformat(time[:19].decode("ascii")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _seconds(time: bytes) -> float | None:
    """Within a day and roughly, which is what pauses need; None if it is no time."""
    if len(time) < 20 or time[10:11] != b"T":
        return None
    try:
        clock = int(time[11:13]) * 3600 + int(time[14:16]) * 60 + int(time[17:19])
        return (
            int(time[8:10]) * 86_400
            + clock
            + float(b"0" + time[19:-1] if time[19:20] == b"." else 0)
        )
    except ValueError:
        return None


async def take(
    file: TimedFile,
    chunks: Chunks,
    *,
    follow: bool,
    goes_on: Callable[[], Awaitable[bool]],
    said: Callable[[str], None] = lambda words: None,
) -> None:
    """Add what the file lacks until the log is over; with *follow* also over broken connections.

    *goes_on* is asked after an end: whether more may come. MltuiError when the host refuses.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        file.begin()
        try:
            async for data in chunks(file.since):
                file.feed(data)
            pause_s = _FIRST_PAUSE_S
        except Unreachable as error:
            file.end(is_over=False)
            if not follow:
                raise
            said(str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            continue
        file.end(is_over=True)
        if not follow or not await goes_on():
            return
        await asyncio.sleep(_AGAIN_S)


# --- Docker -------------------------------------------------------------------------------------


async def container_chunks(
    daemon: Daemon, key: str, since: str, *, follow: bool, is_terminal: bool, tail: int | None
) -> AsyncIterator[bytes]:
    """A container's log, both streams, each line once with one time."""
    from mltui.engines.docker.frames import BadFrame, Demux

    at = read_time(since) if since else None
    query: dict[str, object] = {
        "stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if follow else "0",
        "since": f"{at:.0f}" if at is not None else "0",
    }  # fmt: skip
    if at is None and tail is not None:
        query["tail"] = str(tail)
    demux = Demux()
    open_: dict[int, bytes] = {}
    try:
        async with daemon.stream("GET", f"/containers/{key}/logs", query) as response:
            async for data in response.chunks():
                if is_terminal:
                    yield data
                    continue
                out: list[bytes] = []
                for stream, text in demux.feed(data):
                    if stream in open_:  # the rest of a long line has a time of its own
                        text = open_.pop(stream) + text.partition(b" ")[2]
                    if text.endswith(b"\n"):
                        out.append(text)
                    else:
                        open_[stream] = text
                if out:
                    yield b"".join(out)
    except BadFrame as error:
        raise Unreachable(f"{daemon.name} sends an odd log: {error}") from error
    for text in open_.values():
        yield text + b"\n"


async def follow_container(
    daemon: Daemon,
    key: str,
    path: Path,
    *,
    follow: bool,
    tail: int | None = None,
    said: Callable[[str], None],
) -> None:
    """A container's log into a file, until it has ended. MltuiError."""
    found = await daemon.get(f"/containers/{key}/json")
    is_terminal = bool((found.get("Config") or {}).get("Tty"))

    def chunks(since: str) -> AsyncIterator[bytes]:
        return container_chunks(
            daemon, key, since, follow=follow, is_terminal=is_terminal, tail=tail
        )

    async def goes_on() -> bool:
        try:
            now = await daemon.get(f"/containers/{key}/json")
        except Unreachable:
            return True
        except MltuiError:
            return False
        return bool((now.get("State") or {}).get("Running"))

    file = TimedFile(path, watches_gaps=False)
    try:
        await take(file, chunks, follow=follow, goes_on=goes_on, said=said)
    finally:
        file.close()


# --- Kubernetes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PodPlace:
    """A container of a pod."""

    namespace: str
    pod: str
    container: str


async def follow_pod(
    cluster: Cluster,
    place: PodPlace,
    file: TimedFile,
    *,
    follow: bool,
    previous: bool,
    since_s: int | None,
    tail: int | None = None,
    said: Callable[[str], None],
) -> None:
    """A container's log of a pod into a file, until the pod is over or gone. MltuiError."""

    async def chunks(since: str) -> AsyncIterator[bytes]:
        query: dict[str, Any] = {
            "container": place.container, "timestamps": True, "follow": follow and not previous,
            "previous": previous or None,
        }  # fmt: skip
        if since:
            query["sinceTime"] = since
        elif since_s is not None:
            query["sinceSeconds"] = since_s
        if not since and tail is not None:
            query["tailLines"] = tail
        async with cluster.client.log(place.namespace, place.pod, query) as pieces:
            async for data in pieces:
                yield data

    async def goes_on() -> bool:
        from mltui.engines.kubernetes.resources import PODS

        try:
            found = await cluster.client.get(PODS, place.namespace, place.pod)
        except Unreachable:
            return True
        except MltuiError:
            return False
        status = (found or {}).get("status") or {}
        return status.get("phase") in ("Pending", "Running", "Unknown")

    await take(file, chunks, follow=follow and not previous, goes_on=goes_on, said=said)
