"""Which of a project's files are its code; for `code`.

By default what git does not ignore. Every way in which that can go wrong (a glob that fits nothing,
a data folder that nobody ignored) is an error that says what to write in `mltui.yaml`.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mltui.errors import CodeError
from mltui.runs import filecopy, git

MAX_FILES = 20_000
MAX_BYTES = 1 << 30
SPEC_FILE = "mltui.yaml"
_SKIPPED = frozenset({".mltui", ".venv", ".git", "__pycache__"})


def choose(root: Path, globs: Iterable[str] | None, exclude: Iterable[str]) -> list[str]:
    """Paths of the code's files, sorted; rules and errors are those of `code.take_snapshot`."""
    found = git.files(root)
    candidates = sorted(set(_expand(root, found) if found is not None else _walk(root)))
    gone = [_normal(path) for path in exclude]
    if globs is not None:
        candidates = _select(root, candidates, list(globs), gone)
    wanted = [path for path in candidates if not _is_excluded(path, gone)]
    if len(wanted) > MAX_FILES:
        raise CodeError(too_much(f"{len(wanted):,} files", f"{MAX_FILES:,}", wanted))
    return wanted


def too_much(found: str, limit: str, paths: list[str]) -> str:
    """The sentence for more code than is allowed, with the folder that most of it is in."""
    tops: dict[str, int] = {}
    for path in paths:
        top = path.partition("/")[0]
        tops[top] = tops.get(top, 0) + 1
    largest = max(tops, key=lambda top: tops[top])
    return (
        f"the code is {found}, at most {limit} are allowed (most of them in {largest!r}): name "
        f"what belongs to it with `code:` in {SPEC_FILE}, or let git ignore the rest"
    )


def _normal(path: str) -> str:
    normal = os.path.normpath(path).replace(os.sep, "/")
    return "" if normal == "." else normal


def _is_excluded(path: str, gone: list[str]) -> bool:
    if path == SPEC_FILE or any(part in _SKIPPED for part in path.split("/")):
        return True
    return any(name and (path == name or path.startswith(f"{name}/")) for name in gone)


def _expand(root: Path, names: list[str]) -> Iterator[str]:
    """Git's list, with the files of submodules and nested repositories (listed as folders)."""
    for name in names:
        if name.endswith("/") or ((path := root / name).is_dir() and not path.is_symlink()):
            yield from _walk(root, name.rstrip("/") + "/")
        else:
            yield name


def _walk(root: Path, start: str = "") -> Iterator[str]:
    todo = [start]
    count = 0
    while todo:
        prefix = todo.pop()
        try:
            entries = list(os.scandir(root / prefix))
        except OSError as error:
            raise CodeError(f"{prefix or root} can't be read: {filecopy.why(error)}") from error
        for entry in entries:
            if entry.name in _SKIPPED:
                continue
            if entry.is_dir(follow_symlinks=False):
                todo.append(f"{prefix}{entry.name}/")
            else:
                count += 1
                if count > MAX_FILES * 20:
                    raise CodeError(
                        too_much(f"over {count - 1:,} files", f"{MAX_FILES:,}", [prefix])
                    )
                yield prefix + entry.name


def _select(root: Path, candidates: list[str], globs: list[str], gone: list[str]) -> list[str]:
    if not globs:
        raise CodeError(
            "`code: []` names no file: leave it out to take all that git does not ignore"
        )
    chosen: set[str] = set()
    everything: list[str] | None = None
    for glob in globs:
        if glob.startswith("/") or ".." in glob.split("/"):
            raise CodeError(f"`code: {glob}` leaves the project: only paths below it can be code")
        pattern = _pattern(glob)
        fits = [path for path in candidates if pattern.fullmatch(path)]
        if not fits:
            everything = list(_walk(root)) if everything is None else everything
            fits = [path for path in everything if pattern.fullmatch(path)]
        if not fits:
            raise CodeError(f"`code: {glob}` fits no file in {root}")
        if all(_is_excluded(path, gone) for path in fits):
            raise CodeError(
                f"`code: {glob}` fits only {fits[0]}, which belongs to an environment or is "
                f"{SPEC_FILE} itself: neither is code"
            )
        chosen.update(fits)
    return sorted(chosen)


@functools.lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob (`**` any depth, `*` and `?` within a name, `[…]`) as a pattern of whole paths."""
    normal = _normal(glob)
    if not normal:
        return re.compile(".*", re.DOTALL)
    text = ""
    index = 0
    while index < len(normal):
        if normal.startswith("**/", index):
            text, index = f"{text}(?:[^/]+/)*", index + 3
        elif normal.startswith("**", index):
            text, index = f"{text}.*", index + 2
        elif normal[index] == "*":
            text, index = f"{text}[^/]*", index + 1
        elif normal[index] == "?":
            text, index = f"{text}[^/]", index + 1
        elif normal[index] == "[" and (end := normal.find("]", index + 2)) > 0:
            inner = normal[index + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            inner = f"^{inner[1:]}" if inner.startswith("!") else inner
            text, index = f"{text}(?!/)[{inner}]", end + 1
        else:
            text, index = text + re.escape(normal[index]), index + 1
    try:
        return re.compile(f"{text}(?:/.*)?", re.DOTALL)
    except re.error as error:
        raise CodeError(f"`code: {glob}` is no glob: {error}") from error
