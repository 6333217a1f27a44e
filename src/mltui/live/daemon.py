"""One Docker daemon as the live lists see it: the engine's client, and when it was last heard.

Called by feeds, kinds and verbs. Connecting, tunnels, versions and timeouts are the engine's
(`engines.docker.client`), imported when a daemon is really opened: screens declare kinds without
loading an engine.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mltui.errors import MltuiError

if TYPE_CHECKING:
    from mltui.engines.docker.client import Client
    from mltui.engines.http.wire import Response
    from mltui.spec.model import Target

_COUNTING = "disk usage operation is already running"
_COUNTING_S = 120.0
READERS = 6
"""Reads of single things at a time: a daemon with many changes is not flooded with questions."""


class Daemon:
    """A daemon that may or may not answer. One for a host and an event loop.

    Calls raise `Unreachable`, or `DockerError` (an MltuiError with `status`) when it refuses.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.heard_at: float | None = None
        """When it last answered or told something (seconds since the epoch)."""
        self.reading = asyncio.Semaphore(READERS)
        self.image_names: dict[str, str] = {}
        """Id → a name of it, for containers that were made by id; forgotten when images change."""

    @property
    def name(self) -> str:
        """In sentences and headers: `docker`, `docker@build-7`."""
        parts = urlsplit(self.client.host.address)
        if self.client.host.scheme == "unix" or not parts.hostname:
            return "docker"
        return f"docker@{parts.hostname}"

    def heard(self) -> None:
        """It gave a sign of life now."""
        self.heard_at = time.time()

    def note(self, event: Mapping[str, Any]) -> None:
        """Something happened there: it lives, and what was kept of it may be over."""
        self.heard()
        if event.get("Type") == "image":
            self.image_names.clear()

    async def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """Ask for something."""
        found = await self.client.json("GET", path, query)
        self.heard()
        return found

    async def usage(self, query: Mapping[str, object] | None = None) -> Any:
        """What takes room there (`/system/df`); it may take as long as counting all files does.

        Daemons before 23 count for one asker at a time and send the others away: asked again.
        """
        until = time.monotonic() + _COUNTING_S
        while True:
            try:
                return await self.get("/system/df", query)
            except MltuiError as error:
                if _COUNTING not in message_of(error) or time.monotonic() > until:
                    raise
            await asyncio.sleep(0.25)

    async def post(
        self, path: str, query: Mapping[str, object] | None = None, body: object = None
    ) -> Any:
        """Tell it to do something; waits until it is done."""
        found = await self.client.json("POST", path, query, body)
        self.heard()
        return found

    async def delete(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """Have it remove something."""
        found = await self.client.json("DELETE", path, query)
        self.heard()
        return found

    def stream(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[Response]:
        """An answer that comes in pieces; leaving the block ends it."""
        return self.client.stream(method, path, query, headers=headers)

    async def close(self) -> None:
        """Give back its connections."""
        await self.client.close()


def open_daemon(target: Target | None = None, environ: Mapping[str, str] | None = None) -> Daemon:
    """The daemon of a target, or of the person's Docker settings. Nothing is connected yet.

    UsageError for an unknown context or an address of another kind.
    """
    from mltui.engines.docker.client import Client
    from mltui.engines.docker.hosts import resolve

    variables = dict(os.environ if environ is None else environ)
    return Daemon(Client(resolve(target, variables), variables))


@asynccontextmanager
async def opened(
    target: Target | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Daemon]:
    """A daemon for a few calls."""
    daemon = open_daemon(target, environ)
    try:
        yield daemon
    finally:
        await daemon.close()


def status_of(error: MltuiError) -> int:
    """The HTTP status a daemon refused with; 0 when it was not the daemon's refusal."""
    return int(getattr(error, "status", 0))


def message_of(error: MltuiError) -> str:
    """A refusal in the daemon's own words."""
    return str(getattr(error, "message", "") or error)
