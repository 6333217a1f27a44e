"""The project's code as a run takes it: a manifest of files, kept in the store.

Taken by the runner when a run starts and again by a retry; put into each attempt's working
folder; part of a stage's cache key, where Explain names the files that differ. The manifest is
JSON Lines, `[path, digest, mode]` sorted by path, with git's modes; a link's target is its bytes.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

from mltui.errors import CodeError, OutputError, StoreError
from mltui.runs import codefiles, filecopy
from mltui.runs.git import state as git_state
from mltui.runs.store import Store

__all__ = [
    "Change", "CodeFile", "Snapshot", "code_references", "diff_code", "git_state",
    "materialise_code", "read_code", "snapshot", "take_snapshot",
]  # fmt: skip

FILE, PROGRAM, LINK = "100644", "100755", "120000"
_CACHE = "code.json"
_DIFF_BYTES = 1 << 20
_DIFF_LINES = 1_500
"""Beyond this, lines are counted as a multiset: a moved line then counts as unchanged."""
_RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was hashed may change again without a trace in its
times (git's "racy" files; FAT's clock ticks every 2 s), so it is hashed again next time."""


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file of a snapshot."""

    digest: str
    mode: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Code that was taken."""

    digest: str
    files: int
    size_bytes: int
    skipped: tuple[str, ...]
    """Links that are absolute, dangling or leave the project: they are not part of the code."""
    hashed: int
    """How many files had to be read because the cache did not know them."""


def snapshot(root: Path, globs: Iterable[str] | None, exclude: Iterable[str], store: Store) -> str:
    """Digest of the project's code; see `take_snapshot`."""
    return take_snapshot(root, globs, exclude, store).digest


def take_snapshot(
    root: Path, globs: Iterable[str] | None, exclude: Iterable[str], store: Store
) -> Snapshot:
    """Keep the project's code in the store.

    Without `globs`: every file that git does not ignore; outside git, all but `.mltui`, `.venv`,
    `.git`, `__pycache__`. A glob that names a folder means all in it; one that fits only ignored
    files takes those. Never `mltui.yaml`, nor what `exclude` names (files or folders).
    CodeError when a glob fits nothing or leaves the project, when it is too much, or a file can't
    be read.
    """
    wanted = codefiles.choose(root, globs, exclude)
    return _keep(root, wanted, store)


def _keep(root: Path, paths: list[str], store: Store) -> Snapshot:
    cache_file = store.folder.parent / _CACHE
    cache = _read_cache(cache_file)
    fresh: dict[str, list[object]] = {}
    lines: list[str] = []
    skipped: list[str] = []
    total = hashed = 0
    base = f"{root}/"
    for path in paths:
        try:
            info = os.lstat(base + path)
        except FileNotFoundError:
            continue  # in git's index, deleted from the tree
        except OSError as error:
            raise CodeError(f"{path} can't be read: {filecopy.why(error)}") from error
        if stat.S_ISLNK(info.st_mode):
            target = _link_target(root, path)
            if target is None:
                skipped.append(path)
                continue
            lines.append(_line(path, store.put_text(target).digest, LINK))
            continue
        if not stat.S_ISREG(info.st_mode):
            raise CodeError(f"{path} is {filecopy.kind(info.st_mode)}, which can't be code")
        total += info.st_size
        if total > codefiles.MAX_BYTES:
            raise CodeError(
                codefiles.too_much(f"over {codefiles.MAX_BYTES >> 20:,} MiB", "that many", paths)
            )
        times = [info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino]
        known = cache.get(path)
        if known is not None and known[:4] == times and store.has(known[4]):
            digest = known[4]
        else:
            try:
                digest = store.put_file(Path(base + path)).digest
            except OutputError as error:
                raise CodeError(str(error)) from error
            hashed += 1
        if max(times[:2]) < time.time_ns() - _RACY_NS:
            fresh[path] = [*times, digest]
        lines.append(_line(path, digest, PROGRAM if info.st_mode & 0o111 else FILE))
    if any(cache.get(path) != entry for path, entry in fresh.items()):
        # Stages may have different code: what another one knows stays, up to a bound.
        _write_cache(cache_file, {**cache, **fresh} if len(cache) < codefiles.MAX_FILES else fresh)
    digest = store.put_text("".join(lines)).digest
    return Snapshot(digest, len(lines), total, tuple(skipped), hashed)


def _line(path: str, digest: str, mode: str) -> str:
    return json.dumps([path, digest, mode], separators=(",", ":")) + "\n"


