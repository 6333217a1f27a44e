"""What a pod prints, kept as a file of this machine: from where the file ends, each line once.

Called by `host`. The node keeps a log for as long as the pod is there and may rotate it; lines come
with the node's time, and the time of the last one that was taken is kept beside the file, so that
another supervisor goes on there.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.errors import ApiError, ApiNotFound
from mltui.engines.kubernetes.manifest import STAGE
from mltui.engines.kubernetes.resources import PODS
from mltui.errors import Unreachable

_AGAIN_S = 1.0
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.?(\d{0,9})\d*(Z|[+-]\d\d:\d\d) ")
_MAX_LINE = 1 << 20


class PodLog:
    """The log of one pod, taken to a file."""

    def __init__(self, client: Client, namespace: str, pod: str, log: Path) -> None:
        self._client, self._namespace, self._pod, self._log = client, namespace, pod, log
        self._mark = log.with_name(f"{log.name}.at")
        self._last = 0
        """When the last line that was taken was printed, in nanoseconds."""
        with suppress(OSError, ValueError):
            self._last = int(self._mark.read_text(encoding="ascii"))

    async def follow(self) -> None:
        """Take what is printed until the pod is gone."""
        restarts = -1
        while True:
            try:
                pod = await self._client.get(PODS, self._namespace, self._pod)
                count = _restarts(pod)
                if count > max(restarts, 0):
                    # The end of the process before, which the current log does not have.
                    await self._take({"previous": "true"})
                restarts = count
                await self._take({"follow": "true"})
            except ApiNotFound:
                return
            except (ApiError, Unreachable):
                pass  # its container is not started yet, or the server is away
            await asyncio.sleep(_AGAIN_S)

    async def _take(self, query: dict[str, str]) -> None:
        asked = {"container": STAGE, "timestamps": "true", **query}
        if self._last:
            # To the second: what is in it and was taken already is left out below.
            since = datetime.fromtimestamp(self._last // 10**9, UTC)
            asked["sinceTime"] = f"{since:%Y-%m-%dT%H:%M:%SZ}"
        known = self._last
        with self._log.open("ab") as file:
            rest = b""
            async with self._client.log(self._namespace, self._pod, asked) as chunks:
                async for data in chunks:
                    *lines, rest = (rest + data).split(b"\n")
                    self._write(file, known, [line + b"\n" for line in lines])
                    if len(rest) > _MAX_LINE:
                        self._write(file, known, [rest])
                        rest = b""
            self._write(file, known, [rest] if rest else [])

    def _write(self, file: BinaryIO, known: int, lines: list[bytes]) -> None:
        last = self._last
        for line in lines:
            found = _STAMP.match(line)
            if found is None:
                file.write(line)  # the rest of one that was too long
                continue
            at = _nanoseconds(found)
            if at > known:
                file.write(line[found.end() :])
                last = max(last, at)
        if lines:
            file.flush()
        if last != self._last:
            self._last = last
            with suppress(OSError):
                self._mark.write_text(str(last), encoding="ascii")


def _nanoseconds(found: re.Match[bytes]) -> int:
    zone = "+00:00" if found[3] == b"Z" else found[3].decode()
    seconds = int(datetime.fromisoformat(found[1].decode() + zone).timestamp())
    return seconds * 10**9 + int(found[2].ljust(9, b"0"))


def _restarts(pod: Any) -> int:
    for each in (pod.get("status") or {}).get("containerStatuses") or ():
        if each.get("name") == STAGE:
            return int(each.get("restartCount") or 0)
    return 0
