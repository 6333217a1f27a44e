"""A container's output into a file of timed lines, from any container, followed.

Called by `Feed.log_to` for the logs that are on screen and by `mltui logs`. What is added to
`timedlog.take` here is Docker's: frames, and containers with a terminal, whose output has none;
long lines that the daemon cuts into messages; going on when the container is started again.
"""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

from mltui.errors import MltuiError, Unreachable
from mltui.live.daemon import Daemon, message_of, status_of
from mltui.live.gaps import Keeping
from mltui.live.logstate import Following, LogState
from mltui.live.taking import take
from mltui.live.timedlog import TimedFile
from mltui.live.times import read_time
from mltui.logs.timed import Note

__all__ = ["Following", "Framed", "LogState", "log_to"]

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_TIME_BYTES = 31
_RESTART_S = 2.0
"""Between the end and the start of a container that is restarted."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]?)i?b?$", re.IGNORECASE)
_PIECE_BYTES = 16 * 1024
"""The daemon cuts longer lines into messages of this length (moby, `logger/copier.go`)."""
_LONG_BYTES = 1 << 20
"""A longer line is given on in pieces."""


async def log_to(
    daemon: Daemon,
    key: str,
    path: Path,
    *,
    runs_again: Callable[[str], Awaitable[bool]] | None = None,
    follow: bool = True,
    reads_first: bool = False,
    tail: int | None = None,
    notes: list[Note] | None = None,
    said: Callable[[LogState], None] = lambda state: None,
) -> LogState:
    """Write a container's log, with times, to `path` until it is over; a later call goes on.

    `runs_again` waits until the container runs again, False when it is gone; without it the log
    ends with the container, unless that is restarted at once. `tail`: begin so many lines before
    the end; None: take all. `notes` get what is to be said between lines; `said` hears of every
    change of how the log stands. OSError when the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known: LogState | None = None

    def say(state: LogState) -> LogState:
        nonlocal known
        if state != known:
            known = state
            said(state)
        return state

    def hear(state: LogState) -> None:
        say(state)

    def chunks(since: str, is_followed: bool) -> AsyncGenerator[bytes]:
        return _chunks(daemon, key, file, since, is_followed, tail)

    async def goes_on() -> bool:
        if runs_again is None:
            return await _runs(daemon, key)
        found = await runs_again(key)
        if found:
            say(LogState(Following.FOLLOWING))
        return found

    def again(since: str) -> AsyncGenerator[bytes]:
        return _chunks(daemon, key, file, since, False, tail)

    file = TimedFile(path, tail=tail, notes=notes)
    try:
        await take(
            file,
            chunks,
            follow=follow,
            goes_on=goes_on,
            said=hear,
            reads_first=reads_first,
            again=again,
        )
    except Unreachable as error:
        return say(LogState(Following.REFUSED, str(error)))
    except MltuiError as error:
        if status_of(error) in (404, 409):  # 409: marked for removal
            return say(LogState(Following.GONE))
        why = f"Docker keeps no log of it: {message_of(error)}"
        return say(LogState(Following.REFUSED, why))
    finally:
        file.close()
    is_gone = follow and runs_again is not None
    return say(LogState(Following.GONE if is_gone else Following.ENDED))


def _keeping(log: dict[str, Any]) -> Keeping | None:
    """How a daemon throws lines of a container away, by its log driver's options; None: not."""
    driver, options = log.get("Type"), log.get("Config") or {}
    if driver not in ("json-file", "local"):
        return None
    size = options.get("max-size") or ("20m" if driver == "local" else "")
    match = _SIZE.match(str(size))
    if match is None:  # of any length; -1
        return None
    # what is in a file besides the text: its times and the names of its fields
    size_bytes = float(match[1]) * 1000 ** ("kmgt".find(match[2].lower() or "-") + 1)
    return Keeping(0.4 * size_bytes, each_timed=True)


async def _runs(daemon: Daemon, key: str) -> bool:
    """Whether it runs, or is started again in a moment (`docker restart`)."""
    until = time.monotonic() + _RESTART_S
    while True:
        try:
            now = await daemon.get(f"/containers/{key}/json")
        except Unreachable:
            return True
        except MltuiError:
            return False
        if (now.get("State") or {}).get("Running"):
            return True
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_RESTART_S / 10)


