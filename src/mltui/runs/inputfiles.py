"""Project files and folders that stages read: hashed, kept, and large ones not hashed in vain.

Called by `preparing`. A large file that has the same size, times and inode as when it was last
hashed is taken to be the same, as git does; `.mltui/files.json` remembers that between runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from mltui.errors import OutputError
from mltui.runs.filecopy import walk
from mltui.runs.manifests import Member
from mltui.runs.store import Store

SMALL_BYTES = 1 << 20
"""Smaller files are hashed at once and each time."""
FOLDER = "folder:"
"""Before the digest of a folder's manifest, so that a key and `attempts` know it from a file's."""
_CACHE = "files.json"
_RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was hashed may change again without a trace in its
times, so that is not remembered beyond the run (as in `code`)."""


class Files:
    """Digests of project files, by their paths relative to the project's folder."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = root
        self._store = store
        self._cache = store.folder.parent / _CACHE
        self._known: dict[str, tuple[list[int], str]] | None = None
        self._racy: set[str] = set()

    def at_once(self, path: str) -> str | None:
        """The digest if finding it takes no time; None: call `read` in a thread.

        OutputError when the file can't be read.
        """
        info = self._stat(path)
        if S_ISDIR(info.st_mode):
            found = self._read_cache().get(path)
            return found[1] if found is not None and found[0] == self._folder_stamp(path) else None
        if info.st_size <= SMALL_BYTES:
            return self._store.put_file(self._root / path).digest
        found = self._read_cache().get(path)
        if found is not None and found[0] == _stamp(info) and self._store.has(found[1]):
            return found[1]
        return None

    def read(self, path: str) -> str:
        """Hash and keep a file or a folder. OutputError when it can't be read."""
        info = self._stat(path)
        if S_ISDIR(info.st_mode):
            return self._read_folder(path)
        stamp = _stamp(info)
        digest = self._store.put_file(self._root / path).digest
        known = self._read_cache()
        known[path] = (stamp, digest)
        if max(stamp[1:3]) < time.time_ns() - _RACY_NS:
            self._racy.discard(path)
            self._write_cache(known)
        else:
            self._racy.add(path)
        return digest

    def _read_folder(self, path: str) -> str:
        """Its manifest's digest, marked as a folder's. Remembered within the run only."""
        stamp = self._folder_stamp(path)
        members = []
        for relative, entry in self._walk(path):
            if entry is None:
                members.append(Member(relative, "", 0))
                continue
            kept = self._store.put_file(Path(entry.path))
            is_executable = bool(entry.stat().st_mode & 0o100)
            members.append(Member(relative, kept.digest, kept.size_bytes, is_executable))
        digest = FOLDER + self._store.put_members(members).digest
        self._racy.add(path)
        self._read_cache()[path] = (stamp, digest)
        return digest

    def _folder_stamp(self, path: str) -> list[int]:
        stamp = []
        for relative, entry in self._walk(path):
            stamp.append(hash(relative))
            if entry is not None:
                stamp.extend(_stamp(entry.stat()))
        return stamp

    def _walk(self, path: str) -> Iterator[tuple[str, os.DirEntry[str] | None]]:
        try:
            yield from walk(f"{self._root}/{path}".rstrip("/"))
        except OSError as error:
            why = (error.strerror or "unreadable").lower()
            raise OutputError(f"the folder {path} can't be read: {why}") from error

    def _stat(self, path: str) -> os.stat_result:
        try:
            return os.stat(f"{self._root}/{path}")  # noqa: PTH116 - called for every stage
        except OSError as error:
            why = (error.strerror or "unreadable").lower()
            raise OutputError(f"the file {path} can't be read: {why}") from error

    def _read_cache(self) -> dict[str, tuple[list[int], str]]:
        if self._known is None:
            self._known = {}
            with suppress(OSError, ValueError, TypeError, AttributeError):
                for path, (stamp, digest) in json.loads(self._cache.read_bytes()).items():
                    self._known[path] = (list(stamp), str(digest))
        return self._known

    def _write_cache(self, known: dict[str, tuple[list[int], str]]) -> None:
        lasting = {path: kept for path, kept in known.items() if path not in self._racy}
        temp = self._cache.with_name(f"{_CACHE}.{os.getpid()}")
        with suppress(OSError):  # only a cache
            temp.write_text(json.dumps(lasting), encoding="utf-8")
            temp.replace(self._cache)


def _stamp(info: os.stat_result) -> list[int]:
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]
