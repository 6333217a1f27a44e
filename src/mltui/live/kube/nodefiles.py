"""The files in which a node keeps a container's log, also those that it has rotated away.

Called where a log begins, lacks lines or comes too late (`taking.Files`): the API's log is the
newest file alone, while the node keeps some before it too, in `/var/log/pods`. It gives them to
those who may use `nodes/proxy` (admins, mostly). Sources: kubelet, `container_log_manager.go`
(their names, and how many), Go's `net/http.FileServer` (how they are asked for).
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mltui.errors import MltuiError, Unreachable
from mltui.live.kube.cluster import status_of
from mltui.live.kube.crilines import KEPT_ENDS, CriLines
from mltui.logs.timed import stamp_of, time_of

if TYPE_CHECKING:
    from mltui.engines.http.wire import Response
    from mltui.live.kube.cluster import Cluster

_HEAD_BYTES = 64 << 10
_NEAR_BYTES = 1 << 20
"""So much may be read that need not have been."""
_PIECE_BYTES = 1 << 18
_STAMP_BYTES = 40
_MOST_BYTES = 64 << 20
"""So much is read to find a log's last lines."""
_LINE_ENDS = re.compile(rb"^\S+ \S+ F", re.MULTILINE)
_TRIES, _PAUSE_S = 5, 0.1
_HREF = re.compile(rb'href="([^"/?]+)"')
_REFUSED = (401, 403, 405, 501)
_MOVED = (404, 416)


class _Moved(Exception):
    """The node rotated meanwhile: look again."""


