"""A mebibyte kept back, so that a full disk can still be written down.

The runner lays it by when it starts. When the journal finds no room, the reserve is given up and
the same transaction is tried again; what could not be done is then a failure that people can read,
not a run that hangs.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from mltui.runs.database import DiskFull

BYTES = 1 << 20


class Reserve:
    """The file `.mltui/reserve`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "reserve"

    def lay_by(self) -> bool:
        """Have it (again); False when there is no room for it now."""
        try:
            if self._file.exists() and self._file.stat().st_blocks * 512 >= BYTES:
                return True
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.posix_fallocate(descriptor, 0, BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            self.spend()
            return False
        return True

    def spend(self) -> bool:
        """Give it up; whether there was one."""
        with suppress(OSError):
            self._file.unlink()
            return True
        return False


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a lack of room."""
    while error is not None:
        if isinstance(error, DiskFull):
            return True
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        error = error.__cause__
    return False
