"""The four calls of inotify(7) that `watch` needs; events are read and taken apart there.

By hand because libraries for it look the C library up in a child process when they are imported:
that took longer than all else between the start of the screen and its first change.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


class Inotify:
    """One instance; `fd` is readable when there are events. OSError where there is none to have."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError("this C library has no inotify")
        self.fd = self._checked(self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))

    def add_watch(self, folder: Path, mask: int) -> int:
        """The number that events of this folder carry. OSError: not there, or no watches left."""
        name = ctypes.c_char_p(os.fsencode(folder))
        return self._checked(self._libc.inotify_add_watch(self.fd, name, ctypes.c_uint32(mask)))

    def rm_watch(self, watch: int) -> None:
        """No more events of it. OSError when it is gone already."""
        self._checked(self._libc.inotify_rm_watch(self.fd, watch))

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)

    def _checked(self, answer: int) -> int:
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return answer