class NodeFiles:
    """Those of one instance of a container."""

    def __init__(self, cluster: Cluster, namespace: str, pod: str, container: str) -> None:
        self._cluster, self._place = cluster, (namespace, pod, container)
        self._node = self._folder = self._stem = ""
        self._is_known = False
        self._end: tuple[int, bytes] | None = None
        """Where the last line that was read begins in the newest file, and how."""
        self.cut_ends = deque[bytes](maxlen=KEPT_ENDS)
        """See `taking.Files`."""

    def are_of(self, pod: dict[str, Any], restarts: int) -> None:
        """Which pod it is, and how often its container was started again."""
        meta = pod.get("metadata") or {}
        namespace, name, container = self._place
        # a static pod has another name on its node than in the API server
        uid = (meta.get("annotations") or {}).get("kubernetes.io/config.hash") or meta.get("uid")
        folder = f"{namespace}_{name}_{uid}/{container}/"
        node, stem = str((pod.get("spec") or {}).get("nodeName") or ""), f"{restarts}.log"
        if (node, folder, stem) != (self._node, self._folder, self._stem):
            self._node, self._folder, self._stem = node, folder, stem
            self._is_known, self._end = False, None

    async def can_be_read(self) -> bool:
        """See `taking.Files`; a refusal is believed for good."""
        if not self._node or not self._cluster.gives_node_files:
            return False
        if not self._is_known:
            try:
                self._is_known = len(await self._names()) > 0
            except Unreachable:
                raise
            except MltuiError as error:
                if status_of(error) in _REFUSED:
                    self._cluster.gives_node_files = False
        return self._is_known

    async def after(self, last: bytes) -> AsyncGenerator[bytes]:
        """See `taking.Files`."""
        past = b""
        for _ in range(_TRIES):
            lines = CriLines(self.cut_ends)
            reading = self._rest(lines) if self._end else self._all(last, lines)
            try:
                async with aclosing(reading):
                    async for data in reading:
                        if past and data:  # given already, before the node rotated
                            at = (b"\n" + data).find(past)
                            if at < 0:
                                continue
                            data, past = data[at + len(past) - 1 :], b""
                        if data:
                            yield data
                if past:
                    raise MltuiError("the node threw its log files away while they were read")
                self._end = (lines.last_at, lines.last_raw) if lines.last_at >= 0 else None
                return
            except _Moved:
                pass
            except MltuiError as error:
                if status_of(error) not in _MOVED:
                    raise
            if lines.last and not past:
                last, past = lines.last, b"\n" + lines.last + b"\n"
            self._end = None
            await asyncio.sleep(_PAUSE_S)
        raise MltuiError("the node's log files change faster than they can be read")

    async def older(self, since: float | None, tail: int | None) -> AsyncGenerator[bytes]:
        """All lines, or those from a time on, or the last ones of them.

        None where the newest file has all of these.

        What was written meanwhile may be left out at the end. MltuiError.
        """
        if tail is not None or since is not None:
            data = await self._last_or_enough(since, tail)
            if data is not None:
                yield data
                return
        elif len(await self._names()) < 2:
            return
        reading = self.after(b"" if since is None else stamp_of(since))
        async with aclosing(reading):
            async for data in reading:
                if since is not None and data:
                    data, is_there = _lines_since(data, since)
                    since = None if is_there else since
                yield data

    async def _last_or_enough(self, since: float | None, tail: int | None) -> bytes | None:
        """The last lines; nothing where the newest file is enough; None: read from a time on."""
        for _ in range(_TRIES):
            try:
                names = await self._names()
                if len(names) < 2:
                    return b""
                if tail is None:
                    is_enough = (await self._start(names, since))[0] == len(names) - 1
                    return b"" if is_enough else None
                data = await self._last_lines(names, tail)
                return data if since is None else _lines_since(data, since)[0]
            except _Moved:
                pass
            except MltuiError as error:
                if status_of(error) not in _MOVED:
                    raise
            await asyncio.sleep(_PAUSE_S)
        raise MltuiError("the node's log files change faster than they can be read")

    async def _last_lines(self, names: list[str], count: int) -> bytes:
        """So many lines of the end, whatever files they are in."""
        pieces: list[bytes] = []
        wanted, budget = count, _MOST_BYTES
        for name in reversed(names):
            piece, found = await self._last_of(name, wanted, budget)
            pieces.append(piece)
            wanted, budget = wanted - found, budget - len(piece)
            if wanted <= 0 or budget <= 0:
                break
        if _newest(await self._names()) != _newest(names):
            raise _Moved  # what was put away meanwhile is in none of them
        if len(pieces) < 2:
            return b""
        # this may be the screen's loop, and these some megabytes
        return await asyncio.to_thread(_last_of_files, pieces[::-1], count, self.cut_ends)

    async def _last_of(self, name: str, count: int, budget: int) -> tuple[bytes, int]:
        """A file's end with so many lines at least, if it has them, and how many it has."""
        head, size = await self._piece(name, 0)
        if name.endswith(".gz"):
            async with self._open(name) as response:
                packed = await response.read()
            data = await asyncio.to_thread(_end_of_packed, packed, budget)
            return data, await asyncio.to_thread(_count_lines, data)
        reach = max(_NEAR_BYTES, 256 * count)
        while True:
            at = max(size - min(reach, budget), 0)
            data = head
            if size > len(head):
                async with self._open(name, at) as response:
                    data = await response.read()
                data = data[data.find(b"\n") + 1 :] if at else data
            found = await asyncio.to_thread(_count_lines, data)
            if found >= count or not at or reach >= budget:
                return data, found
            reach *= 4

    async def _rest(self, lines: CriLines) -> AsyncGenerator[bytes]:
        """What was added to the newest file, from its last line on. _Moved: it is another one."""
        assert self._end is not None
        at, raw = self._end
        lines.begin_file(at)
        head: bytes | None = b""
        async with self._open(self._stem, at) as response:
            async for data in response.chunks():
                if head is not None:
                    head += data
                    if len(head) < len(raw):
                        continue
                    if not head.startswith(raw):
                        raise _Moved
                    data, head = head, None
                yield lines.feed(data)
        if head is not None:
            raise _Moved

    async def _all(self, last: bytes, lines: CriLines) -> AsyncGenerator[bytes]:
        """From a line on, over as many files as there are."""
        names = await self._names()
        first, at = await self._start(names, time_of(last))
        for name in names[first:-1]:
            lines.begin_file(at)
            async with self._open(name, at) as response:
                unpack = zlib.decompressobj(31) if name.endswith(".gz") else None
                async for data in response.chunks():
                    for piece in _unpacked(unpack, data):
                        yield lines.feed(piece)
                        await asyncio.sleep(0)  # this may be the screen's loop
            at = 0
        lines.begin_file(at)
        async with self._open(self._stem, at) as response:
            # It is open: what is rotated from now on is itself or comes after it.
            if _newest(await self._names()) != _newest(names):
                raise _Moved
            async for data in response.chunks():
                yield lines.feed(data)

    async def _start(self, names: list[str], until: float | None) -> tuple[int, int]:
        """The newest file that begins before a time, and a line there that is before it too."""
        if until is not None:
            for number in range(len(names) - 1, -1, -1):
                name = names[number]
                data, size = await self._piece(name, 0)
                if name.endswith(".gz"):
                    data, size = next(_unpacked(zlib.decompressobj(31), data), b""), 0
                begun = time_of(data[:_HEAD_BYTES])
                if begun is not None and begun < until:
                    return number, await self._near(name, size, until)
        return 0, 0

    async def _near(self, name: str, size: int, until: float) -> int:
        """Where a line begins that is not long before a time."""
        low, high = 0, size
        while high - low > _NEAR_BYTES:
            middle = (low + high) // 2
            data, _ = await self._piece(name, middle)
            start = data.find(b"\n") + 1
            at = time_of(data[start : start + 64]) if start else None
            if at is None:
                break
            if at < until:
                low = middle + start
            else:
                high = middle
        return low

    async def _piece(self, name: str, at: int) -> tuple[bytes, int]:
        """A little of a file, and how large that is."""
        async with self._open(name, at, at + _HEAD_BYTES - 1) as response:
            data = await response.read()
            _, _, total = response.headers.get("content-range", "").rpartition("/")
            return data, int(total) if total.isdecimal() else at + len(data)

    async def _names(self) -> list[str]:
        """The files that there are, the newest last."""
        pattern = re.compile(re.escape(self._stem) + r"\.\d{8}-\d{6}(\.gz)?")
        async with self._open("") as response:
            found = {
                name.decode("ascii", "replace") for name in _HREF.findall(await response.read())
            }
        older = {name for name in found if pattern.fullmatch(name)}
        # one that is being packed is there twice for a moment
        return [*sorted(name for name in older if f"{name}.gz" not in older), self._stem]

    @asynccontextmanager
    async def _open(
        self, name: str, at: int = 0, until: int | None = None
    ) -> AsyncIterator[Response]:
        from mltui.engines.kubernetes.errors import api_error
        from mltui.engines.kubernetes.resources import NODES, Call

        client = self._cluster.client
        call = Call("get", NODES, None, self._node, "proxy")
        headers = {"Accept": "*/*"}
        if at or until is not None:
            headers["Range"] = f"bytes={at}-{'' if until is None else until}"
        path = f"/logs/pods/{quote(self._folder + name)}"
        async with client.exchange("GET", call, path=path, headers=headers) as response:
            if response.status not in (200, 206):
                raise api_error(call, client.name, response.status, await response.read())
            if at and response.headers.get("content-length") == "0":
                raise _Moved  # Go gives all of an empty file, whatever part was asked for
            if at and response.status != 206:
                raise MltuiError(f"node {self._node} does not give parts of its log files")
            client.heard()
            yield response


