from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from mltui.runs.preview import Preview, preview, preview_entries


def _png(width: int, height: int, channels: int, raw: bytes, kind: int = 0) -> bytes:
    stride = width * channels
    lines = b"".join(
        bytes([kind]) + raw[y * stride : (y + 1) * stride] for y in range(min(height, 4096))
    )

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + b"crc!"

    colour = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def _npy(shape: str, dtype: str = "'<f8'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _zip(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "."), data)
    return file.getvalue()


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("/tmp/mltui-preview-was-unpickled",)


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x10\x00\x20" + b"\0" * 20
FILES: dict[str, tuple[bytes, str, str, str]] = {
    "a.json": (b'{"a": [1, NaN]}', "json", "  ", "JSON object of 1, 15 B"),
    "metrics": (b'{"a": 1}\n{"a": 2}\n', "jsonl", '{"a": 2}', "JSON Lines, 2 rows, 18 B"),
    "r.jsonl": (b'{"a": 1}\n', "jsonl", '{"a": 1}', "JSON Lines, 1 rows, 9 B"),
    "t.csv": (b"name,n\nx,1\nlong,22.5\n", "table", "x        1", "table, 2 columns, 3 rows, 21 B"),
    "s.csv": (b"a;b\n1;2,5\n", "table", "1  2,5", "table, 2 columns, 2 rows, 10 B"),
    "t.tsv": (b"a\tb\n1\t2\n", "table", "1  2", "table, 2 columns, 2 rows, 8 B"),
    "x.txt": (b"hi\n\x1b]0;evil\x07red\x1b[31m\n", "text", "red", "text, 2 lines, 21 B"),
    "empty": (b"", "empty", "", "empty file"),
    "n.npy": (_npy("(1000, 64)"), "array", "1,000 × 64  <f8", "NumPy array, 64,000 values"),
    "o.npy": (_npy("()", "'|O'"), "array", "one value  |O", "NumPy array, 1 values"),
    "n.npz": (
        _zip(x__npy=_npy("(3,)"), y__npy=b"no"), "array", "x  3  <f8", "NumPy archive, 2 arrays"
    ),
    "z.zip": (_zip(a=b"12345"), "archive", "5 B  a", "zip file, 1 entries"),
    "m.joblib": (pickle.dumps(_Evil()), "binary", "00000000  80", "pickle, "),
    "b.bin": (b"\0\1ab" * 5, "binary", "00 01 61 62", "binary, 20 B"),
    "rgb.png": (_png(8, 4, 3, bytes(range(96))), "image", "▀", "PNG image, 8×4, RGB"),
    "g.pgm": (b"P5 # c\n4 2 255\n" + bytes(range(8)), "image", "▀", "PGM image, 4×2, 256 levels"),
    "p.pgm": (b"P2\n2 2\n15\n0 15 7 3\n", "image", "▀", "PGM image, 2×2, 16 levels"),
    "p.jpg": (JPEG, "image", "", "JPEG image, 32×16"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FILES))
def test_kinds(tmp_path: Path, name: str) -> None:
    data, kind, part, summary = FILES[name]
    (tmp_path / "object").write_bytes(data)
    found = preview(tmp_path / "object", name)
    assert found.kind == kind
    assert found.summary.startswith(summary)
    assert any(part in line for line in found.lines) or not part
    assert "\x1b" not in "".join(found.lines) or kind == "image"
    assert not Path("/tmp/mltui-preview-was-unpickled").exists()


@pytest.mark.parametrize(
    ("kind", "upper", "lower"),
    [
        (0, [100, 0, 0, 0], [0, 0, 0, 0]),
        (1, [100, 100, 100, 100], [0, 0, 0, 0]),
        (2, [100, 0, 0, 0], [100, 0, 0, 0]),
        (3, [100, 50, 25, 12], [50, 50, 37, 24]),
        (4, [100, 100, 100, 100], [100, 100, 100, 100]),
    ],
)
def test_png_filters(tmp_path: Path, kind: int, upper: list[int], lower: list[int]) -> None:
    """All zeros but for the first byte: what each filter makes of it is known."""
    (tmp_path / "p").write_bytes(_png(4, 4, 1, bytes([100]) + bytes(15), kind))
    expected, last = "", ""
    for top, bottom in zip(upper, lower, strict=True):
        codes = f"\x1b[38;2;{top};{top};{top};48;2;{bottom};{bottom};{bottom}m"
        expected += "▀" if codes == last else f"{codes}▀"
        last = codes
    assert preview(tmp_path / "p", "p.png").lines[0] == f"{expected}\x1b[0m"


def test_bounds(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("".join(f"{n}\n" for n in range(100_000)))
    found = preview(file, "log", max_bytes=1000, max_lines=10)
    assert found.lines == tuple(map(str, range(10)))
    assert found.summary.startswith("text, first 10 of ")
    assert found.summary.endswith("its beginning")
    file.write_text("x" * 1_000_000)
    assert len(preview(file, "log").lines[0]) < 3000
    file.write_text(json.dumps({"a": list(range(1000))}))
    assert len(preview(file, "a.json", max_lines=5).lines) == 5
    file.write_text("\n".join(",".join("0" * 50) for _ in range(50)))
    assert preview(file, "a.csv", max_lines=3).summary.startswith("table, 50 columns, first 3")


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 250_000,
        b"[" * 900 + b"[]," * 80_000 + b"[]" + b"]" * 900,
        _png(60_000, 60_000, 3, bytes(60_000)),
        _png(600, 600, 1, bytes(4096 * 600)),
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000,
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        _npy("(99999999999999999999,)"),
        b"PK\x05\x06" + b"\xff" * 18,
        b"P5 999999 999999 255\n",
        b"\xff\xd8\xff" + b"\xff" * 1000,
    ],
    ids=lambda data: data[:6].hex() if isinstance(data, bytes) else "",
)
def test_bombs(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    tracemalloc.start()
    found = preview(tmp_path / "f", "f.json")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Preview)
    assert peak < 60_000_000


def test_damage_never_raises(tmp_path: Path) -> None:
    chance = random.Random(7)
    for name, (data, *_) in FILES.items():
        for _ in range(40 if data else 0):
            broken = bytearray(data)
            for _ in range(chance.randint(1, 5)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            (tmp_path / "f").write_bytes(broken[: chance.randint(1, len(broken))])
            found = preview(tmp_path / "f", name)
            assert "can't be shown" not in found.summary
            if found.kind != "image":
                assert all(line.isprintable() for line in found.lines)


def test_folders_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a\x1b[2J").write_bytes(b"12")
    found = preview(tmp_path, "out")
    assert (found.kind, found.summary) == ("folder", "folder, 2 entries, 2 B")
    assert "\x1b" not in "".join(found.lines)
    assert preview(tmp_path / "gone", "x").kind == "missing"
    os.mkfifo(tmp_path / "pipe")
    assert preview(tmp_path / "pipe", "x").summary == "a pipe, not a file"
    listing = preview_entries([("b", 1), ("a", 2)], max_lines=1)
    assert listing.lines == ("       2 B  a",)
    assert listing.summary == "folder, first 1 of 2 entries, 3 B"
