"""The connections to one server: kept, given out, watched for whether the server still answers.

Used by the clients of Docker and Kubernetes. Every call ends: while anything is due, the server is
asked for a sign of life, and without one all that waits gets a `WireError` that says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from mltui.engines.http.wire import Body, Connection, Response, WireError

_CALM_BEAT_S = 10.0
_IDLE_KEPT = 8
SILENT = "it accepts connections but does not answer"


class Pool:
    """Connections made by `connect`, whose own errors pass through.

    `patience_s`: how long the server may be silent before it is asked for a sign; `ping_s`: how
    long that may take (as long, if not said); `connect_s` is the limit for connecting.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        ping: str,
        patience_s: float,
        connect_s: float,
        ping_s: float | None = None,
        silent: Callable[[], object] = lambda: None,
        lives: Callable[[], object] = lambda: None,
    ) -> None:
        """`ping`: path of the sign of life; `lives` and `silent` hear whether there is one."""
        self._connect = connect
        self._ping = ping
        self._patience_s, self._connect_s = patience_s, connect_s
        self._ping_s = ping_s or patience_s
        self._silent, self._lives = silent, lives
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._beating: asyncio.Task[None] | None = None

    @property
    def has_idle(self) -> bool:
        """The next call tries a connection that was kept: it may have been closed meanwhile."""
        return bool(self._idle)

    @asynccontextmanager
    async def call(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body = None,
        *,
        is_fresh: bool = False,
    ) -> AsyncIterator[Response]:
        """Send a request and read its answer; leaving the block ends the call. WireError.

        `is_fresh`: on a new connection, for what must not be sent twice because a kept one was
        closed by the server.
        """
        connection = await self._take(is_fresh)
        self._busy.add(connection)
        if self._beating is None or self._beating.done():
            self._beating = asyncio.get_running_loop().create_task(self._beat())
        try:
            yield await connection.request(method, target, headers, body)
        finally:
            self._busy.discard(connection)
            if connection.is_open and len(self._idle) < _IDLE_KEPT:
                self._idle.append(connection)
            else:
                connection.abort()

    async def ping(self, limit_s: float | None = None) -> None:
        """A sign of life, on a connection of its own; any answer is one. WireError without."""
        connection = None
        try:
            async with asyncio.timeout(limit_s or self._ping_s):
                connection = await self._connect()
                response = await connection.request("GET", self._ping, {})
                await response.read()
        except TimeoutError as error:
            raise WireError(SILENT) from error
        finally:
            if connection is not None:
                connection.abort()

    def forget(self) -> None:
        """Keep none of the idle connections: they are of other credentials."""
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    async def close(self) -> None:
        """End all connections."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
        left = (*self._idle, *self._busy)
        self._idle.clear()
        for connection in left:
            connection.abort("mltui closed it")
        for connection in left:
            with suppress(OSError):
                await connection.writer.wait_closed()
        # A transport that was aborted a moment ago closes its socket in the loop's next turn.
        await asyncio.sleep(0)

    async def _take(self, is_fresh: bool) -> Connection:
        while self._idle and not is_fresh:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            connection.abort()
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._connect()
        except TimeoutError as error:
            raise WireError("it does not accept connections") from error

    async def _beat(self) -> None:
        """While anything is open, see whether the server lives; if not, say so to all."""
        quiet_s = 0.0
        while self._busy:
            await asyncio.sleep(self._patience_s)
            quiet_s += self._patience_s
            if not any(c.is_waiting for c in self._busy) and quiet_s < _CALM_BEAT_S:
                continue
            quiet_s = 0.0
            try:
                await self.ping()
                self._lives()
            except Exception:
                # Whatever is wrong with connecting: nothing that waits may wait for ever.
                for connection in tuple(self._busy):
                    connection.abort(SILENT)
                self.forget()
                self._silent()
