"""The front: holds a deployment's port and hands each connection to a healthy replica.

A process of its own (`python -m mltui.serving.front PORT`, in its folder), started by the
supervisor, which it outlives. It works on connections, not on HTTP. The supervisor tells it the
replicas over the socket `control` in its folder and is told how many connections each has open, so
that a replica is ended only when nothing is in flight. It reads what it was told last from
`backends.json`, so that a new front answers before any supervisor speaks to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

CONTROL = "control"
BACKENDS = "backends.json"
HOLD_S = 20.0
"""How long a connection waits for a replica before it is told that there is none."""
LINGER_S = 5.0
"""From the replica's end of a connection until the client's is closed in any case."""
LEAVE_S = 10.0
BACKLOG = 1024
PORT_TAKEN = 98
_CONNECT_S = 5.0
_AGAIN_S = 0.05
_NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
    b"Connection: close\r\n\r\nno replica is ready.\n"
)


class Backend(NamedTuple):
    """A replica as the front knows it."""

    name: str
    host: str
    port: int


class Front:
    """What is shared by all connections."""

    def __init__(self) -> None:
        self.backends: list[Backend] = []
        self.open: dict[str, int] = {}
        self.changed = asyncio.Event()
        self.accepted = self.refused = self.waiting = 0
        self.clients: set[Client] = set()
        self.is_quiet = asyncio.Event()
        """No client is left; looked at when the front is to end."""

    def take(self, backends: list[Backend]) -> None:
        """From now on only these get connections."""
        self.backends = backends
        self.changed.set()
        self.changed = asyncio.Event()

    def choose(self, but: set[str]) -> Backend | None:
        """The one with the fewest open connections, of those that have not refused this one."""
        left = [b for b in self.backends if b.name not in but]
        if not left:
            return None
        found = min(left, key=lambda b: self.open.get(b.name, 0))
        # The next equal one comes first next time.
        self.backends.remove(found)
        self.backends.append(found)
        return found

    def hold(self, name: str) -> None:
        """A connection to a replica begins."""
        self.open[name] = self.open.get(name, 0) + 1

    def release(self, name: str) -> None:
        """It has ended."""
        self.open[name] -= 1
        if not self.open[name]:
            del self.open[name]

    def report(self) -> dict[str, Any]:
        """What the supervisor is told."""
        return {
            "open": self.open,
            "accepted": self.accepted,
            "refused": self.refused,
            "waiting": self.waiting,
        }


class Side(asyncio.Protocol):
    """One end of a connection; `peer` is the other."""

    peer: Side | None = None
    transport: asyncio.Transport | None = None
    has_ended = False

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def pause_writing(self) -> None:
        """This end is full: stop reading at the other."""
        if self.peer is not None and self.peer.transport is not None:
            with suppress(RuntimeError):
                self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        """It has room again."""
        if self.peer is not None and self.peer.transport is not None:
            with suppress(RuntimeError):
                self.peer.transport.resume_reading()

    def eof_received(self) -> bool:
        """No more comes from this end; the other may still have something to say."""
        self.has_ended = True
        peer = self.peer
        if peer is not None and peer.transport is not None and not peer.transport.is_closing():
            with suppress(OSError, RuntimeError):
                peer.transport.write_eof()
            if peer.has_ended:
                peer.transport.close()
                return False
        return True

    def close_peer(self) -> None:
        """The connection is over; what is on its way is still delivered."""
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.close()


class Client(Side):
    """A client's end."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._task: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        """What was read before a replica was there to take it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read nothing until a replica is there to take it."""
        self.transport = cast(asyncio.Transport, transport)
        # Not at once: some Pythons (Debian's 3.11.2) begin to read after this, whatever was said.
        asyncio.get_running_loop().call_soon(self._pause)
        self._front.accepted += 1
        self._front.clients.add(self)
        self._task = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._front.clients.discard(self)
        if not self._front.clients:
            self._front.is_quiet.set()
        if self._task is not None:
            self._task.cancel()
        self.close_peer()

    def _pause(self) -> None:
        if self.peer is None and self.transport is not None:
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep it for the replica that will take the connection."""
        if self.peer is None:
            self._early.append(data)
        else:
            super().data_received(data)

    async def _connect(self) -> None:
        front, loop = self._front, asyncio.get_running_loop()
        until = loop.time() + HOLD_S
        refused: set[str] = set()
        assert self.transport is not None
        while True:
            changed = front.changed
            found = front.choose(refused)
            if found is not None:
                if await self._reach(found):
                    self.transport.resume_reading()
                    return
                refused.add(found.name)
                continue
            if loop.time() > until:
                front.refused += 1
                self.transport.write(_NOBODY)
                self.transport.close()
                return
            # All have refused, or there is none: one may just be starting or be replaced.
            refused.clear()
            front.waiting += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _AGAIN_S if front.backends else 1.0)
            front.waiting -= 1

    async def _reach(self, backend: Backend) -> bool:
        """Connect to a replica; False when it does not take the connection."""
        front, loop = self._front, asyncio.get_running_loop()
        front.hold(backend.name)
        try:
            async with asyncio.timeout(_CONNECT_S):
                _, side = await loop.create_connection(
                    lambda: Upstream(front, backend.name, self), backend.host, backend.port
                )
        except (OSError, TimeoutError):
            front.release(backend.name)
            return False
        except BaseException:
            front.release(backend.name)
            raise
        side.is_counted = True
        self.peer = side
        assert side.transport is not None
        side.transport.writelines(self._early)
        self._early.clear()
        if self.has_ended:
            with suppress(OSError, RuntimeError):
                side.transport.write_eof()
        return True


class Upstream(Side):
    """A replica's end."""

    def __init__(self, front: Front, name: str, client: Client) -> None:
        self._front, self._name = front, name
        self.peer = client
        self.is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The replica has taken it."""
        self.transport = cast(asyncio.Transport, transport)

    def eof_received(self) -> bool:
        """The replica has said all: a client that does not close is closed after a while."""
        stays = super().eof_received()
        client = self.peer
        if stays and client is not None and client.transport is not None:
            asyncio.get_running_loop().call_later(LINGER_S, client.transport.close)
        return stays

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing is in flight at this replica any more."""
        if self.is_counted:
            self.is_counted = False
            self._front.release(self._name)
        client = self.peer
        if client is not None and client.transport is not None and not self.has_ended:
            client.transport.close()


