"""A look at an artifact without leaving the terminal; for the app's detail pane and `mltui show`.

Recognised by content first, by name second. What a stage wrote is hostile by default: nothing is
unpickled or executed, at most `max_bytes` are read (of an image or archive a fixed bound), nothing
raises, and every line is safe for a terminal. Only images hold escape sequences: colours.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mltui.logs.sanitize import plain
from mltui.runs import preview_array, preview_image
from mltui.runs.filecopy import kind, why
from mltui.text import cell_width, fit, format_bytes, format_count

MAX_BYTES = 256 * 1024
MAX_LINES = 200
_MAX_COLUMNS = 40
_MAX_CELLS = 28
_MAX_LINE = 2_000
_MAGIC = (
    (b"\x80\x04", "pickle"),
    (b"\x80\x05", "pickle"),
    (b"\x80\x03", "pickle"),
    (b"\x80\x02", "pickle"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x7fELF", "ELF program"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"GGUF", "GGUF model"),
    (b"%PDF", "PDF"),
    (b"GIF8", "GIF image"),
    (b"RIFF", "RIFF (WAV, WebP)"),
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of an artifact."""

    kind: str
    """json, jsonl, table, text, image, array, archive, binary, folder, empty or missing."""
    lines: tuple[str, ...]
    summary: str
    """One line: what it is, how big, whether all of it is shown."""


