"""Folders as tar streams, into a container and out of it, never a whole one in memory.

Called by the engine. What comes out was made by somebody else's program: nothing of it may land
outside the place it is meant for, whatever its names and links say.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tarfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_BLOCK = 512


class BadArchive(Exception):
    """The stream is no tar, or it names something outside."""


def pack(places: list[tuple[Path, str]]) -> Iterator[bytes]:
    """A tar stream of folders and files under the names given, in pieces of about a megabyte.

    Everything may be read and written by every user: an image's user is known by name at most,
    and nobody else is in the container. Sockets and devices are left out. OSError.
    """
    for source, name in places:
        yield from _whole(_members(source, name))
    yield b"\0" * (2 * _BLOCK)


def stream_members(members: Iterator[tuple[str, tarfile.TarInfo]]) -> Iterator[bytes]:
    """A tar stream of (path, how it is written) pairs; sizes are filled in. OSError."""
    yield from _whole(members)
    yield b"\0" * (2 * _BLOCK)


def _whole(members: Iterator[tuple[str, tarfile.TarInfo]]) -> Iterator[bytes]:
    buffer = bytearray()
    for path, info in members:
        if info.isreg():
            with open(path, "rb") as file:  # noqa: PTH123 - once for every file
                info.size = os.fstat(file.fileno()).st_size
                buffer += _head(info)
                left = info.size
                while left:
                    data = file.read(min(left, _CHUNK_BYTES))
                    if not data:
                        raise OSError(f"{path} became shorter while it was copied")
                    left -= len(data)
                    buffer += data
                    if len(buffer) >= _CHUNK_BYTES:
                        yield bytes(buffer)
                        buffer.clear()
            buffer += b"\0" * (-info.size % _BLOCK)
        else:
            buffer += _head(info)
        if len(buffer) >= _CHUNK_BYTES:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def _head(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _members(source: Path, name: str) -> Iterator[tuple[str, tarfile.TarInfo]]:
    todo = [(os.fspath(source), name)]
    while todo:
        path, inside = todo.pop()
        found = os.lstat(path)
        info = tarfile.TarInfo(inside)
        info.mtime = int(found.st_mtime)
        if stat.S_ISDIR(found.st_mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            yield path, info
            with os.scandir(path) as entries:
                todo.extend((entry.path, f"{inside}/{entry.name}") for entry in entries)
        elif stat.S_ISLNK(found.st_mode):
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777  # noqa: PTH115
            yield path, info
        elif stat.S_ISREG(found.st_mode):
            info.mode = 0o777 if found.st_mode & 0o111 else 0o666
            yield path, info


def folder_entry(name: str, mode: int = 0o777) -> bytes:
    """A tar head that makes a folder."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    return _head(info)


async def pieces(source: Iterator[bytes], pool: Executor) -> AsyncIterator[bytes]:
    """A generator that reads files, taken piece by piece in a thread."""
    loop = asyncio.get_running_loop()
    while (data := await loop.run_in_executor(pool, next, source, None)) is not None:
        yield data


async def unpack(chunks: AsyncIterator[bytes], place: Path, pool: Executor) -> None:
    """Write a tar stream's one top entry, file or folder, as `place`.

    What was there is replaced. BadArchive, OSError; the stream's own errors pass through.
    """
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    extracted = loop.run_in_executor(pool, _unpack, reading, place)
    try:
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(writing, "wb", buffering=0)
        )
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            async for data in chunks:
                writer.write(data)
                await writer.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the other end gave up and says why
        finally:
            transport.close()  # what is buffered is written first
    except BaseException:
        with suppress(Exception):
            await asyncio.shield(extracted)
        raise
    await extracted


def _unpack(descriptor: int, place: Path) -> None:
    with os.fdopen(descriptor, "rb", buffering=_CHUNK_BYTES) as file:
        extract(file, place)
        while file.read(_CHUNK_BYTES):
            pass


def extract(file: BinaryIO, place: Path) -> None:
    """Write a tar stream's one top entry as `place`. BadArchive, OSError."""
    clear(place)
    try:
        with tarfile.open(fileobj=file, mode="r|", errorlevel=2) as tar:
            folders: list[tuple[str, int]] = []
            for member in tar:
                path = _inside(place, member.name)
                if member.isdir():
                    _make_folder(place, path)
                    folders.append((path, member.mode))
                elif member.isreg():
                    _write(tar, member, place, path)
                elif member.issym():
                    _parents(place, path)
                    os.symlink(member.linkname, path)  # noqa: PTH211
                elif member.islnk():
                    _link(place, _inside(place, member.linkname), path)
            for path, mode in folders:
                os.chmod(path, (mode & 0o777) | 0o700)  # noqa: PTH101
    except tarfile.TarError as error:
        raise BadArchive(f"what came back is not a whole archive: {error}") from error


def clear(place: Path) -> None:
    """Remove what is at a place, whatever it is."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _inside(place: Path, name: str) -> str:
    """Where a member goes: its first component is the place itself."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
        raise BadArchive(f"what came back names {name!r}, which is outside of it")
    return "/".join((os.fspath(place), *parts[1:]))


def _parents(place: Path, path: str) -> None:
    """The folders above a member must be folders that lie in the place, no links."""
    top = os.fspath(place)
    if path == top:
        return
    parent = path.rpartition("/")[0]
    if not stat.S_ISDIR(os.lstat(parent).st_mode):
        raise BadArchive(f"what came back puts a file under {parent!r}, which is no folder")
    _parents(place, parent)


def _make_folder(place: Path, path: str) -> None:
    _parents(place, path)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)  # noqa: PTH102
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        raise BadArchive(f"what came back has {path!r} twice")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path, path: str) -> None:
    _parents(place, path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    source = tar.extractfile(member)
    assert source is not None
    with open(os.open(path, flags, 0o600), "wb", buffering=0) as out:  # noqa: PTH123
        shutil.copyfileobj(source, out, _CHUNK_BYTES)
        os.fchmod(out.fileno(), (member.mode & 0o777) | 0o600)
    os.utime(path, (member.mtime, member.mtime))


def _link(place: Path, source: str, path: str) -> None:
    _parents(place, path)
    _parents(place, source)
    if not stat.S_ISREG(os.lstat(source).st_mode):
        raise BadArchive(f"what came back links {path!r} to what is no file")
    os.link(source, path, follow_symlinks=False)
