"""Small pictures as half-block characters, bigger ones as their dimensions; for `preview`.

PNG (W3C PNG, 8-bit gray, RGB and with alpha, palette; not interlaced) and PGM/PPM (netpbm) are
decoded with what Python has; of JPEG the frame header is read. Memory is bounded before anything
is unpacked.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import BinaryIO

_MAX_PIXELS = 400_000
"""About 0.3 s of Python to unpack: call `preview` from a thread."""
_MAX_READ = 8 << 20
_WIDTH = 80
Look = tuple[str, list[str], str]
Pixels = list[list[tuple[int, int, int]]]
_NETPBM = re.compile(rb"P([2356])\s+(?:#[^\n]*\n\s*)*(\d{1,6})\s+(\d{1,6})\s+(\d{1,5})\s")


def look(file: BinaryIO, head: bytes, size: int, max_lines: int) -> Look | None:
    """The picture in `file`, None when it is none."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(file.read(_MAX_READ), size <= _MAX_READ, max_lines)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(file.read(_MAX_READ))
    if head[:2] in (b"P2", b"P3", b"P5", b"P6"):
        return _netpbm(file.read(_MAX_READ), max_lines)
    return None


def _png(data: bytes, whole: bool, max_lines: int) -> Look:
    try:
        width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    except struct.error:
        return "image", [], "PNG image, damaged"
    words = {0: "gray", 2: "RGB", 3: "palette", 4: "gray with alpha", 6: "RGB with alpha"}
    summary = f"PNG image, {width}×{height}, {words.get(colour, 'unknown colours')}"
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 0)
    if not (whole and channels and depth == 8 and not interlaced) or not _is_small(width, height):
        return "image", [], summary
    try:
        pixels = _unpack(data, width, height, channels)
    except (zlib.error, ValueError, IndexError, struct.error):
        return "image", [], f"{summary}, damaged"
    return "image", _draw(pixels, max_lines), summary


def _is_small(width: int, height: int) -> bool:
    return width > 0 and height > 0 and width * height <= _MAX_PIXELS


def _unpack(data: bytes, width: int, height: int, channels: int) -> Pixels:
    packed, palette = [], b""
    offset = 8
    while offset + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8 : offset + 8 + length]
        offset += 12 + length
        if kind == b"IDAT":
            packed.append(body)
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IEND":
            break
    stride = width * channels
    raw = zlib.decompressobj().decompress(b"".join(packed), (stride + 1) * height)
    if len(raw) < (stride + 1) * height:
        raise ValueError("too short")
    # Only the lines that are drawn are made into pixels, but each filter needs the line above.
    above = bytearray(stride)
    step_y = _step(width, height)
    pixels: Pixels = []
    for y in range(height):
        start = y * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], line, above, channels)
        above = line
        if y % step_y == 0:
            pixels.append([_colour(line, x, channels, palette) for x in range(0, width, step_y)])
    return pixels


def _step(width: int, height: int) -> int:
    return max(1, -(-width // _WIDTH), -(-height // (_WIDTH * 2)))


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    """PNG's five filters (W3C PNG 9.2), in place."""
    for i in range(len(line) if kind else 0):
        left = line[i - step] if i >= step else 0
        up = above[i]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        elif kind == 4:
            corner = above[i - step] if i >= step else 0
            estimate = left + up - corner
            far = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
            guess = (left, up, corner)[far.index(min(far))]
        else:
            raise ValueError("unknown filter")
        line[i] = (line[i] + guess) & 255


def _colour(line: bytearray, x: int, channels: int, palette: bytes) -> tuple[int, int, int]:
    at = x * channels
    if palette and channels == 1:
        red, green, blue = palette[line[at] * 3 : line[at] * 3 + 3]
        return red, green, blue
    if channels < 3:
        return line[at], line[at], line[at]
    return line[at], line[at + 1], line[at + 2]


def _netpbm(data: bytes, max_lines: int) -> Look | None:
    match = _NETPBM.match(data)
    if match is None:
        return None
    kind = int(match[1])
    width, height, limit = int(match[2]), int(match[3]), int(match[4])
    channels = 3 if kind in (3, 6) else 1
    summary = f"{'PPM' if channels == 3 else 'PGM'} image, {width}×{height}, {limit + 1} levels"
    if not _is_small(width, height) or not 0 < limit < 256:
        return "image", [], summary
    need = width * height * channels
    values: bytes | list[int] = data[match.end() : match.end() + need]
    if kind in (2, 3):
        words = data[match.end() :].split(maxsplit=need)[:need]
        values = [min(int(word), limit) for word in words if word.isdigit() and len(word) < 6]
    if len(values) < need:
        return "image", [], f"{summary}, damaged"
    step = _step(width, height)
    pixels: Pixels = []
    for y in range(0, height, step):
        row = []
        for x in range(0, width, step):
            at = (y * width + x) * channels
            rgb = [values[at + (c if channels == 3 else 0)] * 255 // limit & 255 for c in range(3)]
            row.append((rgb[0], rgb[1], rgb[2]))
        pixels.append(row)
    return "image", _draw(pixels, max_lines), summary


def _draw(pixels: Pixels, max_lines: int) -> list[str]:
    """Two pixels a character: `▀` with the upper one's colour on the lower one's."""
    lines = []
    for y in range(0, min(len(pixels), max_lines * 2), 2):
        upper = pixels[y]
        lower = pixels[y + 1] if y + 1 < len(pixels) else None
        line, last = "", ""
        for x, top in enumerate(upper):
            codes = "38;2;{};{};{}".format(*top)
            if lower is not None:
                codes += ";48;2;{};{};{}".format(*lower[x])
            line += "▀" if codes == last else f"\x1b[{codes}m▀"
            last = codes
        lines.append(f"{line}\x1b[0m")
    return lines


def _jpeg(data: bytes) -> Look:
    """Walks the markers to the frame header (ITU T.81, B.2.2)."""
    offset = 2
    while offset + 9 < len(data) and data[offset] == 0xFF:
        marker = data[offset + 1]
        if marker == 0xFF:
            offset += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, offset + 5)
            return "image", [], f"JPEG image, {width}×{height}"
        elif marker in (0x01, *range(0xD0, 0xD9)):
            offset += 2
        else:
            offset += 2 + max(2, struct.unpack_from(">H", data, offset + 2)[0])
    return "image", [], "JPEG image, damaged"