def _last_of_files(pieces: list[bytes], count: int, cut_ends: deque[bytes]) -> bytes:
    """The last lines of files, the oldest first."""
    lines, texts = CriLines(cut_ends), list[bytes]()
    for piece in pieces:
        lines.begin_file()
        texts.append(lines.feed(piece))
    return b"\n".join(b"".join(texts).split(b"\n")[-count - 1 :])


def _end_of_packed(packed: bytes, budget: int) -> bytes:
    """Whole lines of a packed file's end, not many more bytes of them than these."""
    kept, size, is_cut = deque[bytes](), 0, False
    for piece in _unpacked(zlib.decompressobj(31), packed):
        kept.append(piece)
        size += len(piece)
        while size - len(kept[0]) > budget:
            size -= len(kept.popleft())
            is_cut = True
    data = b"".join(kept)
    return data[data.find(b"\n") + 1 :] if is_cut else data


def _count_lines(data: bytes) -> int:
    return sum(1 for _ in _LINE_ENDS.finditer(data))


def _lines_since(data: bytes, since: float) -> tuple[bytes, bool]:
    """Whole lines without those before a time; whether any is left."""
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        at = time_of(line[:_STAMP_BYTES])
        if at is not None and at >= since:
            return b"\n".join(lines[number:]), True
    return b"", False


def _newest(names: list[str]) -> str:
    """Of the files that are written no more."""
    return names[-2].removesuffix(".gz") if len(names) > 1 else ""


def _unpacked(unpack: Any, data: bytes) -> Iterator[bytes]:
    """In pieces that are handled in a moment."""
    if unpack is None:
        yield data
        return
    try:
        while data:
            yield unpack.decompress(data, _PIECE_BYTES)
            data = unpack.unconsumed_tail
    except zlib.error as error:
        raise MltuiError(f"a log file of the node is not packed as it says: {error}") from error
