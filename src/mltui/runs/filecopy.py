"""Bytes from one file to another, and what can be wrong with a file; for `store` and `code`.

Works on descriptors and plain strings: a store sees thousands of tiny files, and a `Path` costs
more than the system call behind it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mltui.errors import OutputError, StoreError

_FICLONE = 0x40049409
"""ioctl_ficlonerange(2): share all blocks of another file (btrfs, XFS, bcachefs, ZFS)."""
_CHUNK = 1 << 20
_SMALL = 1 << 16
_NO_RANGE = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
)
MAX_MEMBERS = 1_000_000
"""Files in one folder artifact."""


def create(path: str, flags: int = os.O_WRONLY) -> int:
    """A new read-only file, open for writing; its folder is made if need be."""
    flags |= os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o444)
    except FileNotFoundError:
        make_parent(path)
    except FileExistsError:  # left by a killed process that had our number
        os.unlink(path)  # noqa: PTH108
    return os.open(path, flags, 0o444)


def link(source: str, target: str) -> None:
    """Another name for a file; the name's folder is made if need be."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        make_parent(target)
        os.link(source, target, follow_symlinks=False)


def make_parent(path: str) -> None:
    """Make the folder a file is to be in."""
    os.makedirs(path.rpartition("/")[0], exist_ok=True)  # noqa: PTH103


def write_all(fd: int, data: bytes) -> None:
    """Write all of it."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def hash_fd(fd: int) -> tuple[str, int]:
    """SHA-256 in hex and the size, from the file's start; files bigger than memory are fine."""
    digest = hashlib.sha256()
    size = 0
    while data := os.pread(fd, _CHUNK, size):
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size


def clone(source: int, target: int) -> bool:
    """Let `target` share `source`'s blocks; False where the file system can't."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        return False
    return True


def copy(source: int, target: int) -> None:
    """All of `source` into the empty `target`: cloned, copied by the kernel, or by us."""
    data = os.read(source, _SMALL)
    if len(data) < _SMALL:  # tiny: two system calls, no attempts to be clever
        if data:
            write_all(target, data)
        return
    if clone(source, target):
        return
    offset = 0
    if hasattr(os, "copy_file_range"):
        try:
            while count := os.copy_file_range(source, target, 1 << 30, offset, offset):
                offset += count
        except OSError as error:
            if error.errno not in _NO_RANGE:
                raise
    os.lseek(target, offset, os.SEEK_SET)
    while data := os.pread(source, _CHUNK, offset):
        write_all(target, data)
        offset += len(data)


def walk(root: str) -> Iterator[tuple[str, os.DirEntry[str] | None]]:
    """Every file under a folder, with its relative path; an empty folder as (`path/`, None).

    OutputError on a symlink, socket, fifo or device, and on more than `MAX_MEMBERS` entries.
    """
    todo = [""]
    count = 0
    while todo:
        prefix = todo.pop()
        is_empty = True
        with os.scandir(f"{root}/{prefix}") as entries:
            for entry in entries:
                is_empty = False
                count += 1
                if count > MAX_MEMBERS:
                    raise OutputError(f"{root} holds more than {MAX_MEMBERS:,} files")
                relative = prefix + entry.name
                if entry.is_symlink():
                    raise OutputError(f"{relative} is a symbolic link: outputs hold files only")
                if entry.is_dir():
                    todo.append(relative + "/")
                elif entry.is_file():
                    yield relative, entry
                else:
                    mode = entry.stat(follow_symlinks=False).st_mode
                    raise OutputError(f"{relative} is {kind(mode)}: outputs hold files only")
        if is_empty and prefix:
            yield prefix, None


def is_safe(relative: str) -> bool:
    """Whether a path from a manifest stays below the folder it is restored in."""
    return bool(relative) and not any(
        part in ("..", ".") or "\0" in part or (part == "" and index == 0)
        for index, part in enumerate(relative.split("/"))
    )


def kind(mode: int) -> str:
    """What a file that should have been a plain one is, in words."""
    for is_kind, words in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISREG, "a file"),
    ):
        if is_kind(mode):
            return words
    return "a device"


def why(error: OSError) -> str:
    """The system's reason in words, without numbers or paths."""
    return (error.strerror or str(error)).lower()


def explain(error: OSError, where: Path, digest: str | None = None) -> StoreError:
    """The store's error for one of the system's, with what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"the disk of {where} is full: free some space (`mltui gc`) and retry")
    if digest is not None and error.errno == errno.ENOENT:
        return StoreError(f"{digest} is no longer in the store (`mltui gc`?): run its stage again")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreError(f"{where} can't be written: the folder is read-only or not yours")
    return StoreError(f"{where}: {why(error)}")


def remove_quietly(path: str) -> None:
    """Remove a file that may be gone already."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
