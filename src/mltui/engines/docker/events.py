"""The daemon's event stream, one connection for all who wait for something to happen.

Called by the engine (ends of containers) and by tables that follow it. Nobody asks a daemon again
and again: who waits subscribes first, looks once, and then is told. When the stream breaks, every
subscriber is told that too, and looks again once it is back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, Unreachable

if TYPE_CHECKING:
    from mltui.engines.docker.client import Client

Event = dict[str, Any]
Listener = Callable[["Event | Unreachable"], None]

# Health checks and shells make streams of exec_… events that nobody here reads.
_KINDS = ["container", "image", "volume", "network"]
_ACTIONS = [
    "create", "start", "restart", "stop", "kill", "die", "oom", "destroy", "pause", "unpause",
    "rename", "update", "health_status", "pull", "push", "tag", "untag", "delete", "import",
    "load", "save", "mount", "unmount", "connect", "disconnect", "remove", "prune",
]  # fmt: skip


class Events:
    """The events of one daemon, as long as anybody listens."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()

    async def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each event from now on; returns what ends it.

        It is called with `Unreachable` once when the stream breaks, and then no more: subscribe
        again. Unreachable when there is no stream.
        """
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

        try:
            task = self._task
            if task is None or task.done():
                self._is_open = asyncio.Event()
                task = self._task = asyncio.get_running_loop().create_task(self._follow())
            opened = asyncio.ensure_future(self._is_open.wait())
            await asyncio.wait({task, opened}, return_when=asyncio.FIRST_COMPLETED)
            opened.cancel()
            if not self._is_open.is_set():
                await task
                raise Unreachable(f"Docker at {self._client.host.shown} ended its event stream")
        except BaseException:
            end()
            raise
        return end

    async def close(self) -> None:
        """End the stream; listeners are not told."""
        self._listeners.clear()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, MltuiError):
                await self._task
            self._task = None

    async def _follow(self) -> None:
        query = {"filters": {"type": _KINDS, "event": _ACTIONS}}
        shown = self._client.host.shown
        why: Unreachable = Unreachable(f"Docker at {shown} ended its event stream")
        try:
            async with self._client.stream("GET", "/events", query) as response:
                self._is_open.set()
                rest = b""
                async for data in response.chunks():
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        if line.strip():
                            self._tell(json.loads(line))
        except MltuiError as error:
            why = error if isinstance(error, Unreachable) else Unreachable(str(error))
            if not self._is_open.is_set():
                raise why from error
        except ValueError as error:
            why = Unreachable(f"Docker at {shown} sent an event that is not JSON: {error}")
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(why)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)
