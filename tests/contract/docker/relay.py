"""A socket in front of a daemon: passes everything on, until it is told to hang or to break."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path


class Relay:
    """Connections to `path` go to `target`; `hangs` makes it accept and never answer."""

    def __init__(self, target: str, path: Path) -> None:
        self.target = target
        self.path = path
        self.accepted = 0
        self.cut_after: int | None = None
        """Cut each connection once it has answered so many bytes."""
        self.cut_itself = 0
        """How many it has cut for that."""
        self._hang = asyncio.Event()
        self._hang.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self.path}"

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    def hang(self) -> None:
        """From now on nothing passes; connections stay open."""
        self._hang.clear()

    def go_on(self) -> None:
        """Let everything pass again."""
        self._hang.set()

    def cut(self) -> int:
        """Break all connections; how many there were."""
        found = [writer for writer in self._writers if not writer.is_closing()]
        for writer in found:
            writer.transport.abort()
        return len(found)

    async def close(self, *, gone: bool = True) -> None:
        """Stop listening, break all connections."""
        self.go_on()
        if self._server is not None:
            self._server.close()
            self.cut()
            self._server = None
            while self._serving:
                await asyncio.wait(self._serving)
            await asyncio.sleep(0)
        if gone:
            self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._writers.add(writer)
        try:
            await self._hang.wait()
            there, back = await asyncio.open_unix_connection(self.target)
            self._writers.add(back)
            try:
                await asyncio.gather(self._pass(reader, back, None), self._pass(there, writer, 0))
            finally:
                self._writers.discard(back)
                back.close()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int | None
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._hang.wait()
                if count is not None:
                    count += len(data)
                writer.write(data)
                await writer.drain()
                if count is not None and self.cut_after is not None and count > self.cut_after:
                    self.cut_itself += 1
                    writer.transport.abort()
                    return
            if writer.can_write_eof() and count is None:
                writer.write_eof()
            else:
                writer.close()
