"""What a build is given: the files of its folder that `.dockerignore` lets through.

Called by `environments` for the key and by the classic builder for the stream. The same files for
both builders: `NAME.dockerignore` beside the Dockerfile counts before `.dockerignore` (Docker docs,
"Build context"). Matching is docker-py's.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from mltui.engines.docker.archive import stream_members
from mltui.errors import BuildFailed

LARGE_BYTES = 50 << 20
"""A context of this size without a `.dockerignore` is pointed out."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The files of a context, relative names, sorted."""

    root: Path
    names: tuple[str, ...]
    size_bytes: int
    has_ignore: bool

    @property
    def note(self) -> str:
        """What to say of a large one without `.dockerignore`; empty when there is nothing."""
        if self.has_ignore or self.size_bytes < LARGE_BYTES:
            return ""
        return (
            f"the context is {self.size_bytes / (1 << 20):.0f} MiB and has no .dockerignore: list "
            "there what the image does not need"
        )


def read_context(root: Path, dockerfile: Path) -> BuildContext:
    """List a context. BuildFailed when the folder can't be read."""
    if not root.is_dir():
        raise BuildFailed(f"there is no folder {root.name} to build from")
    relative = _relative(dockerfile, root)
    patterns: list[str] = []
    has_ignore = False
    ignores = (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), root / ".dockerignore")
    try:
        for file in ignores:
            if file.is_file():
                text = file.read_text(encoding="utf-8-sig", errors="replace")
                lines = (line.strip() for line in text.splitlines())
                patterns = [line for line in lines if line and not line.startswith("#")]
                has_ignore = True
                break
        match = import_module("docker.utils.build").exclude_paths
        found = match(os.fspath(root), patterns, relative or "Dockerfile")
        names = tuple(sorted(name for name in found if name and name != "."))
        size = 0
        for name in names:
            status = (root / name).lstat()
            if stat.S_ISREG(status.st_mode):
                size += status.st_size
    except OSError as error:
        raise BuildFailed(f"the build context {root.name} can't be read: {error}") from error
    return BuildContext(root, names, size, has_ignore)


def _relative(file: Path, root: Path) -> str | None:
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return None


class Digests:
    """Digests of contexts; a file that has not changed (size, times, inode) is read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int, int], str] = {}

    def digest(self, context: BuildContext) -> str:
        """Of names, kinds, executable bits and bytes. BuildFailed when one can't be read."""
        total = hashlib.sha256()
        for name in context.names:
            path = context.root / name
            try:
                total.update(f"{name}\0{self._one(path)}\n".encode("utf-8", "surrogateescape"))
            except OSError as error:
                raise BuildFailed(f"{name} in the build context can't be read: {error}") from error
        return total.hexdigest()

    def _one(self, path: Path) -> str:
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            return "folder"
        if stat.S_ISLNK(status.st_mode):
            return f"link {os.readlink(path)}"  # noqa: PTH115 - kept as it is written
        if not stat.S_ISREG(status.st_mode):
            return "other"
        key = (os.fspath(path), status.st_size, status.st_mtime_ns, status.st_ino)
        known = self._known.get(key)
        if known is None:
            with path.open("rb") as file:
                known = self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return f"{'x' if status.st_mode & 0o111 else '-'} {known}"


def tar_context(context: BuildContext, dockerfile: Path, extra_name: str) -> Iterator[bytes]:
    """The context as a tar stream; a Dockerfile outside of it goes in as `extra_name`."""

    def members() -> Iterator[tuple[str, tarfile.TarInfo]]:
        for name in context.names:
            path = os.fspath(context.root / name)
            status = os.lstat(path)
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
            if stat.S_ISDIR(status.st_mode):
                info.type = tarfile.DIRTYPE
            elif stat.S_ISLNK(status.st_mode):
                info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115
            elif not stat.S_ISREG(status.st_mode):
                continue
            yield path, info
        if _relative(dockerfile, context.root) is None:
            yield os.fspath(dockerfile), tarfile.TarInfo(extra_name)

    return stream_members(members())
