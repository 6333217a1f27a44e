"""What a requirements file says, with all it includes; for the key of an environment.

pip reads the file itself; here it only matters which bytes decide what gets installed: the file,
the files it includes (`-r`, `-c`), and local packages that it names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mltui.errors import BuildFailed

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=)?(?P<path>\S.*)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s+|=)?(?P<path>\S.*)")
_DIRECT = re.compile(r"[A-Za-z0-9._-]+\s*(?:\[[^]]*\])?\s*@\s*(?P<url>file:\S+)")
_COMMENT = re.compile(r"(^|\s+)#.*")
_MARKER = re.compile(r"\s*(?:;|\s--).*")
_SKIPPED = {"__pycache__", ".git", ".venv", "build", ".mltui", ".tox", "node_modules"}
_MAX_FILES = 5_000
_MAX_INCLUDES = 100


@dataclass(frozen=True, slots=True)
class Requirements:
    """What decides about an installation."""

    texts: tuple[tuple[str, str], ...]
    """Path as included → text, the file itself first."""
    local: tuple[tuple[str, str], ...]
    """Local package as named → hash of its files."""


def read(file: Path, root: Path) -> Requirements:
    """Read a requirements file. BuildFailed when it, or what it includes, is not there.

    `root` is where pip will run: paths of packages are relative to it, of includes to their file.
    """
    texts: dict[str, str] = {}
    local: dict[str, str] = {}
    todo = [(file, _shown(file, root), "")]
    while todo:
        path, name, by = todo.pop()
        if name in texts:
            continue
        if len(texts) > _MAX_INCLUDES:
            raise BuildFailed(f"{file.name} includes more than {_MAX_INCLUDES} files")
        try:
            texts[name] = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            included = f", included by {by}," if by else ""
            reason = (error.strerror or str(error)).lower()
            raise BuildFailed(f"{name}{included} can't be read: {reason}") from error
        for line in _lines(texts[name]):
            match = _INCLUDE.fullmatch(line)
            if match:
                target = match["path"].strip("\"'")
                if "://" not in target:
                    inner = path.parent / target
                    todo.append((inner, _shown(inner, root), name))
            elif (package := _local_package(line, root)) is not None:
                local[line] = _hash(package)
    return Requirements(tuple(texts.items()), tuple(sorted(local.items())))


def _shown(path: Path, root: Path) -> str:
    try:
        return str(path.resolve().relative_to(root.resolve()))
    except ValueError:
        return str(path)


def _lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\r?\n", " ", text)
    for raw in joined.splitlines():
        line = _COMMENT.sub("", raw).strip()
        if line:
            yield line


def _local_package(line: str, root: Path) -> Path | None:
    editable = _EDITABLE.fullmatch(line)
    named = editable["path"] if editable else _MARKER.sub("", line)
    direct = _DIRECT.match(named)
    if direct:
        named = direct["url"]
    if named.startswith("file:"):
        return Path(unquote(urlsplit(named).path))
    if named.startswith(("./", "../", "/")) or editable or named in (".", ".."):
        path = root / named.partition("[")[0].strip("\"'")
        return path if path.exists() else None
    return None


def _hash(path: Path) -> str:
    """Of a file's bytes, or of a folder's names and bytes, generated files left out."""
    digest = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    count = 0
    for folder, folders, files in _walk(path):
        folders[:] = sorted(n for n in folders if n not in _SKIPPED and ".egg-info" not in n)
        for name in sorted(files):
            count += 1
            if count > _MAX_FILES:
                raise BuildFailed(f"the local package {path} holds more than {_MAX_FILES:,} files")
            file_path = folder / name
            digest.update(f"{file_path.relative_to(path)}\0".encode("utf-8", "surrogateescape"))
            if file_path.is_file():
                with file_path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _walk(path: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    for folder, folders, files in os.walk(path):
        yield Path(folder), folders, files