def preview(
    path: Path, name: str, *, max_bytes: int = MAX_BYTES, max_lines: int = MAX_LINES
) -> Preview:
    """Look at a file or folder. `name` is what the stage called it; the path may be a digest."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _folder(path, max_lines)
        if not stat.S_ISREG(mode):
            return Preview("missing", (), f"{kind(mode)}, not a file")
        with open(path, "rb") as file:  # noqa: PTH123 - a Path's open is typed more loosely
            return _file(file, name.lower(), max_bytes, max_lines)
    except OSError as error:
        return Preview("missing", (), f"it can't be read: {why(error)}")
    except Exception as error:  # whatever a hostile file makes a parser do, the screen goes on
        return Preview("binary", (), f"it can't be shown ({type(error).__name__})")


def preview_entries(entries: Iterable[tuple[str, int]], max_lines: int = MAX_LINES) -> Preview:
    """A folder's listing from (path, bytes), e.g. from a folder artifact's manifest."""
    listed = sorted(entries)
    total = sum(size for _, size in listed)
    lines = [f"{format_bytes(size):>10}  {_safe(path)}" for path, size in listed[:max_lines]]
    shown = _part(len(lines), len(listed), "entries")
    return Preview("folder", tuple(lines), f"folder, {shown}, {format_bytes(total)}")


def _folder(path: Path, max_lines: int) -> Preview:
    entries = []
    with os.scandir(path) as found:
        for entry in itertools.islice(found, 10_000):
            size = 0 if entry.is_dir(follow_symlinks=False) else entry.stat(follow_symlinks=False)
            ending = "/" if size == 0 and entry.is_dir(follow_symlinks=False) else ""
            entries.append((entry.name + ending, 0 if isinstance(size, int) else size.st_size))
    return preview_entries(entries, max_lines)


def _file(file: BinaryIO, name: str, max_bytes: int, max_lines: int) -> Preview:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        return Preview("empty", (), "empty file")
    data = file.read(max_bytes)
    whole = len(data) >= size
    for look in (preview_image.look, preview_array.look):
        file.seek(0)
        found = look(file, data[:64], size, max_lines)
        if found is not None:
            return Preview(found[0], tuple(found[1]), f"{found[2]}, {format_bytes(size)}")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return _binary(data, size, what, max_lines)
    if b"\0" in data[:8192]:
        return _binary(data, size, "binary", max_lines)
    return _text(data, name, size, whole, max_lines)


def _text(data: bytes, name: str, size: int, whole: bool, max_lines: int) -> Preview:
    if not whole:  # not the half of a last line, unless there is only one
        data = data[: data.rfind(b"\n") + 1] or data
    show: tuple[Callable[[bytes, int], tuple[str, list[str], str] | None], ...]
    if name.endswith((".jsonl", ".ndjson")):
        show = (_json_lines,)
    elif name.endswith((".csv", ".tsv")):
        show = (_tabs if name.endswith(".tsv") else _commas,)
    elif data.lstrip()[:1] in (b"{", b"["):
        show = (_json, _json_lines) if whole else (_json_lines,)
    else:
        show = ()
    more = "" if whole else ", its beginning"
    for attempt in show:
        try:
            found = attempt(data, max_lines)
        except (ValueError, RecursionError, csv.Error):
            continue
        if found is not None:
            what, lines, summary = found
            return Preview(what, tuple(lines), f"{summary}, {format_bytes(size)}{more}")
    raw = data.splitlines()
    lines = [_cut(plain(line)) for line in raw[:max_lines]]
    shown = _part(len(lines), len(raw), "lines")
    return Preview("text", tuple(lines), f"text, {shown}, {format_bytes(size)}{more}")


def _json(data: bytes, max_lines: int) -> tuple[str, list[str], str]:
    value = json.loads(data)
    lines, is_all = _pretty(value, max_lines)
    what = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "value"
    count = f" of {format_count(len(value))}" if isinstance(value, dict | list) else ""
    return "json", lines, f"JSON {what}{count}" + ("" if is_all else f", first {len(lines)} lines")


def _pretty(value: object, max_lines: int) -> tuple[list[str], bool]:
    """Indented, made piece by piece: a deep, wide value would be gigabytes of spaces."""
    lines = [""]
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        head, *rest = piece.split("\n")
        lines[-1] += head[: max(0, _MAX_LINE + 1 - len(lines[-1]))]
        lines.extend(part[: _MAX_LINE + 1] for part in rest)
        if len(lines) > max_lines:
            return [_safe(line) for line in lines[:max_lines]], False
    return [_safe(line) for line in lines], True


def _json_lines(data: bytes, max_lines: int) -> tuple[str, list[str], str] | None:
    rows = [line for line in data.splitlines() if line.strip()]
    for row in rows[:max_lines]:
        if not isinstance(json.loads(row), dict | list) and len(rows) == 1:
            return None
    lines = [_cut(plain(row)) for row in rows[:max_lines]]
    return "jsonl", lines, f"JSON Lines, {_part(len(lines), len(rows), 'rows')}"


def _commas(data: bytes, max_lines: int) -> tuple[str, list[str], str]:
    first = data.split(b"\n", 1)[0]
    return _table(data, ";" if first.count(b";") > first.count(b",") else ",", max_lines)


def _tabs(data: bytes, max_lines: int) -> tuple[str, list[str], str]:
    return _table(data, "\t", max_lines)


def _table(data: bytes, delimiter: str, max_lines: int) -> tuple[str, list[str], str]:
    text = data.decode("utf-8-sig", "replace").replace("\0", "\ufffd")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    columns = 0
    for row in itertools.islice(reader, max_lines + 1):
        columns = max(columns, len(row))
        rows.append([_safe(value)[: _MAX_CELLS * 2] for value in row[:_MAX_COLUMNS]])
    is_all = len(rows) <= max_lines
    rows = rows[:max_lines]
    count = min(columns, _MAX_COLUMNS)
    widths = [
        min(_MAX_CELLS, max((cell_width(row[i]) for row in rows if i < len(row)), default=0))
        for i in range(count)
    ]
    numeric = [all(_is_number(row[i]) for row in rows[1:] if i < len(row)) for i in range(count)]
    lines = [
        "  ".join(
            fit(value, width, align="right" if right else "left", shorten="end")
            for value, width, right in zip(row, widths, numeric, strict=False)
        ).rstrip()
        for row in rows
    ]
    shown = f"{len(lines)} rows" if is_all else f"first {len(lines)} rows"
    return "table", lines, f"table, {format_count(columns)} columns, {shown}"


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True


def _binary(data: bytes, size: int, what: str, max_lines: int) -> Preview:
    lines = []
    for offset in range(0, min(len(data), 16 * min(max_lines, 16)), 16):
        row = data[offset : offset + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:08x}  {row.hex(' '):<47}  {text}")
    return Preview("binary", tuple(lines), f"{what}, {format_bytes(size)}")


def _safe(text: str) -> str:
    return _cut(plain(text.encode("utf-8", "surrogateescape" if _escaped(text) else "replace")))


def _escaped(text: str) -> bool:
    """Whether its surrogates, if any, stand for bytes of a file's name."""
    return all("\udc80" <= char <= "\udcff" for char in text if "\ud800" <= char <= "\udfff")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_LINE else f"{text[:_MAX_LINE]}…"


def _part(shown: int, total: int, what: str) -> str:
    if shown == total:
        return f"{format_count(total)} {what}"
    return f"first {format_count(shown)} of {format_count(total)} {what}"
