"""Who runs this project: a POSIX record lock on `.mltui/lock`.

Taken by the runner, looked at by everybody else. The kernel drops it when the runner dies, however
it dies; children don't inherit it; and a reader is told who holds it without taking it. Closing
*any* descriptor of the file in the holding process would drop it, so nobody opens it there again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltui.runs.project import Project

RUNNER = "lock"
SUPERVISOR = "serving.lock"
"""Of whoever keeps services and monitors."""
_LINUX = "hhqqi4x"
"""`struct flock`: type, whence, start, length, pid, padding."""
_BSD = "qqihh"
"""The same on macOS and the BSDs: start, length, pid, type, whence."""
_IS_BSD = sys.platform == "darwin" or "bsd" in sys.platform

_held: set[Path] = set()


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """Whether a runner works on this project, and which process it is."""

    alive: bool
    pid: int | None = None


def _ask() -> bytes:
    if _IS_BSD:
        return struct.pack(_BSD, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    return struct.pack(_LINUX, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _read(answer: bytes) -> tuple[int, int]:
    if _IS_BSD:
        _, _, pid, kind, _ = struct.unpack(_BSD, answer)
    else:
        kind, _, _, _, pid = struct.unpack(_LINUX, answer)
    return kind, pid


def read_status(folder: Path, name: str = RUNNER) -> RunnerStatus:
    """Who holds a lock of this `.mltui`; takes nothing and writes nothing."""
    file = (folder / name).absolute()
    if file in _held:
        return RunnerStatus(True, os.getpid())
    try:
        # Asking for a write lock needs no write access, so a read-only project can be looked at.
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return RunnerStatus(False)
    try:
        kind, pid = _read(fcntl.fcntl(descriptor, fcntl.F_GETLK, _ask()))
    finally:
        os.close(descriptor)
    if kind == fcntl.F_UNLCK:
        return RunnerStatus(False)
    return RunnerStatus(True, pid if pid > 0 else None)


def runner_status(project: Project) -> RunnerStatus:
    """Whether a runner works on this project now."""
    return read_status(project.folder)


class RunnerLock:
    """The lock, as its holder has it."""

    def __init__(self, folder: Path, name: str = RUNNER) -> None:
        self._file = (folder / name).absolute()
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take it; False when another process has it. OSError when the folder can't be used."""
        if self._descriptor is not None:
            return True
        if self._file in _held:
            return False
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        self._descriptor = descriptor
        _held.add(self._file)
        return True

    def release(self) -> None:
        """Give it back; harmless when it was not taken."""
        if self._descriptor is not None:
            _held.discard(self._file)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> RunnerLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
