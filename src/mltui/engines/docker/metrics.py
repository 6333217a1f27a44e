"""A running stage's metrics file, brought out while it grows, so that its curves can be seen.

Called by a watch now and then; the whole file is fetched once more when the stage has ended.
"""

from __future__ import annotations

import base64
import json
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path

from mltui.engines.docker import archive
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.container import VIEW
from mltui.errors import Unreachable

_MAX_BYTES = 16 << 20
"""A larger file waits for the stage's end."""
_PART = "metrics.part"


class RunningMetrics:
    """The metrics file of one container."""

    def __init__(self, client: Client, container: str, folder: Path, pool: Executor) -> None:
        self._client = client
        self._path = f"/containers/{container}/archive"
        self._folder = folder
        self._pool = pool
        self._seen = ""

    async def look(self) -> None:
        """Fetch it if it has changed; what goes wrong is left for the next time."""
        query = {"path": VIEW.metrics}
        expected = (DockerError, Unreachable, OSError, archive.BadArchive, ValueError, KeyError)
        with suppress(*expected):
            async with self._client.stream("HEAD", self._path, query) as response:
                status = response.headers.get("x-docker-container-path-stat", "")
            if status == self._seen or json.loads(base64.b64decode(status))["size"] > _MAX_BYTES:
                return
            async with self._client.stream("GET", self._path, query) as response:
                # Put in its place whole: it is read while it is written.
                await archive.unpack(response.chunks(), self._folder / _PART, self._pool)
            part = self._folder / _PART
            if part.is_file() and not part.is_symlink():
                part.replace(self._folder / "metrics")
            self._seen = status
