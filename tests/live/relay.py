"""A socket in front of a real daemon that a test can stop, hang and count.

The engine behind it is real; only the wire is made faulty. It runs in the test's own event loop.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"(?:^|\r\n\r\n|\})(GET|POST|PUT|DELETE|HEAD) (\S+) HTTP/1\.1\r\n")


class Relay:
    """Passes bytes between `path` and a daemon's socket; `requests` are those it saw."""

    def __init__(self, upstream: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="mltui-relay-")
        self.path = f"{self.folder}/docker.sock"
        self.requests: list[str] = []
        self.connections = 0
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def environ(self) -> dict[str, str]:
        """What makes mltui use it."""
        return {"DOCKER_HOST": f"unix://{self.path}", "HOME": self.folder}

    async def start(self) -> None:
        """Listen (again)."""
        self._flows.set()
        self._server = await asyncio.start_unix_server(self._accept, self.path)

    async def stop(self) -> None:
        """As a daemon that ends: no socket, no connections."""
        if self._server is not None:
            self._server.close()
        Path(self.path).unlink(missing_ok=True)
        self.cut()
        await self._end()
        self._server = None

    def cut(self) -> None:
        """Break all connections; new ones can be made."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def hang(self) -> None:
        """Accept, and pass nothing on, either way."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on what waits and what comes."""
        self._flows.set()

    def count(self, method: str, pattern: str) -> int:
        """Requests whose path, without version and query, is matched whole by a pattern."""
        return len(self.matching(method, pattern))

    def matching(self, method: str, pattern: str) -> list[str]:
        """Those requests, with their queries."""
        found = []
        for request in self.requests:
            verb, _, target = request.partition(" ")
            path = re.sub(r"^/v[\d.]+", "", urlsplit(target).path)
            if verb == method and re.fullmatch(pattern, path):
                found.append(target)
        return found

    async def close(self) -> None:
        """Stop and leave nothing."""
        await self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _end(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flows.wait()
            inner, outer = await asyncio.open_unix_connection(self._upstream)
        except BaseException as error:
            self._drop(writer)
            if isinstance(error, OSError):
                return
            raise
        self._writers.add(outer)
        pumps = [
            asyncio.ensure_future(self._pump(reader, outer, counted=True)),
            asyncio.ensure_future(self._pump(inner, writer, counted=False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._drop(writer, outer)

    def _drop(self, *writers: asyncio.StreamWriter) -> None:
        for writer in writers:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._flows.wait()
                if counted:
                    for method, target in _REQUEST.findall(data):
                        self.requests.append(f"{method.decode()} {target.decode()}")
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