async def _chunks(
    daemon: Daemon, key: str, file: TimedFile, since: str, follow: bool, tail: int | None
) -> AsyncGenerator[bytes]:
    """A container's log, both streams, each line once with one time; the last may be cut off."""
    from mltui.engines.docker.frames import BadFrame, Demux

    found = await daemon.get(f"/containers/{key}/json")
    # what it wrote after it last ended; `StartedAt` may be later than its first lines
    if not found.get("RestartCount"):
        file.began(read_time((found.get("State") or {}).get("StartedAt")))
    file.told.restarted(read_time((found.get("State") or {}).get("FinishedAt")))
    file.kept_as(_keeping((found.get("HostConfig") or {}).get("LogConfig") or {}))
    is_terminal = bool((found.get("Config") or {}).get("Tty"))
    at = read_time(since) if since else None
    query: dict[str, object] = {
        "stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if follow else "0",
        "since": f"{at:.0f}" if at is not None else "0",
    }  # fmt: skip
    if at is None and tail is not None:
        query["tail"] = str(tail)
    demux, joined = Demux(), _Joined()
    framed = Framed() if is_terminal else None
    try:
        async with daemon.stream("GET", f"/containers/{key}/logs", query) as response:
            async for data in response.chunks():
                daemon.heard()
                frames = demux.feed(data if framed is None else framed.feed(data))
                if out := joined.feed(frames):
                    yield out
        if framed is not None and (out := joined.feed(demux.feed(framed.end()))):
            yield out
    except BadFrame as error:
        raise Unreachable(f"{daemon.name} sends an odd log: {error}") from error
    if out := joined.end():
        yield out


class _Joined:
    """Lines of both streams one after another; the pieces of a long one under its first time."""

    def __init__(self) -> None:
        self._open: dict[int, list[bytes]] = {}
        self._sizes: dict[int, int] = {}
        self._long: int | None = None
        """The stream of which a line is given on in pieces; others wait until it has ended."""
        self._held: list[bytes] = []

    def feed(self, frames: list[tuple[int, bytes]]) -> bytes:
        """What is to be written of these messages."""
        out: list[bytes] = []
        for stream, text in frames:
            parts = self._open.get(stream)
            line = text.partition(b" ")[2]
            if parts is not None:  # the rest of a long line has a time of its own
                text = line
            is_whole = text.endswith(b"\n")
            if not is_whole and len(line) < _PIECE_BYTES:  # what a program left at its end
                is_whole, text = True, text + b"\n"
            if stream == self._long:
                out.append(text)
                if is_whole:
                    self._long = None
                    del self._open[stream]
                    out += self._held
                    self._held = []
                continue
            if parts is None and is_whole:
                (out if self._long is None else self._held).append(text)
                continue
            parts = self._open.setdefault(stream, [])
            parts.append(text)
            size = self._sizes[stream] = self._sizes.get(stream, 0) + len(text)
            if is_whole:
                (out if self._long is None else self._held).extend(parts)
                del self._open[stream], self._sizes[stream]
            elif self._long is None and size > _LONG_BYTES:
                out += parts
                self._open[stream] = []
                del self._sizes[stream]
                self._long = stream
        return b"".join(out)

    def end(self) -> bytes:
        """The beginning of a line that has not ended, where there is one and it was not given."""
        if self._long is not None or len(self._open) != 1:
            return b""
        return b"".join(next(iter(self._open.values())))


class Framed:
    """Puts the output of a container with a terminal into frames, one for each message.

    With timestamps a message begins with its time; it ends with its line, or after 16 KiB.
    """

    _head = struct.Struct(">B3xI")

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The frames that are whole now."""
        *lines, rest = (self._rest + data).split(b"\n")
        out = [self._frames(line + b"\n") for line in lines]
        while len(rest) > _PIECE_BYTES + 2 * _TIME_BYTES:
            cut = self._cut(rest)
            if cut is None:
                break
            out.append(self._head.pack(1, cut) + rest[:cut])
            rest = rest[cut:]
        self._rest = rest
        return b"".join(out)

    def end(self) -> bytes:
        """The last message may have no line break."""
        rest, self._rest = self._rest, b""
        return self._frames(rest) if rest else b""

    def _cut(self, line: bytes) -> int | None:
        """Where the next message of a line begins; None: it is the last."""
        time = _TIME.match(line)
        cut = (time.end() if time else 0) + _PIECE_BYTES
        return cut if len(line) > cut and _TIME.match(line, cut) else None

    def _frames(self, line: bytes) -> bytes:
        out: list[bytes] = []
        while (cut := self._cut(line)) is not None:
            out += (self._head.pack(1, cut), line[:cut])
            line = line[cut:]
        out += (self._head.pack(1, len(line)), line)
        return b"".join(out)
