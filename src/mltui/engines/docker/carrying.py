"""Moves what an attempt needs into its container and what it made out again, through the API.

Called by the engine and by shells; the daemon may be on another machine.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from mltui.engines.docker import archive, container
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.container import VIEW
from mltui.engines.protocol import Attempt
from mltui.errors import Unreachable


class Carrier:
    """To and from the containers of one daemon."""

    def __init__(self, client: Client, pool: Executor) -> None:
        self._client, self._pool = client, pool

    async def fill(self, attempt: Attempt, obj: str) -> None:
        """Code, inputs and secrets into the container, as one stream."""

        def stream() -> Any:
            yield archive.folder_entry(container.ROOT)
            places = [(attempt.work, VIEW.work[1:])]
            secrets = attempt.secrets or attempt.folder / "secrets"
            if secrets.is_dir():
                places.append((secrets, VIEW.secrets[1:]))
            yield from archive.pack(places)

        path = f"/containers/{obj}/archive"
        body = archive.pieces(stream(), self._pool)
        headers = {"Content-Type": "application/x-tar"}
        async with self._client.stream("PUT", path, {"path": "/"}, body, headers=headers) as answer:
            await answer.read()

    async def bring(self, attempt: Attempt, obj: str, *, with_outputs: bool) -> bool:
        """Fetch the metrics and the declared outputs; False when nothing of them is there.

        Unreachable.
        """
        wanted = [(VIEW.metrics, attempt.folder / "metrics")]
        if with_outputs:
            for output in attempt.outputs:
                path = output.rstrip("/")
                wanted.append((f"{VIEW.work}/{path}", attempt.work / path))
        found = await asyncio.gather(*(self._fetch(obj, *each) for each in wanted))
        return any(found)

    async def _fetch(self, obj: str, inside: str, place: Path) -> bool:
        """One file or folder out of the container; False when it is not there."""
        path = f"/containers/{obj}/archive"
        try:
            async with self._client.stream("GET", path, {"path": inside}) as response:
                place.parent.mkdir(parents=True, exist_ok=True)
                await archive.unpack(response.chunks(), place, self._pool)
        except DockerError as error:
            if error.status != 404:
                raise Unreachable(f"{inside} can't be fetched: {error.message}") from error
            await asyncio.get_running_loop().run_in_executor(self._pool, archive.clear, place)
            return False
        return True
