"""The artifact store: every output, input and code file, kept once by the hash of its bytes.

Lives under `.mltui/store` as `ab/cdef…` (sha256). The runner puts outputs in and takes inputs
out; Explain, previews and `gc` read it. An object is written under `tmp/` and renamed (or linked
from a working folder), so one that has its name is whole. Nothing is fsynced per object: after a
power cut an object may be short, which `check` and every later `put` of the same bytes notice.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mltui.errors import OutputError, StoreError
from mltui.pipeline.rows import Artifact
from mltui.runs import filecopy, manifests
from mltui.runs.manifests import Member

_DIGEST = re.compile(r"sha256:([0-9a-f]{2})([0-9a-f]{62})")
_HEX = re.compile(r"[0-9a-f]{62}")
_SMALL = 1 << 16
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
INDEX = "index.json"
"""In a folder of `for_each` items: maps each item to the entry's name."""


_COUNT = itertools.count()
"""Of all stores in this process; taking the next number is atomic."""


class Store:
    """Content-addressed files. `folder` is the project's `.mltui`; objects are in its `store/`.

    Safe for several processes at once; only `remove` must not run beside a run (take its lock).
    Errors of the disk are `StoreError`, of what a stage left `OutputError`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "store"
        self._root = str(self.folder)
        self._tmp = f"{self._root}/tmp"

    def _name(self, digest: str) -> str:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise StoreError(f"{digest!r} is not a digest (sha256:…)")
        return f"{self._root}/{match[1]}/{match[2]}"

    def path(self, digest: str) -> Path:
        """Where an object is, or would be; read-only, never to be handed to a stage."""
        return Path(self._name(digest))

    def has(self, digest: str) -> bool:
        """Whether an object is there (its size is not looked at: see `check`)."""
        return os.path.exists(self._name(digest))  # noqa: PTH110 - a Path costs ten times this

    def _is_kept(self, name: str, size: int) -> bool:
        try:
            return os.stat(name).st_size == size  # noqa: PTH116
        except FileNotFoundError:
            return False

    # --- putting in -----------------------------------------------------------------------------

    def put_bytes(self, data: bytes) -> Artifact:
        """Keep some bytes."""
        hexed = hashlib.sha256(data).hexdigest()
        name = f"{self._root}/{hexed[:2]}/{hexed[2:]}"
        try:
            if not self._is_kept(name, len(data)):
                temp = self._fresh_name()
                fd = filecopy.create(temp)
                try:
                    filecopy.write_all(fd, data)
                    self._name_it(temp, name)
                except BaseException:
                    filecopy.remove_quietly(temp)
                    raise
                finally:
                    os.close(fd)
        except OSError as error:
            raise filecopy.explain(error, self.folder) from error
        return Artifact(f"sha256:{hexed}", len(data))

    def put_text(self, text: str) -> Artifact:
        """Keep a text, as UTF-8."""
        return self.put_bytes(text.encode("utf-8", "surrogatepass"))

    def _fresh_name(self) -> str:
        """A temporary name that no other thread, store or process chooses."""
        return f"{self._tmp}/{os.getpid()}-{next(_COUNT)}"

    def put_file(self, path: Path) -> Artifact:
        """Keep a copy of a file (cloned where the file system can); the original stays as it is.

        Follows a symlink at `path` itself. The digest is of the bytes that were kept, also when
        the file is written to meanwhile. OutputError when there is no file; StoreError.
        """
        source = os.fspath(path)
        try:
            fd = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise OutputError(f"{path} can't be read: {filecopy.why(error)}") from error
        try:
            info = os.fstat(fd)
            if not stat.S_ISREG(info.st_mode):
                raise OutputError(f"{path} is {filecopy.kind(info.st_mode)}, not a file")
            if info.st_size <= _SMALL:
                data = os.read(fd, _SMALL + 1)
                if len(data) <= _SMALL and not os.read(fd, 1):
                    return self.put_bytes(data)
                os.lseek(fd, 0, os.SEEK_SET)
            return self._copy_in(fd)
        except OSError as error:
            raise filecopy.explain(error, self.folder) from error
        finally:
            os.close(fd)

    def _copy_in(self, source: int) -> Artifact:
        temp = self._fresh_name()
        target = filecopy.create(temp, os.O_RDWR)
        try:
            if filecopy.clone(source, target):
                hexed, size = filecopy.hash_fd(target)
            else:
                digest = hashlib.sha256()
                size = 0
                while data := os.read(source, 1 << 20):
                    digest.update(data)
                    filecopy.write_all(target, data)
                    size += len(data)
                hexed = digest.hexdigest()
            name = f"{self._root}/{hexed[:2]}/{hexed[2:]}"
            if self._is_kept(name, size):
                filecopy.remove_quietly(temp)
            else:
                self._name_it(temp, name)
        except BaseException:
            filecopy.remove_quietly(temp)
            raise
        finally:
            os.close(target)
        return Artifact(f"sha256:{hexed}", size)

    def _name_it(self, temp: str, name: str) -> None:
        try:
            os.rename(temp, name)  # noqa: PTH104
        except FileNotFoundError:
            filecopy.make_parent(name)
            os.rename(temp, name)  # noqa: PTH104

    def take(self, path: Path | str, *, is_folder: bool, inside: Path | None = None) -> Artifact:
        """Keep an ended attempt's output without copying it, where the file system allows.

        The file becomes read-only and the store links to it. It stays at `path`, so that a
        runner killed before it journalled the result can take it again: the caller removes the
        working folder afterwards. A file with other links, or of another owner, is copied.
        OutputError when it is missing, of another kind than declared, a symlink, socket or
        device (also anywhere inside a folder), reached through a symlink out of `inside`, or
        still being written.
        """
        source = os.fspath(path)
        name = source.rpartition("/")[2]
        if inside is not None and not Path(path).parent.resolve().is_relative_to(inside.resolve()):
            raise OutputError(f"{name} is reached through a link that leaves {inside}")
        try:
            info = os.lstat(source)
        except OSError as error:
            raise OutputError(f"{name} is missing: {filecopy.why(error)}") from error
        if is_folder:
            if not stat.S_ISDIR(info.st_mode):
                raise OutputError(f"{name} is {filecopy.kind(info.st_mode)}, not a folder")
            return self._take_folder(source)
        if not stat.S_ISREG(info.st_mode):
            raise OutputError(f"{name} is {filecopy.kind(info.st_mode)}, not a file")
        digest, size, _ = self._take_file(source, name)
        return Artifact(digest, size)

    def _take_file(self, source: str, label: str) -> tuple[str, int, bool]:
        try:
            fd = os.open(source, _READ)
        except OSError as error:
            raise OutputError(f"{label} can't be read: {filecopy.why(error)}") from error
        try:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise OutputError(f"{label} is {filecopy.kind(before.st_mode)}, not a file")
            hexed, size = filecopy.hash_fd(fd)
            after = os.fstat(fd)
            if size != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
                raise OutputError(f"{label} is still being written by somebody")
            name = f"{self._root}/{hexed[:2]}/{hexed[2:]}"
            if not self._is_kept(name, size) and not self._link(source, name, before):
                os.lseek(fd, 0, os.SEEK_SET)
                self._copy_in(fd)
        except OSError as error:
            raise filecopy.explain(error, self.folder) from error
        finally:
            os.close(fd)
        return f"sha256:{hexed}", size, bool(before.st_mode & 0o111)

    def _link(self, source: str, name: str, info: os.stat_result) -> bool:
        """Whether the store could share the output's inode; the caller copies if not."""
        if info.st_nlink > 1 or info.st_uid != os.geteuid():
            return False
        temp = self._fresh_name()
        try:
            filecopy.link(source, temp)
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                return False
            raise
        os.chmod(temp, 0o444 | info.st_mode & 0o111)  # noqa: PTH101
        self._name_it(temp, name)
        return True

    def _take_folder(self, root: str) -> Artifact:
        members = []
        for relative, entry in filecopy.walk(root):
            if entry is None:
                members.append(Member(relative, "", 0))
                continue
            digest, size, is_executable = self._take_file(entry.path, relative)
            members.append(Member(relative, digest, size, is_executable))
        return self.put_members(members)

    def put_members(self, members: Iterable[Member]) -> Artifact:
        """Keep a folder's manifest; its members are already kept."""
        text, total = manifests.encode(members)
        return Artifact(self.put_text(text).digest, total, is_folder=True)

    # --- taking out -----------------------------------------------------------------------------

    def read_bytes(self, digest: str, limit: int | None = None) -> bytes:
        """The object's bytes, at most `limit` of them. StoreError when it is not there."""
        try:
            with open(self._name(digest), "rb", buffering=0) as file:  # noqa: PTH123
                return file.read() if limit is None else file.read(limit)
        except OSError as error:
            raise filecopy.explain(error, self.folder, digest) from error

    def manifest(self, digest: str) -> list[Member]:
        """A folder's members, sorted by path. StoreError when it is not (whole) a manifest."""
        try:
            return manifests.decode(self.read_bytes(digest))
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"{digest} is damaged, or not a folder: run the stage again"
            ) from error

    def check(self, artifact: Artifact, *, verify: bool = False) -> bool:
        """Whether all of it is there with the right sizes; `verify` reads and hashes it too."""
        try:
            if artifact.is_folder:
                if verify and not self._verify(artifact.digest):
                    return False
                members = self.manifest(artifact.digest)
                return sum(member.size_bytes for member in members) == artifact.size_bytes and all(
                    self._check_file(member.digest, member.size_bytes, verify)
                    for member in members
                    if member.digest
                )
            return self._check_file(artifact.digest, artifact.size_bytes, verify)
        except StoreError:
            return False

    def _check_file(self, digest: str, size: int, verify: bool) -> bool:
        return self._is_kept(self._name(digest), size) and (not verify or self._verify(digest))

    def _verify(self, digest: str) -> bool:
        try:
            fd = os.open(self._name(digest), _READ)
        except OSError:
            return False
        try:
            return f"sha256:{filecopy.hash_fd(fd)[0]}" == digest
        finally:
            os.close(fd)

    def materialise(self, artifact: Artifact, dest: Path) -> None:
        """Put a fresh, writable copy at `dest` (a new name in an existing or new folder).

        A clone where the file system can share blocks, else a copy; never a hard link, so a
        stage that writes to its input changes nobody else's. StoreError.
        """
        target = os.fspath(dest)
        if not artifact.is_folder:
            self.copy_out(artifact.digest, target)
            return
        members = self.manifest(artifact.digest)
        try:
            os.makedirs(target, exist_ok=True)  # noqa: PTH103
            made = {""}
            for member in members:
                inner, _, _ = member.path.rpartition("/")
                if not filecopy.is_safe(member.path):
                    raise StoreError(f"{artifact.digest} names {member.path!r}: not restored")
                if inner not in made:
                    os.makedirs(f"{target}/{inner}", exist_ok=True)  # noqa: PTH103
                    made.add(inner)
                if member.digest:
                    self.copy_out(member.digest, f"{target}/{member.path}", member.is_executable)
        except OSError as error:
            raise filecopy.explain(error, dest) from error

    def copy_out(self, digest: str, target: str, is_executable: bool = False) -> None:
        """One object as a new file; its folder is made if need be."""
        mode = 0o777 if is_executable else 0o666
        try:
            source = os.open(self._name(digest), _READ)
        except OSError as error:
            raise filecopy.explain(error, self.folder, digest) from error
        try:
            try:
                fd = os.open(target, _NEW, mode)
            except FileNotFoundError:
                filecopy.make_parent(target)
                fd = os.open(target, _NEW, mode)
            try:
                filecopy.copy(source, fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise filecopy.explain(error, Path(target)) from error
        finally:
            os.close(source)

    def items(self, entries: Mapping[str, Artifact], dest: Path) -> None:
        """A folder with one entry per `for_each` item, and `index.json`: item → entry's name.

        StoreError, also for an item that can be no file's name.
        """
        try:
            dest.mkdir(parents=True, exist_ok=True)
            for item, artifact in entries.items():
                if not filecopy.is_safe(item) or "/" in item or item == INDEX:
                    raise StoreError(f"item {item!r} can't be the name of a file")
                self.materialise(artifact, dest / item)
            index = {item: item for item in entries}
            (dest / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise filecopy.explain(error, dest) from error

    def remove_leftovers(self, older_than_s: float = 86_400.0) -> None:
        """Remove what a killed process left half-written."""
        limit = time.time() - older_than_s
        with suppress(FileNotFoundError), os.scandir(self._tmp) as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_mtime < limit:
                    filecopy.remove_quietly(entry.path)

    def digests(self) -> Iterator[tuple[str, int]]:
        """Every object and its size in bytes, in no order."""
        try:
            folders = [name for name in os.listdir(self._root) if len(name) == 2]  # noqa: PTH208
        except FileNotFoundError:
            return
        for folder in folders:
            with os.scandir(f"{self._root}/{folder}") as entries:
                for entry in entries:
                    if _HEX.fullmatch(entry.name):
                        with suppress(FileNotFoundError):
                            yield f"sha256:{folder}{entry.name}", entry.stat().st_size

    def remove(self, digest: str) -> int:
        """Remove one object; how many bytes that freed (0 when it was not there)."""
        name = self._name(digest)
        try:
            size = os.stat(name).st_size  # noqa: PTH116
            os.unlink(name)  # noqa: PTH108
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise filecopy.explain(error, self.folder, digest) from error
        return size

    def references(self, artifact: Artifact) -> Iterator[str]:
        """The digests an artifact needs: its own and, for a folder, its members'."""
        yield artifact.digest
        if artifact.is_folder and self.has(artifact.digest):
            yield from (member.digest for member in self.manifest(artifact.digest) if member.digest)
