"""Arrays and archives by their headers: `.npy`, `.npz`, other zip files; for `preview`.

NumPy's format (numpy.lib.format) starts with a Python literal, which is parsed, not evaluated; an
array of objects would need unpickling to be read and is only named.
"""

from __future__ import annotations

import ast
import math
import struct
import zipfile
import zlib
from typing import IO, BinaryIO, NamedTuple

from mltui.logs.sanitize import plain
from mltui.text import format_bytes, format_count

_NUMPY = b"\x93NUMPY"
_MAX_HEADER = 10_000
_MAX_DIRECTORY = 4 << 20
Look = tuple[str, list[str], str]


class _Array(NamedTuple):
    shape: tuple[int, ...]
    dtype: str

    @property
    def text(self) -> str:
        sizes = " × ".join(map(format_count, self.shape)) or "one value"
        return f"{sizes}  {plain(self.dtype.encode('utf-8', 'replace'))[:80]}"


def look(file: BinaryIO, head: bytes, size: int, max_lines: int) -> Look | None:
    """The arrays or the entries in `file`; None when it is neither."""
    if head.startswith(_NUMPY):
        array = _header(file)
        if array is None:
            return "array", [], "NumPy array, damaged"
        return "array", [array.text], f"NumPy array, {format_count(math.prod(array.shape))} values"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(file, size, max_lines)
    return None


def _header(file: IO[bytes]) -> _Array | None:
    start = file.read(10)
    if len(start) < 10 or not start.startswith(_NUMPY):
        return None
    if start[6] == 1:
        (length,) = struct.unpack("<H", start[8:10])
    else:
        rest = file.read(2)
        if len(rest) < 2:
            return None
        (length,) = struct.unpack("<I", start[8:10] + rest)
    if length > _MAX_HEADER:
        return None
    try:
        found = ast.literal_eval(file.read(length).decode("latin-1").strip())
        shape, descr = found["shape"], found["descr"]
        if not all(isinstance(n, int) and 0 <= n < 1 << 62 for n in shape) or len(shape) > 64:
            return None
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return None
    return _Array(tuple(shape), descr if isinstance(descr, str) else repr(descr))


def _zip(file: BinaryIO, size: int, max_lines: int) -> Look:
    # The end record gives the size of the directory, which zipfile reads whole (APPNOTE 4.3.16).
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return "archive", [], "zip file, damaged or unfinished"
    (directory,) = struct.unpack_from("<I", tail, at + 12)
    if _MAX_DIRECTORY < directory < 0xFFFFFFFF or (directory == 0xFFFFFFFF and size > 1 << 32):
        return "archive", [], "zip file with very many entries"
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            arrays = [entry for entry in entries if entry.filename.endswith(".npy")]
            if arrays and len(arrays) == len(entries):
                lines = [_member(archive, entry) for entry in entries[:max_lines]]
                return "array", lines, f"NumPy archive, {format_count(len(entries))} arrays"
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error):
        return "archive", [], "zip file, damaged"
    lines = [f"{format_bytes(e.file_size):>10}  {_name(e.filename)}" for e in entries[:max_lines]]
    what = "PyTorch file" if any(e.filename.endswith("/data.pkl") for e in entries) else "zip file"
    return "archive", lines, f"{what}, {format_count(len(entries))} entries"


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    name = _name(entry.filename.removesuffix(".npy"))
    try:
        with archive.open(entry) as file:
            array = _header(file)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError):
        array = None
    return f"{name}  {array.text if array is not None else '(unreadable)'}"


def _name(text: str) -> str:
    return plain(text.encode("utf-8", "replace"))[:200]
