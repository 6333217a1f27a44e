"""Waits for one container's end: told by the event stream, never asked for again and again.

Called by the engine for each attempt it waits for; keeps the attempt's log complete meanwhile and
measures it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from mltui.engines.docker import logs
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.events import Event
from mltui.engines.protocol import Attempt
from mltui.errors import MltuiError, Unreachable
from mltui.pipeline.rows import Usage

_OVER = ("exited", "dead", "removing")
_AGAIN_S = 0.2
_GONE_S = 2.0
_STATS_S = 1.0
"""Shorter containers are not measured: the daemon takes a second for its first reading."""
_READINGS = 5
"""The metrics file is looked at once in so many of the daemon's readings, one each second."""


class Watch:
    """One container until it is over. `look` is called now and then while it runs."""

    def __init__(
        self,
        client: Client,
        attempt: Attempt,
        container: str,
        look: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._look = look
        self._client = client
        self._attempt = attempt
        self._container = container
        self._heard: asyncio.Queue[str | Unreachable] = asyncio.Queue()
        self._peak_bytes: int | None = None
        self._cpu_s: float | None = None
        self.saw_oom = False
        self.saw_kill = False
        """Somebody had the daemon send it a signal; a program that kills itself is not told of."""
        self.saw_outage = False

    @property
    def usage(self) -> Usage:
        """What was measured so far."""
        return Usage(self._cpu_s, self._peak_bytes)

    async def ended(self) -> dict[str, Any] | None:
        """Its inspection once it is over and its log is whole; None when it is gone.

        Unreachable; then it can be asked again.
        """
        stop_listening = await self._client.events.subscribe(self._hear)
        log = asyncio.create_task(self._follow_log())
        stats = asyncio.create_task(self._follow_stats())
        try:
            while True:
                found = await self.inspect()
                if found is None or found["State"]["Status"] in _OVER:
                    break
                heard = await self._heard.get()
                if isinstance(heard, Unreachable):
                    self.saw_outage = True
                    stop_listening = await self._client.events.subscribe(self._hear)
            await self._finish_log(log, found is None)
            return found
        finally:
            stop_listening()
            for task in (log, stats):
                task.cancel()
                with suppress(asyncio.CancelledError, MltuiError):
                    await task

    async def inspect(self) -> dict[str, Any] | None:
        """The container as it is; None when it is gone. Unreachable, also for what is refused."""
        try:
            found = await self._client.json("GET", f"/containers/{self._container}/json")
        except DockerError as error:
            if error.status == 404:
                return None
            raise Unreachable(str(error)) from error
        assert isinstance(found, dict)
        return found

    def _hear(self, event: Event | Unreachable) -> None:
        if isinstance(event, Unreachable):
            self._heard.put_nowait(event)
        elif event.get("Actor", {}).get("ID") == self._container:
            action = str(event.get("Action", ""))
            self.saw_oom |= action == "oom"
            self.saw_kill |= action == "kill"
            if action in ("die", "destroy"):
                self._heard.put_nowait(action)

    async def _follow_log(self) -> None:
        while True:
            try:
                await logs.take(self._client, self._container, self._attempt.log, follow=True)
            except DockerError:
                return
            except Unreachable:
                await asyncio.sleep(_AGAIN_S)
                continue
            found = await self.inspect()
            if found is None or found["State"]["Status"] in _OVER:
                return
            await asyncio.sleep(_AGAIN_S)

    async def _finish_log(self, log: asyncio.Task[None], is_gone: bool) -> None:
        """See that the log is whole. Unreachable when it can't be known.

        A daemon that follows a log may leave out what is written as the container ends (20.10 does,
        often), so the end is asked for once more when nothing writes any longer.
        """
        if is_gone:
            await asyncio.wait({log}, timeout=_GONE_S)  # what it has on its way is all there is
        log.cancel()
        with suppress(asyncio.CancelledError, MltuiError):
            await log
        if not is_gone:
            with suppress(DockerError):
                await logs.take(self._client, self._container, self._attempt.log, follow=False)

    async def _follow_stats(self) -> None:
        """Peak memory and processor time, from the daemon's readings once a second."""
        await asyncio.sleep(_STATS_S)
        with suppress(MltuiError, ValueError):
            path = f"/containers/{self._container}/stats"
            async with self._client.stream("GET", path, {"stream": "1"}) as response:
                rest, count = b"", 0
                async for data in response.chunks():
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        self._measure(json.loads(line))
                        count += 1
                        if self._look is not None and count % _READINGS == 1:
                            await self._look()

    def _measure(self, stats: dict[str, Any]) -> None:
        memory = stats.get("memory_stats") or {}
        peak = memory.get("max_usage") or memory.get("usage")
        if peak:
            self._peak_bytes = max(self._peak_bytes or 0, int(peak))
        total = (stats.get("cpu_stats") or {}).get("cpu_usage", {}).get("total_usage")
        if total:
            self._cpu_s = max(self._cpu_s or 0.0, total / 1e9)
