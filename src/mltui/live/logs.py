"""A container's output into a file that a log pane can show, from any container, followed.

Called by `Feed.log_to` for the log that is on screen, one at a time. How frames come apart and
where to go on after a broken connection is the engine's (`engines.docker.frames`, `.logs`); added
here are containers with a terminal, whose output has no frames, beginning near the end of a long
log, and going on when the container is started again.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mltui.errors import MltuiError, Unreachable
from mltui.live.daemon import Daemon, message_of, status_of
from mltui.live.times import read_time

if TYPE_CHECKING:
    from mltui.engines.docker.frames import Mark

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_PIECE_BYTES = 16 * 1024
"""The daemon cuts longer lines into messages of this length (moby, `logger/copier.go`)."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_CALM_S = 0.2


class Following(StrEnum):
    """How a log stands."""

    FOLLOWING = "following"
    ENDED = "ended"
    """The container does not run; a start goes on with it."""
    LOST = "lost"
    """The daemon does not answer; it is tried again."""
    GONE = "gone"
    """There is no such container any more."""
    REFUSED = "refused"
    """The daemon keeps no log of it, or can't read it."""


@dataclass(frozen=True, slots=True)
class LogState:
    """What to say beside a log."""

    following: Following
    why: str = ""
    from_at: float | None = None
    """Earlier output exists and was left out: the file begins here (seconds since the epoch)."""


class _Runs(Protocol):
    """Waits until a container runs again; False when it is gone."""

    async def __call__(self, key: str) -> bool: ...


async def log_to(
    daemon: Daemon,
    key: str,
    path: Path,
    *,
    runs_again: _Runs,
    tail: int | None = None,
    said: Callable[[LogState], None] = lambda state: None,
) -> LogState:
    """Write a container's log to `path`, byte for byte, until it is gone or this is cancelled.

    `path` stands in a folder of its own: beside it lies where to go on, so that a later call with
    the same path adds what is missing. `tail`: begin so many lines before the end; None: take all.
    `said` hears of every change. OSError when the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    state = LogState(Following.FOLLOWING)
    from_at: float | None = None

    def say(following: Following, why: str = "") -> LogState:
        nonlocal state
        new = LogState(following, why, from_at)
        if new != state:
            state = new
            said(new)
        return new

    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            is_terminal = await _has_terminal(daemon, key)
            if tail is not None:
                from_at = await _begin_near_end(daemon, key, path, tail, is_terminal)
                tail = None
            say(Following.FOLLOWING)
            await _take(daemon, key, path, is_terminal)
            pause_s = _FIRST_PAUSE_S
        except Unreachable as error:
            say(Following.LOST, str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            continue
        except MltuiError as error:
            if status_of(error) in (404, 409):  # 409: marked for removal
                return say(Following.GONE)
            return say(Following.REFUSED, f"Docker keeps no log of it: {message_of(error)}")
        await asyncio.sleep(_CALM_S)
        say(Following.ENDED)
        if not await runs_again(key):
            return say(Following.GONE)


async def _has_terminal(daemon: Daemon, key: str) -> bool:
    found = await daemon.get(f"/containers/{key}/json")
    return bool((found.get("Config") or {}).get("Tty"))


async def _take(daemon: Daemon, key: str, path: Path, is_terminal: bool) -> None:
    """Add what the file lacks, until the container is over. DockerError, Unreachable."""
    from mltui.engines.docker.frames import BadFrame, Reader
    from mltui.engines.docker.logs import LogFile

    server = await daemon.client.server()
    file = LogFile(path)
    try:
        reader = Reader(file.mark, skips_older=server.skips_older)
        framed = Framed() if is_terminal else None
        query = _query(file.mark) | {"follow": "1"}
        async with daemon.stream("GET", f"/containers/{key}/logs", query) as response:
            async for data in response.chunks():
                daemon.heard()
                text = reader.feed(data if framed is None else framed.feed(data))
                if text:
                    file.append(text, reader.mark)
        if framed is not None and (text := reader.feed(framed.end())):
            file.append(text, reader.mark)
    except BadFrame as error:
        raise Unreachable(f"{daemon.name} sends an odd log: {error}") from error
    finally:
        file.close()


def _query(mark: Mark) -> dict[str, str]:
    return {
        "stdout": "1",
        "stderr": "1",
        "timestamps": "1",
        "since": mark.since_parameter,
    }


async def _begin_near_end(
    daemon: Daemon, key: str, path: Path, tail: int, is_terminal: bool
) -> float | None:
    """Mark an empty file as beginning `tail` lines before the log's end; when that is.

    None when the whole log is not longer, or the file has something already.
    """
    from mltui.engines.docker.frames import BadFrame, Demux, Mark
    from mltui.engines.docker.logs import LogFile

    file = LogFile(path)
    try:
        if file.mark.since or file.mark.taken:
            return None
        query = _query(Mark()) | {"tail": str(tail + 1)}
        demux, framed = Demux(), Framed() if is_terminal else None
        first: bytes | None = None
        second: bytes | None = None
        count = 0
        async with daemon.stream("GET", f"/containers/{key}/logs", query) as response:
            async for data in response.chunks():
                for _, text in demux.feed(data if framed is None else framed.feed(data)):
                    count += 1
                    time = text.partition(b" ")[0]
                    first = first or time
                    second = second or (time if time != first else None)
        if count <= tail or first is None:
            return None
        since = second or first
        file.append(b"", Mark(since))
        return read_time(since.decode("ascii", "replace"))
    except BadFrame as error:
        raise Unreachable(f"{daemon.name} sends an odd log: {error}") from error
    finally:
        file.close()


class Framed:
    """Puts the output of a container with a terminal into frames, one for each message.

    With timestamps a message begins with its time; it ends with its line, or after 16 KiB.
    """

    _head = struct.Struct(">B3xI")

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The frames that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(self._frames(line + b"\n") for line in lines)

    def end(self) -> bytes:
        """The last message may have no line break."""
        rest, self._rest = self._rest, b""
        return self._frames(rest) if rest else b""

    def _frames(self, line: bytes) -> bytes:
        out: list[bytes] = []
        while True:
            time = _TIME.match(line)
            cut = (time.end() if time else 0) + _PIECE_BYTES
            if len(line) <= cut or not _TIME.match(line, cut):
                out += (self._head.pack(1, len(line)), line)
                return b"".join(out)
            out += (self._head.pack(1, cut), line[:cut])
            line = line[cut:]
