"""Working folders that are used again: emptied after one attempt, renamed for another.

A file system makes a folder slowly, ext4 the more so the more were removed shortly before; without
this a run of a thousand small stages makes and removes two thousand. Only an empty folder is used
again, of an attempt of which certainly nothing lives. Called by `executing` and `layout`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mltui.runs.attempts import INPUTS, Place

TRASH = ".trash"
"""Beside the working folders, for small files until the run ends: ext4 without a journal looks at
every inode that was freed in the last minutes whenever it makes a file."""
_SMALL_BYTES = 1 << 14


class Spares:
    """Empty working folders of one run, each with an empty folder of inputs in it."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._like: os.stat_result | None = None
        self._trash = ""
        self._count = 0

    def offer(self, place: Place, files: Iterable[str]) -> bool:
        """Keep an attempt's working folder, without these files; False: it has to be removed.

        What was put there by nobody we know of, or rights that were changed, speak against it.
        """
        work = str(place.work)
        inputs = f"{work}/{INPUTS}"
        try:
            if not (self._is_as_made(work) and self._is_as_made(inputs)):
                return False
            for file in files:
                self._put_away(file, place.work.parent)
            if os.listdir(inputs) or os.listdir(work) != [INPUTS]:  # noqa: PTH208
                return False
        except OSError:
            return False
        self._paths.append(work)
        return True

    def _put_away(self, file: str, beside: Path) -> None:
        """Take a file out of its folder; its inode, if it has no other name, is freed later."""
        info = os.lstat(file)
        if info.st_nlink > 1 or info.st_size > _SMALL_BYTES:
            os.unlink(file)  # noqa: PTH108
            return
        if not self._trash:
            self._trash = f"{beside}/{TRASH}"
            os.makedirs(self._trash, exist_ok=True)  # noqa: PTH103
        self._count += 1
        os.rename(file, f"{self._trash}/{self._count}")  # noqa: PTH104

    def _is_as_made(self, folder: str) -> bool:
        found = os.lstat(folder)
        if self._like is None:
            self._like = os.stat(Path(folder).parent)  # noqa: PTH116
        return (found.st_mode, found.st_uid) == (self._like.st_mode, self._like.st_uid)

    def take(self, place: Place) -> bool:
        """Make one of them the working folder of an attempt; False when there is none."""
        work = str(place.work)
        with suppress(IndexError, OSError):  # one that can't be renamed is in nobody's way
            os.rename(self._paths.pop(), work)  # noqa: PTH104
            return True
        return False

    def drain(self) -> list[Path]:
        """What is left, to be removed."""
        left, self._paths = [*self._paths, *filter(None, [self._trash])], []
        self._trash = ""
        return [Path(path) for path in left]
