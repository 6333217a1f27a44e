"""The front on real connections: nothing that a client sent is lost, however early it came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from mltui.serving.front import Backend, Client, Front


class Eager(Client):
    """A client's end on a Python that reads before it was told whether to."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.data_received(b"early ")


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"<" + await reader.read() + b">")
    await writer.drain()
    writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Backend]:
    """A replica that says what it heard once the client has said all."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    yield Backend("echo/1", "127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()


async def _asked(front: Front, kind: type[Client], echo: Backend, *, late: bool) -> bytes:
    """What a client hears that says `hello` and ends its side at once."""
    server = await asyncio.get_running_loop().create_server(lambda: kind(front), "127.0.0.1", 0)
    port = cast(int, server.sockets[0].getsockname()[1])
    if not late:
        front.take([echo])
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        writer.write_eof()
        if late:
            while not front.waiting:  # noqa: ASYNC110 - it is only counted
                await asyncio.sleep(0)
            front.take([echo])
        heard = await reader.read()
        writer.close()
    server.close()
    return heard


@pytest.mark.parametrize("late", [False, True])
async def test_what_comes_before_a_replica_reaches_it(echo: Backend, late: bool) -> None:
    assert await _asked(Front(), Client, echo, late=late) == b"<hello>"


@pytest.mark.parametrize("late", [False, True])
async def test_what_is_read_too_early_is_kept(echo: Backend, late: bool) -> None:
    assert await _asked(Front(), Eager, echo, late=late) == b"<early hello>"
