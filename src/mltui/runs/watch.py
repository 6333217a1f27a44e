"""Wakes up when files change: the journal's WAL, growing logs. For the app, the CLI, the runner.

With inotify on the files' folders, so that a file may appear later; where that is not to be had
(another system, no watches left, a folder not there yet), by looking four times a second. However
fast a file grows, `changed` returns at most twenty times a second.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltui.runs.inotify import Inotify

POLL_S = 0.25
INTERVAL_S = 0.05
_EVENT = struct.Struct("iIII")
"""inotify(7): watch, mask, cookie, length of the name that follows, padded with NULs."""
_OVERFLOW, _MOVED, _IGNORED = 0x4000, 0x0800, 0x8000
_LOST = _OVERFLOW | _MOVED | _IGNORED
_MASK = 0x0100_0BC2
"""MODIFY, MOVED_FROM, MOVED_TO, CREATE, DELETE, MOVE_SELF; ONLYDIR (inotify(7))."""
_READS, _READ_BYTES = 8, 1 << 16
_Signature = tuple[int, int, int] | None


class Watch:
    """A set of files that is watched; `async with` it. For one task of one event loop."""

    def __init__(self, *paths: Path, use_inotify: bool = True) -> None:
        self._paths: dict[Path, _Signature] = {}
        self._polled: set[Path] = set()
        self._folders: dict[str, int] = {}
        self._names: dict[int, dict[bytes, Path]] = {}
        self._inotify: Inotify | None = None
        self._use_inotify = use_inotify and sys.platform == "linux"
        self._pending: set[Path] = set()
        self._last = self._next_poll = float("-inf")
        self._first = paths

    async def __aenter__(self) -> Watch:
        if self._use_inotify:
            with suppress(ImportError, OSError):  # OSError: too many inotify instances
                from mltui.runs.inotify import Inotify

                self._inotify = Inotify()
        for path in self._first:
            self.add(path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the descriptor. Nothing is reported afterwards."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None
        self._paths.clear()
        self._polled.clear()
        self._folders.clear()
        self._names.clear()

    def add(self, path: Path) -> None:
        """Watch a file, there or not. Read it after adding it, and no change is missed."""
        if path in self._paths:
            return
        self._paths[path] = _look(path)
        if not self._follow(path):
            self._polled.add(path)

    def remove(self, path: Path) -> None:
        """Watch it no longer."""
        self._paths.pop(path, None)
        self._polled.discard(path)
        self._pending.discard(path)
        folder = self._folders.get(str(path.parent))
        if folder is None:
            return
        names = self._names.get(folder, {})
        if names.get(_padded(path.name)) == path:
            del names[_padded(path.name)]
        if not names and self._inotify is not None:
            with suppress(OSError):
                self._inotify.rm_watch(folder)
            self._forget(folder)

    def _follow(self, path: Path) -> bool:
        """Have inotify tell about a file; False when it can't."""
        if self._inotify is None:
            return False
        folder = self._folders.get(str(path.parent))
        if folder is None:
            try:
                folder = self._inotify.add_watch(path.parent, _MASK)
            except OSError:  # not there yet, or no watches left (fs.inotify.max_user_watches)
                return False
            self._folders[str(path.parent)] = folder
        self._names.setdefault(folder, {})[_padded(path.name)] = path
        return True

    def _forget(self, wd: int) -> list[Path]:
        self._folders = {name: f for name, f in self._folders.items() if f != wd}
        return list(self._names.pop(wd, {}).values())

    async def changed(self, timeout: float | None = None) -> set[Path]:
        """Files that changed, appeared or went since the last call; empty after `timeout` s.

        A burst is one return. Changes between calls are kept for the next.
        """
        loop = asyncio.get_running_loop()
        deadline = float("inf") if timeout is None else loop.time() + timeout
        pause_s = self._last + INTERVAL_S - loop.time()
        while True:
            if pause_s > 0:
                await asyncio.sleep(min(pause_s, max(0.0, deadline - loop.time())))
            self._drain()
            self._poll(loop.time())
            now = loop.time()
            if self._pending:
                found, self._pending, self._last = self._pending, set(), now
                return found
            if now >= deadline:
                return set()
            limit = min(deadline, self._next_poll) if self._polled else deadline
            is_woken = await self._wait(None if limit == float("inf") else limit)
            self._drain()
            # Woken by a file that nobody asked about, and perhaps a busy one: not at once again.
            pause_s = INTERVAL_S if is_woken and not self._pending else 0.0

    async def _wait(self, until: float | None) -> bool:
        """Wait for inotify; False when it got `until` (loop time)."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        fd = -1 if self._inotify is None else self._inotify.fd
        if fd >= 0:
            loop.add_reader(fd, readable.set)
        try:
            async with asyncio.timeout_at(until):
                await readable.wait()
        except TimeoutError:
            return False
        finally:
            if fd >= 0:
                loop.remove_reader(fd)
        return True

    def _drain(self) -> None:
        """Take what inotify has into `_pending`; bounded: a file may grow as fast as we read."""
        if self._inotify is None:
            return
        for _ in range(_READS):
            try:
                data = os.read(self._inotify.fd, _READ_BYTES)
            except BlockingIOError:
                return
            offset = 0
            while offset < len(data):
                wd, mask, _, length = _EVENT.unpack_from(data, offset)
                offset += _EVENT.size + length
                path = self._names.get(wd, {}).get(data[offset - length : offset])
                if path is not None:
                    self._pending.add(path)
                elif mask & _LOST:
                    self._on_lost(wd, mask)

    def _on_lost(self, wd: int, mask: int) -> None:
        """Events were dropped, or a folder went away: look for it to come back."""
        if mask & _OVERFLOW:
            self._pending.update(self._paths)
            return
        is_ours = wd in self._folders.values()
        lost = self._forget(wd)
        self._pending.update(lost)
        self._polled.update(lost)
        if is_ours and mask & _MOVED and self._inotify is not None:
            with suppress(OSError):
                self._inotify.rm_watch(wd)

    def _poll(self, now: float) -> None:
        if not self._polled or now < self._next_poll:
            return
        self._next_poll = now + POLL_S
        for path in list(self._polled):
            if self._follow(path):  # its folder is there now
                self._polled.discard(path)
            seen = _look(path)
            if seen != self._paths[path]:
                self._paths[path] = seen
                self._pending.add(path)


def _padded(name: str) -> bytes:
    """A name as it follows an event: ended by a NUL, filled up to 16 bytes."""
    raw = os.fsencode(name) + b"\0"
    return raw.ljust(-len(raw) % _EVENT.size + len(raw), b"\0")


def _look(path: Path) -> _Signature:
    try:
        info = os.stat(path)  # noqa: PTH116 - four times a second for each
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino
