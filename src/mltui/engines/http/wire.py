"""HTTP/1.1 on asyncio streams: the few parts of it that Docker and Kubernetes speak.

Called by `pool` and by the engines' clients. A blocking client would need a thread for every
followed log or watch and could not be cancelled while a server hangs; the official ones also cost
0.3 s and 40 MiB to import. Here every wait is a cancellable await, and bodies are streams both
ways. Sources: RFC 9112 (HTTP/1.1), Docker Engine API "attach" for the upgraded connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

_READ_BYTES = 1 << 18
LIMIT_BYTES = 1 << 20
_MAX_HEAD_BYTES = 1 << 20

CLOSED = "it closed the connection"

Body = bytes | AsyncIterator[bytes] | None


class WireError(Exception):
    """The connection failed or broke off; the text says how."""


class Chunked:
    """Decodes the chunked transfer coding in bulk, however the bytes are cut.

    Docker makes a chunk of every log line: decoding them one await each would be the narrowest
    place of a log.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        self._is_trailer = False
        self.is_done = False

    def feed(self, data: bytes) -> bytes:
        """The body's bytes in `data`. WireError when it is not chunked."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        out: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.is_done:
            if self._left:
                take = min(self._left, end - at)
                out.append(data[at : at + take])
                at += take
                self._left -= take
                continue
            # The line break after a chunk is read as part of the next size line.
            start = at if self._is_trailer or not data.startswith(b"\r\n", at) else at + 2
            stop = data.find(b"\r\n", start)
            if stop < 0:
                self._rest = data[at:]
                if len(self._rest) > _MAX_HEAD_BYTES:
                    raise WireError("its answer is not chunked as it says")
                break
            if self._is_trailer:
                # Its end is an empty line, which may come later than all before it: left unread it
                # would be taken for the start of the connection's next answer.
                self.is_done = stop == at
                at = stop + 2
                continue
            try:
                self._left = int(data[start:stop].split(b";", 1)[0], 16)
            except ValueError as error:
                raise WireError("its answer is not chunked as it says") from error
            at = stop + 2
            self._is_trailer = self._left == 0
        return b"".join(out)


class Connection:
    """One connection: a request, its answer, perhaps another request.

    `is_reusable` once an answer was read to its end.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        host: str = "docker",
        speaker: str = "a Docker daemon",
    ) -> None:
        """`host` is for its header; `speaker` is who is expected to answer, in sentences."""
        self.reader = reader
        self.writer = writer
        self._host, self._speaker = host, speaker
        self.is_reusable = True
        self.is_waiting = False
        """An answer is due; a long-lived stream does not count."""
        self.why = ""
        """Why it was aborted by its owner."""

    @property
    def is_open(self) -> bool:
        """Whether another request can be tried on it."""
        return self.is_reusable and not self.reader.at_eof() and not self.writer.is_closing()

    async def request(
        self, method: str, target: str, headers: Mapping[str, str], body: Body = None
    ) -> Response:
        """Send a request, body included, and read the answer's head."""
        self.is_reusable = False
        self.is_waiting = True
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}", "User-Agent: mltui"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if isinstance(body, bytes):
            lines.append(f"Content-Length: {len(body)}")
        elif body is not None:
            lines.append("Transfer-Encoding: chunked")
        elif method in ("POST", "PUT", "PATCH"):
            lines.append("Content-Length: 0")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
        try:
            self.writer.write(head + body if isinstance(body, bytes) else head)
            if body is not None and not isinstance(body, bytes):
                await self._send(body)
            await self.writer.drain()
            response = await self._answer(method)
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise self.broken(error) from error
        self.is_waiting = False
        return response

    async def _send(self, body: AsyncIterator[bytes]) -> None:
        """A body of unknown length. An early answer (an error) ends the sending."""
        try:
            async for data in body:
                if data:
                    self.writer.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
                    await self.writer.drain()
            self.writer.write(b"0\r\n\r\n")
        except ConnectionError:
            # A server answers and closes when it can't go on (a full disk): read its answer.
            if self.reader.exception() is not None:
                raise

    async def _answer(self, method: str) -> Response:
        while True:
            raw = await self.reader.readuntil(b"\r\n\r\n")
            first, *rest = raw.decode("latin-1").split("\r\n")
            parts = first.split(" ", 2)
            if len(parts) < 2 or not parts[0].startswith("HTTP/1") or not parts[1].isdigit():
                raise WireError(f"it does not speak HTTP: is it {self._speaker}?")
            headers = {}
            for line in rest:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            status = int(parts[1])
            if status != 100:
                return Response(self, method, status, headers)

    def broken(self, error: BaseException) -> WireError:
        """What to say of a failure on it."""
        if self.why:
            return WireError(self.why)
        if isinstance(error, asyncio.LimitOverrunError):
            return WireError(f"it does not speak HTTP: is it {self._speaker}?")
        if isinstance(error, EOFError | ConnectionError):
            return WireError(CLOSED)
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return WireError(said or type(error).__name__)

    def abort(self, why: str = "") -> None:
        """Close it at once; whoever waits on it gets a WireError that says why."""
        self.is_reusable = False
        if why:
            self.why = self.why or why
        self.writer.transport.abort()


class Response:
    """An answer: its status and headers, its body as it comes."""

    def __init__(
        self, connection: Connection, method: str, status: int, headers: Mapping[str, str]
    ) -> None:
        self.connection = connection
        self.status = status
        self.headers = headers
        self._has_body = not (method == "HEAD" or status in (101, 204, 304))
        self._length = int(headers.get("content-length", -1))
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        if status == 101 or "upgrade" in headers.get("connection", "").lower():
            self._has_body = False
        elif not self._has_body or self._length == 0:
            self._finish()

    def _finish(self) -> None:
        self._has_body = False
        self.connection.is_waiting = False
        if "close" not in self.headers.get("connection", "").lower():
            self.connection.is_reusable = True

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they come, to its end. WireError when it breaks off."""
        decoder = Chunked() if self._chunked else None
        left = self._length
        reader = self.connection.reader
        while self._has_body:
            try:
                data = await reader.read(_READ_BYTES)
            except OSError as error:
                raise self.connection.broken(error) from error
            if not data:
                if decoder is None and left < 0 and not self.connection.why:
                    break  # its end is the connection's
                raise self.connection.broken(EOFError())
            if decoder is not None:
                data = decoder.feed(data)
                if decoder.is_done:
                    self._finish()
            elif left >= 0:
                left -= len(data)
                if left <= 0:
                    self._finish()
            if data:
                yield data

    async def read(self) -> bytes:
        """The whole body, held in memory."""
        return b"".join([data async for data in self.chunks()])


async def connect_unix(path: str) -> Connection:
    """Connect to a Unix socket. OSError when that fails."""
    return Connection(*await asyncio.open_unix_connection(path, limit=LIMIT_BYTES))


async def connect_tcp(host: str, port: int, tls: ssl.SSLContext | None = None) -> Connection:
    """Connect to a Docker daemon over TCP; OSError when that fails."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=LIMIT_BYTES)
    keep_alive(writer)
    return Connection(reader, writer)


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have the kernel notice within half a minute that the other end is gone."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
