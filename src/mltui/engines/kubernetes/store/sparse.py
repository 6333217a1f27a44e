"""Files whose beginning nobody needs any more: its room is given back, offsets stay as they are.

Used by what records beside a service, by the store, and where records are read. Standard library
alone.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

BLOCK = 4096
_PUNCH, _KEEP_SIZE = 2, 1
"""Linux, fallocate(2)."""


def free_before(path: Path, end: int) -> None:
    """Give back the room of what is before `end`, as far as the file system can; links are not
    followed."""
    end -= end % BLOCK
    free = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if end <= 0 or free is None:
        return
    with suppress(OSError):
        found = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            size = ctypes.c_int64(min(end, os.fstat(found).st_size))
            free(ctypes.c_int(found), ctypes.c_int(_PUNCH | _KEEP_SIZE), ctypes.c_int64(0), size)
        finally:
            os.close(found)


def begins(path: Path, at: int) -> int:
    """From `at` on, the first byte that is still there; `at` itself where all of it is. OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if at >= size:
            return at
        try:
            return os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:
            return size
