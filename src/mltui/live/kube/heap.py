"""Gives memory back that a long list needed while it was read: many times what is kept of it.

Called by `part` once such a list is whole. The C library keeps freed pages for later; a list of ten
thousand objects is read once, and the pages of the answers would stay for the life of the screen.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

LONG = 2000
"""Objects of a list from which on it is worth a look through the heap (some milliseconds)."""


def give_back() -> None:
    """Hand freed pages to the kernel; nothing happens where the C library has no word for it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
