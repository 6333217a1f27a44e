"""An API server of a test: speaks HTTP on loopback, says what the test has it say.

Also a proxy that tunnels by CONNECT, and kubeconfigs that lead to both.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    subject: str = ""
    """The common name of the client's certificate."""


@dataclass(frozen=True)
class Endless:
    """An answer that goes on: these bytes at once, then nothing more, and no end either."""

    data: bytes = b""


Answer = tuple[int, Any]
Handler = Callable[[Asked], Awaitable[Answer | list[Any] | Endless]]


def refusal(code: int, reason: str, message: str, **details: Any) -> Answer:
    """A `Status` object."""
    status = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return code, status | ({"details": details} if details else {})


@dataclass
class ApiServer:
    """Answers with what `handle` gives: (status, object), or events for a watch, or `Endless`."""

    handle: Handler
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    async def open(self, socket: Path | None = None) -> ApiServer:
        """On loopback, or on a socket of a file system, as Docker does."""
        self._tasks: set[asyncio.Task[None]] = set()
        if socket is not None:
            self._server = await asyncio.start_unix_server(self._serve, socket)
            return self
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(EOFError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {}
        for line in filter(None, head[1:]):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        peer = writer.get_extra_info("peercert") or {}
        names = {key: value for pair in peer.get("subject", ()) for key, value in pair}
        asked = Asked(
            method,
            parts.path,
            dict(parse_qsl(parts.query)),
            headers,
            body,
            names.get("commonName", ""),
        )
        if parts.path != "/livez":
            self.asked.append(asked)
        answer = await self.handle(asked) if parts.path != "/livez" else (200, {})
        if isinstance(answer, list):
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for event in answer:
                data = json.dumps(event).encode() + b"\n"
                writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            writer.write(b"0\r\n\r\n")
        elif isinstance(answer, Endless):
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            if answer.data:
                writer.write(b"%x\r\n%s\r\n" % (len(answer.data), answer.data))
            await writer.drain()
            await asyncio.Event().wait()
        else:
            status, found = answer
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n\r\n".encode())
            writer.write(data)
        await writer.drain()
        return True


class Proxy:
    """A tunnel by CONNECT; remembers where it was asked to go, and with which login."""

    def __init__(self) -> None:
        self.went: list[tuple[str, str]] = []

    async def open(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        target = head[0].split(" ")[1]
        login = next((h.partition(": ")[2] for h in head if h.startswith("Proxy-Auth")), "")
        self.went.append((target, login))
        host, _, port = target.rpartition(":")
        other_reader, other_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))


def kubeconfig(
    path: Path, url: str, user: dict[str, Any], name: str = "kind", **cluster: Any
) -> dict[str, str]:
    """Write one and give the variables that lead to it."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url, **cluster}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return {"KUBECONFIG": str(path), "HOME": str(path.parent)}


def plugin(folder: Path, script: str) -> dict[str, Any]:
    """A user whose credentials an exec plugin gives: `script` prints the `status` as JSON."""
    file = folder / "plugin.py"
    file.write_text(script, encoding="utf-8")
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(file)],
            "interactiveMode": "Never",
        }
    }
