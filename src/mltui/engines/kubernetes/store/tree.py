"""Files, folders and links below a folder as content by digest: how they travel to a pod and back.

Used by the runner, by `fetch` before a stage and by `keep` beside it, which so mean the same.
Standard library alone: it is part of the store's image.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

SMALL_BYTES = 64 << 10
"""Files up to this size travel together."""
PACK_BYTES = 8 << 20
CHUNK = 1 << 20


@dataclass
class Content:
    """Bytes named by their digest: a file's, or those of small files one after another."""

    digest: str
    size: int
    path: Path | None = None
    data: bytes = b""

    def read(self, offset: int, size: int) -> bytes:
        """A piece of it. OSError."""
        if self.path is None:
            return self.data[offset : offset + size]
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


@dataclass
class Tree:
    """Files, folders and links below a folder, by relative path."""

    files: list[list[Any]] = field(default_factory=list)
    """path, whether it is executable, size, digest"""
    packs: list[list[Any]] = field(default_factory=list)
    """digest, size, members: path, whether it is executable, size"""
    folders: list[str] = field(default_factory=list)
    links: list[list[str]] = field(default_factory=list)
    """path, what it names"""

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return json.dumps(self.__dict__, sort_keys=True).encode("utf-8", "surrogateescape")

    @classmethod
    def from_bytes(cls, data: bytes) -> Tree:
        """ValueError when it is none."""
        found = json.loads(data)
        return cls(found["files"], found["packs"], found["folders"], found["links"])

    @property
    def digests(self) -> dict[str, int]:
        """All content it needs: digest → size."""
        return {each[3]: each[2] for each in self.files} | {each[0]: each[1] for each in self.packs}


def survey(root: Path, names: Iterable[str]) -> tuple[Tree, list[Content]]:
    """What is at these relative paths, with the content to send. What is not there is left out.

    Blocks for as long as hashing takes. OSError when a file can't be read.
    """
    tree, contents = Tree(), []
    small: list[tuple[str, bool, bytes]] = []

    def flush() -> None:
        if small:
            data = b"".join(each[2] for each in small)
            digest = hashlib.sha256(data).hexdigest()
            members = [[name, executable, len(part)] for name, executable, part in small]
            tree.packs.append([digest, len(data), members])
            contents.append(Content(digest, len(data), None, data))
            small.clear()

    weight = 0
    for name, info in _walk(root, [name for name in names if not _is_led_astray(root, name)]):
        path = root / name
        if stat.S_ISDIR(info.st_mode):
            tree.folders.append(name)
        elif stat.S_ISLNK(info.st_mode):
            tree.links.append([name, os.readlink(path)])  # noqa: PTH115
        elif stat.S_ISREG(info.st_mode):
            executable = bool(info.st_mode & 0o111)
            if info.st_size <= SMALL_BYTES:
                data = path.read_bytes()
                if weight + len(data) > PACK_BYTES:
                    flush()
                    weight = 0
                small.append((name, executable, data))
                weight += len(data)
                continue
            with path.open("rb") as file:
                digest, size = hash_file(file)
            tree.files.append([name, executable, size, digest])
            contents.append(Content(digest, size, path))
    flush()
    return tree, contents


def _is_led_astray(root: Path, name: str) -> bool:
    """A link on the way to a path: what is behind it is not the stage's."""
    parts = name.split("/")[:-1]
    return any((root / "/".join(parts[:end])).is_symlink() for end in range(1, len(parts) + 1))


def _walk(root: Path, names: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    for name in names:
        path = root / name
        try:
            info = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if name != ".":
            yield name, info
        if stat.S_ISDIR(info.st_mode):
            inner = sorted(os.listdir(path))  # noqa: PTH208
            yield from _walk(root, (each if name == "." else f"{name}/{each}" for each in inner))


def restore(tree: Tree, root: Path, fetch: Callable[[str, Path], None], mode: int = 0) -> None:
    """Write a tree below `root`; `fetch` brings content, checked, into a file.

    Nothing is written outside of `root`, whatever the tree says: ValueError. `mode`: bits for
    everybody, where the stage runs as somebody else.
    """
    for name in tree.folders:
        (root / _inner(name)).mkdir(parents=True, exist_ok=True)
    spare = root.with_name(f"{root.name}.part")
    for digest, size, members in tree.packs:
        fetch(digest, spare)
        with spare.open("rb") as file:
            for name, executable, length in members:
                path = root / _inner(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read(length))
                path.chmod((0o755 if executable else 0o644) | mode)
            if file.tell() != size:
                raise ValueError("a pack is not as long as its members")
        spare.unlink()
    for name, executable, _, digest in tree.files:
        path = root / _inner(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch(digest, path)
        path.chmod((0o755 if executable else 0o644) | mode)
    if mode:
        for folder, _, _ in os.walk(root):
            Path(folder).chmod(0o777)
    # Last, so that nothing is written through them.
    for name, target in tree.links:
        path = root / _inner(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def _inner(name: str) -> str:
    if name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"{name!r} is not a path in the folder")
    return name


def hash_file(file: BinaryIO) -> tuple[str, int]:
    """Digest and length of what is left of a file. OSError."""
    total, size = hashlib.sha256(), 0
    while data := file.read(CHUNK):
        total.update(data)
        size += len(data)
    return total.hexdigest(), size