def _link_target(root: Path, path: str) -> str | None:
    """A link's target if it is relative and what it names is there, inside the project."""
    link = root / path
    target = os.readlink(link)  # noqa: PTH115 - as written
    if target.startswith("/"):
        return None
    try:
        is_inside = link.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return None
    # Also step by step: out and in again by another way works here but not in a copy.
    return target if is_inside and _stays_inside(path, target) else None


def _stays_inside(path: str, target: str) -> bool:
    normal = os.path.normpath(f"{os.path.dirname(path)}/{target}".lstrip("/"))  # noqa: PTH120
    return not normal.startswith(("../", "/")) and normal != ".."


def _read_cache(file: Path) -> dict[str, list[Any]]:
    with suppress(OSError, ValueError):
        data = json.loads(file.read_bytes())
        if isinstance(data, dict):
            return {k: v for k, v in data.items() if isinstance(v, list) and len(v) == 5}
    return {}


def _write_cache(file: Path, data: Mapping[str, object]) -> None:
    temp = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):  # only a cache
        temp.write_text(json.dumps(data), encoding="utf-8")
        temp.replace(file)


# --- using it ---------------------------------------------------------------------------------


def read_code(digest: str, store: Store) -> dict[str, CodeFile]:
    """A snapshot's files by path. StoreError when it is gone or damaged."""
    try:
        rows = [json.loads(line) for line in store.read_bytes(digest).splitlines()]
        return {path: CodeFile(file, mode) for path, file, mode in rows}
    except (ValueError, TypeError) as error:
        raise StoreError(f"{digest} is not a snapshot of code") from error


def code_references(digest: str, store: Store) -> Iterator[str]:
    """The digests a snapshot needs, its own first; for `gc`."""
    yield digest
    if store.has(digest):
        yield from (file.digest for file in read_code(digest, store).values())


def materialise_code(digest: str, dest: Path, store: Store) -> None:
    """Put a snapshot's files into `dest`; each a copy of its own, links last.

    StoreError when one is gone, has no safe name, or there is no room.
    """
    target = os.fspath(dest)
    links = []
    try:
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
        for path, file in _cached(digest, store):
            if not filecopy.is_safe(path):
                raise StoreError(f"{digest} names {path!r}: not restored")
            if file.mode == LINK:
                links.append((path, file.digest))
            else:
                store.copy_out(file.digest, f"{target}/{path}", file.mode == PROGRAM)
        for path, link in links:
            text = store.read_bytes(link, 4096).decode("utf-8", "surrogatepass")
            if text.startswith("/") or not _stays_inside(path, text):
                raise StoreError(f"{digest} has a link {path!r} that leaves it: not restored")
            filecopy.make_parent(f"{target}/{path}")
            os.symlink(text, f"{target}/{path}")  # noqa: PTH211
    except OSError as error:
        raise filecopy.explain(error, dest) from error


_recent: dict[str, list[tuple[str, CodeFile]]] = {}


def _cached(digest: str, store: Store) -> list[tuple[str, CodeFile]]:
    """The last few snapshots stay parsed: every attempt of a run asks for the same one."""
    found = _recent.get(digest)
    if found is None:
        found = list(read_code(digest, store).items())
        while len(_recent) >= 8:
            del _recent[next(iter(_recent))]
        _recent[digest] = found
    return found


# --- how two differ ---------------------------------------------------------------------------


class Change(NamedTuple):
    """One file that differs."""

    path: str
    kind: str
    """`added`, `removed` or `changed`."""
    lines_added: int
    """0 for what is not text, or over 1 MiB."""
    lines_removed: int


def diff_code(a: str, b: str, store: Store) -> list[Change]:
    """What became different from snapshot `a` to `b`, sorted by path."""
    before, after = read_code(a, store), read_code(b, store)
    found = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        old_lines = [] if old is None or old.mode == LINK else _lines(old.digest, store)
        new_lines = [] if new is None or new.mode == LINK else _lines(new.digest, store)
        kind = "added" if old is None else "removed" if new is None else "changed"
        found.append(Change(path, kind, *_count(old_lines, new_lines)))
    return found


def _lines(digest: str, store: Store) -> list[bytes]:
    if not store.has(digest):
        return []
    data = store.read_bytes(digest, _DIFF_BYTES + 1)
    if len(data) > _DIFF_BYTES or b"\0" in data:
        return []
    return data.splitlines()


def _count(old: list[bytes], new: list[bytes]) -> tuple[int, int]:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    old, new = old[start:], new[start:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    if not old or not new:
        return len(new), len(old)
    if len(old) + len(new) > _DIFF_LINES:
        left, right = Counter(old), Counter(new)
        return (right - left).total(), (left - right).total()
    same = sum(block.size for block in SequenceMatcher(None, old, new, False).get_matching_blocks())
    return len(new) - same, len(old) - same
