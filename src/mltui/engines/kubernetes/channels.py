"""Numbered streams to a pod, both ways over one WebSocket: what exec and port-forward speak.

Called by `live.kube.forwards` and `live.kube.entering`. The connection is the client's own, with
its credentials, TLS and proxy; only the frames are a library's. Sources: Kubernetes docs, "Remote
command" and "Port forward" protocols (`v4.channel.k8s.io`, `v5.channel.k8s.io`); RFC 6455.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mltui.engines.kubernetes.resources import Call
from mltui.errors import Unreachable

if TYPE_CHECKING:
    from mltui.engines.http.wire import Connection
    from mltui.engines.kubernetes.answers import Query
    from mltui.engines.kubernetes.client import Client

V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
_END = 255
_READ_BYTES = 1 << 18
_MOST_BYTES = 64 << 20


class Channels:
    """An open one. A broken connection is Unreachable."""

    def __init__(self, connection: Connection, protocol: str, place: str) -> None:
        from websockets.protocol import CLIENT, Protocol

        self.protocol = protocol
        self._connection, self._place = connection, place
        self._wire = Protocol(CLIENT, max_size=_MOST_BYTES)

    async def send(self, channel: int, data: bytes) -> None:
        """Send some bytes; waits while the other side takes no more."""
        self._wire.send_binary(bytes((channel,)) + data)
        await self._flush()

    async def end(self, channel: int) -> bool:
        """Say that no more comes on a channel; False where the protocol has no word for it."""
        if self.protocol != V5:
            return False
        self._wire.send_binary(bytes((_END, channel)))
        await self._flush()
        return True

    async def received(self) -> AsyncIterator[tuple[int, bytes]]:
        """What comes, with the channel it comes on, until the other side closes."""
        from websockets.frames import Frame, Opcode

        whole = b""
        while True:
            try:
                data = await self._connection.reader.read(_READ_BYTES)
            except OSError as error:
                raise self._broken(str(self._connection.broken(error))) from error
            if not data:
                if self._connection.why:
                    raise self._broken(self._connection.why)
                return
            self._wire.receive_data(data)
            for event in self._wire.events_received():
                assert isinstance(event, Frame)
                if event.opcode in (Opcode.BINARY, Opcode.TEXT, Opcode.CONT):
                    whole += bytes(event.data)
                    if event.fin and whole:
                        yield whole[0], whole[1:]
                    if event.fin:
                        whole = b""
            await self._flush()
            if self._wire.close_expected():
                return

    async def _flush(self) -> None:
        writer = self._connection.writer
        try:
            for data in self._wire.data_to_send():
                if data:
                    writer.write(data)
            await writer.drain()
        except OSError as error:
            raise self._broken(str(self._connection.broken(error))) from error

    def _broken(self, said: str) -> Unreachable:
        return Unreachable(f"{self._place} can't be reached: {said}")


@asynccontextmanager
async def open_channels(
    client: Client, call: Call, query: Query, protocols: Sequence[str]
) -> AsyncIterator[Channels]:
    """Open them with the first of these protocols that the server speaks; leaving ends them.

    Refusals are ApiErrors, as of any call; Unreachable when the server opens no stream.
    """
    from websockets.utils import accept_key, generate_key

    key = generate_key()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": ", ".join(protocols),
    }
    async with client.stream(call, query, accept="*/*", headers=headers) as response:
        if response.status != 101 or response.headers.get("sec-websocket-accept") != accept_key(
            key
        ):
            raise Unreachable(f"{client.name} opens no stream to {call.object_text}")
        spoken = response.headers.get("sec-websocket-protocol", V4)
        yield Channels(response.connection, spoken, client.name)
