"""The process engine's own keeper: a small process that starts attempts and outlives us.

Started once an engine has an attempt to start, and used from when it is there; what the keeper does
is in `keeper`. Whatever it can't start is left to the shell shim, which says why. When the keeper
is gone its attempts are ours (we are their nearest reaper, see `orphans`).
"""

from __future__ import annotations

import asyncio
import itertools
import marshal
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mltui.engines.process import keeper, procs, shim
from mltui.engines.process.procs import Identity
from mltui.engines.process.watch import Watched, gone
from mltui.errors import Unreachable

_LENGTH = 4
_END_S = 1.0
"""How long a keeper with nothing to do may take to end before it is left to itself."""


@dataclass(slots=True, eq=False)
class _Asked:
    """An attempt that the keeper was asked to start."""

    answer: asyncio.Future[Watched | None]
    oom_kills: int
    watched: Watched | None = None


class Keeping(asyncio.Protocol):
    """A keeper, as the engine has it. Belongs to the running event loop."""

    def __init__(self) -> None:
        self.pid = 0
        """Of the keeper; 0 until it is started."""
        self._loop = asyncio.get_running_loop()
        self._said: asyncio.Future[bool] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._in = b""
        self._beginning = self._loop.create_task(self._begin())

    async def _begin(self) -> None:
        """Start it; when that fails, it is never ready."""
        ours: socket.socket | None = None
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                self.pid = _spawn(theirs.fileno())
            await self._loop.create_connection(lambda: self, sock=ours)
            ours = None  # it is the transport's
        except OSError:
            self._say(False)
        finally:
            if ours is not None:
                ours.close()

    def _say(self, is_there: bool) -> None:
        if not self._said.done():
            self._said.set_result(is_there)

    @property
    def is_ready(self) -> bool:
        """It can be asked to start attempts."""
        return self._transport is not None and self._said.done() and self._said.result()

    async def ready(self) -> bool:
        """Wait until it can be asked; False when it never will."""
        return await asyncio.shield(self._said)

    async def start(
        self,
        folder: str,
        work: str,
        program: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        oom_kills: int,
    ) -> Watched | None:
        """Start an attempt. None: it was not, and nothing is left of the try.

        Unreachable when the keeper went away meanwhile.
        """
        assert self._transport is not None
        number = next(self._numbers)
        asked = self._asked[number] = _Asked(self._loop.create_future(), oom_kills)
        files = (f"{folder}/log", f"{folder}/{shim.CLAIM}")
        data = marshal.dumps((number, program, tuple(argv), dict(env), work, *files))
        self._transport.write(len(data).to_bytes(_LENGTH, "little") + data)
        return await asked.answer

    async def close(self) -> None:
        """Leave it. It ends when what it started has ended: at once, if nothing goes on."""
        self._beginning.cancel()
        await asyncio.gather(self._beginning, return_exceptions=True)
        self._say(False)
        is_idle = not self._asked
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)  # it lets go of its socket in the loop's next turn
        for asked in self._asked.values():
            asked.answer.cancel()
            if asked.watched is not None:
                asked.watched.close()
        self._asked.clear()
        if is_idle and self.pid:
            with suppress(TimeoutError, ChildProcessError):
                await asyncio.wait_for(gone(self.pid), _END_S)
                os.waitpid(self.pid, os.WNOHANG)  # noqa: ASYNC222 - it has ended

    # --- asyncio.Protocol -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is on the loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """What the keeper says."""
        self._in += data
        while len(self._in) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._in[:_LENGTH], "little")
            if len(self._in) < end:
                break
            message, self._in = self._in[_LENGTH:end], self._in[end:]
            number, *said = marshal.loads(message)
            if number == 0:
                self._say(True)
            elif len(said) == 2:
                self._started(number, *said)
            else:
                self._ended(number, *said)

    def _started(self, number: int, pid: int, started: int) -> None:
        asked = self._asked[number]
        if pid:
            identity = Identity(pid, started, procs.boot_id())
            asked.watched = Watched(identity, asked.oom_kills, is_child=True, is_kept=True)
        else:
            del self._asked[number]
        if not asked.answer.done():
            asked.answer.set_result(asked.watched)

    def _ended(self, number: int, code: int, cpu_s: float, peak: int) -> None:
        watched = self._asked.pop(number).watched
        assert watched is not None
        watched.told(code, cpu_s, peak)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone: its attempts are ours, what it had not answered nobody knows."""
        self._say(False)
        self._transport = None
        asked, self._asked = self._asked, {}
        for each in asked.values():
            if each.watched is not None:
                each.watched.inherit()
            elif not each.answer.done():
                each.answer.set_exception(Unreachable("the process that starts stages is gone"))


def _spawn(fd: int) -> int:
    """Start a keeper that is asked through this descriptor; its process number. OSError."""
    signals = ",".join(str(int(number)) for number in shim.DEFAULTS)
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", "-B", keeper.__file__, procs.boot_id(), signals],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, fd, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_CLOSE, fd) for fd in shim.inherited()),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=shim.DEFAULTS,
    )