def read_backends(data: object) -> list[Backend]:
    """The replicas of a message or of the file. ValueError when it is neither."""
    if not isinstance(data, list):
        raise ValueError("a list of replicas is expected")
    return [Backend(str(name), str(host), int(port)) for name, host, port in data]


async def control(
    front: Front, folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer a supervisor: one JSON object a line each way."""
    try:
        while line := await reader.readline():
            asked = json.loads(line)
            if "set" in asked:
                backends = read_backends(asked["set"])
                temporary = folder / f"{BACKENDS}.new"
                temporary.write_text(json.dumps(backends), encoding="utf-8")
                temporary.replace(folder / BACKENDS)
                front.take(backends)
            writer.write(json.dumps(front.report()).encode() + b"\n")
            await writer.drain()
    except (OSError, ValueError, TypeError) as error:
        print(f"control: {error}", flush=True)
    finally:
        writer.close()


async def serve(host: str, port: int, folder: Path) -> int:
    """Hold the port until SIGTERM; then let what is open end. The exit code."""
    front = Front()
    with suppress(OSError, ValueError):
        front.take(read_backends(json.loads((folder / BACKENDS).read_bytes())))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        server = await loop.create_server(lambda: Client(front), host, port, backlog=BACKLOG)
    except OSError as error:
        print(f"{host}:{port} can't be listened on: {os.strerror(error.errno or 0)}", flush=True)
        return PORT_TAKEN
    with suppress(FileNotFoundError):
        Path(CONTROL).unlink()  # the folder is ours: a front that was killed left it
    speaking = await asyncio.start_unix_server(
        lambda reader, writer: control(front, folder, reader, writer), CONTROL
    )
    print(f"listening on {host}:{port}", flush=True)
    await stop.wait()
    server.close()
    front.is_quiet.clear()
    if front.clients:
        with suppress(TimeoutError):
            await asyncio.wait_for(front.is_quiet.wait(), LEAVE_S)
    speaking.close()
    return 0


def main(arguments: list[str]) -> int:
    """Hold the port in `arguments`: host, port. The folder is the working folder."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return asyncio.run(serve(arguments[0], int(arguments[1]), Path.cwd()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
