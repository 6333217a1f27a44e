"""Curves in text: a sparkline for a cell, a small plot of a metric by round against its target.

Pure functions without Textual, so that a test or a printed report can use them too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mltui.text.format import format_number
from mltui.text.width import cell_width, shorten_end

Value = float | None
"""A measurement; None and NaN are gaps."""

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = ".:-=+*#@"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell, [y][x]
_LEAST_PLOT = 8  # cells that a plot needs beside its labels
_TICK = 2  # cells of the axis


def _known(values: Sequence[Value]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _buckets(values: Sequence[Value], width: int) -> list[Value]:
    """*values* averaged down to *width*; fewer than that are left as they are."""
    if len(values) <= width:
        return list(values)
    made: list[Value] = []
    for place in range(width):
        known = _known(values[place * len(values) // width : (place + 1) * len(values) // width])
        made.append(sum(known) / len(known) if known else None)
    return made


def sparkline(values: Sequence[Value], width: int, *, unicode: bool = True) -> str:
    """*values* as bars between their least and greatest, one cell each, at most *width* cells.

    More values than cells are averaged; a gap is a blank; equal values are all half high.
    """
    if width <= 0:
        return ""
    bars = _BARS if unicode else _ASCII_BARS
    shown = _buckets(values, width)
    known = _known(shown)
    if not known:
        return " " * len(shown)
    low, high = min(known), max(known)
    made = []
    for value in shown:
        if value is None or not math.isfinite(value):
            made.append(" ")
        else:
            made.append(bars[round(_share(value, low, high) * (len(bars) - 1))])
    return "".join(made)


def _share(value: float, low: float, high: float) -> float:
    """Where *value* is between *low* and *high*, 0 to 1; in the middle where they are one.

    Halved first: the difference of two huge numbers is no number.
    """
    span = high / 2 - low / 2
    return 0.5 if span <= 0 else min(max((value / 2 - low / 2) / span, 0.0), 1.0)


def plot(
    values: Sequence[Value],
    width: int,
    height: int,
    *,
    target: float | None = None,
    base: float | None = None,
    first: int = 1,
    unicode: bool = True,
) -> list[str]:
    """*values* by round as a line, *height* lines of at most *width* cells.

    Labels on the left say the greatest, the least (of the values and *base*, where the scale is to
    begin) and the *target* (a dashed line); below the
    axis stand the number of the *first* round and of the last. Where there is little room, the
    labels go first, then the axis. Gaps interrupt the line; a single value is a point.
    """
    if width <= 0 or height <= 0:
        return []
    if target is not None and not math.isfinite(target):
        target = None
    known = _known(values)
    bounds = [*known, *(each for each in (target, base) if each is not None)]
    if not bounds or not (known or target is not None):
        return [shorten_end("no values yet", width), *[""] * (height - 1)]
    low, high = min(bounds), max(bounds)
    rows = height - 2 if height >= 4 else height
    labels = _labels(low, high, target, rows)
    gutter = max(map(cell_width, labels.values())) + _TICK
    if width - gutter < _LEAST_PLOT:
        labels, gutter = {}, 0
    canvas = _canvas(values, width - gutter, rows, (low, high), target, unicode)
    bar, corner, line = ("│", "└", "─") if unicode else ("|", "+", "-")
    made = []
    for number, drawn in enumerate(canvas):
        label = labels.get(number, "")
        axis = " " * (gutter - _TICK - cell_width(label)) + label + f" {bar}" if gutter else ""
        made.append((axis + drawn).rstrip())
    if rows < height:
        made.append((" " * (gutter - 1) + corner if gutter else "") + line * (width - gutter))
        made.append(" " * gutter + _ends(first, first + len(values) - 1, width - gutter))
    return made


def _row(value: float, low: float, high: float, rows: int) -> int:
    return round((1 - _share(value, low, high)) * (rows - 1))


def _labels(low: float, high: float, target: float | None, rows: int) -> dict[int, str]:
    """Text by row: the target's wins over that of an end it falls on."""
    labels = {_row(value, low, high, rows): format_number(value) for value in (low, high)}
    if target is not None:
        labels[_row(target, low, high, rows)] = format_number(target)
    return labels


def _ends(first: int, last: int, width: int) -> str:
    left, right = str(first), str(last)
    if last <= first or len(left) + len(right) + 1 > width:
        return left[:width]
    return left + " " * (width - len(left) - len(right)) + right


def _canvas(
    values: Sequence[Value],
    width: int,
    rows: int,
    bounds: tuple[float, float],
    target: float | None,
    unicode: bool,
) -> list[str]:
    """The plot itself: braille dots, or stars, over the target's dashes."""
    wide, tall = (2, 4) if unicode else (1, 1)
    columns, lines = width * wide, rows * tall
    dots: set[tuple[int, int]] = set()
    shown = _buckets(values, columns)
    before: tuple[int, int] | None = None
    for place, value in enumerate(shown):
        if value is None or not math.isfinite(value):
            before = None
            continue
        share = place / (len(shown) - 1) if len(shown) > 1 else 0.0
        here = round(share * (columns - 1)), _row(value, *bounds, lines)
        dots.update(_line(before or here, here))
        before = here
    dashes = -1 if target is None else _row(target, *bounds, rows)
    dash = "╌" if unicode else "-"
    made = []
    for row in range(rows):
        text = []
        for column in range(width):
            blank = dash if row == dashes else " "
            if not unicode:
                text.append("*" if (column, row) in dots else blank)
                continue
            cell = sum(
                bit
                for y, bits in enumerate(_DOTS)
                for x, bit in enumerate(bits)
                if (column * 2 + x, row * 4 + y) in dots
            )
            text.append(chr(0x2800 + cell) if cell else blank)
        made.append("".join(text))
    return made


def _line(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots from *start* to *end*, both included."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            start[0] + round((end[0] - start[0]) * step / steps),
            start[1] + round((end[1] - start[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]


def overlay(
    curves: Sequence[Sequence[tuple[float, float]]],
    width: int,
    height: int,
    *,
    unicode: bool = True,
) -> list[list[tuple[str, int | None]]]:
    """Several curves of points (x, y) on the same axes: *height* lines of pieces of text.

    Each piece says which curve it is of (None: an axis, a label, nothing); where curves meet, the
    later one is seen. Each ends in a letter of its own, `a` for the first; without Unicode it is
    drawn with that letter.
    """
    points = [
        [(x, y) for x, y in curve if math.isfinite(x) and math.isfinite(y)] for curve in curves
    ]
    known = [point for curve in points for point in curve]
    if width <= 0 or height < 3 or not known:
        return [[("no values yet"[:width], None)]]
    left, right = min(x for x, _ in known), max(x for x, _ in known)
    low, high = min(y for _, y in known), max(y for _, y in known)
    rows = height - 2
    labels = _labels(low, high, None, rows)
    gutter = max(map(cell_width, labels.values())) + _TICK
    if width - gutter < _LEAST_PLOT:
        labels, gutter = {}, 0
    wide, tall = (2, 4) if unicode else (1, 1)
    columns, lines = (width - gutter) * wide, rows * tall
    ends = {
        (
            round(_share(curve[-1][0], left, right) * (columns - 1)) // wide,
            _row(curve[-1][1], low, high, lines) // tall,
        ): number
        for number, curve in enumerate(map(sorted, points))
        if curve
    }
    drawn = [_dots(curve, (left, right), (low, high), columns, lines) for curve in points]
    bar, corner, dash = ("│", "└", "─") if unicode else ("|", "+", "-")
    made: list[list[tuple[str, int | None]]] = []
    for row in range(rows):
        label = labels.get(row, "")
        axis = " " * (gutter - _TICK - cell_width(label)) + label + f" {bar}" if gutter else ""
        pieces: list[tuple[str, int | None]] = [(axis, None)]
        for column in range(width - gutter):
            text, owner = " ", None
            if (column, row) in ends:
                owner = ends[column, row]
                text = chr(97 + owner % 26)
            for number, dots in enumerate(drawn if owner is None else ()):
                cell = _cell(dots, column, row, unicode)
                if cell:
                    text, owner = (chr(0x2800 + cell) if unicode else chr(97 + number % 26)), number
            if pieces[-1][1] == owner and len(pieces) > 1:
                pieces[-1] = (pieces[-1][0] + text, owner)
            else:
                pieces.append((text, owner))
        made.append(pieces)
    made.append([((" " * (gutter - 1) + corner if gutter else "") + dash * (width - gutter), None)])
    first, last = format_number(left), format_number(right)
    room = width - gutter - len(first) - len(last)
    said = first + " " * room + last if room > 0 else ""
    made.append([(" " * gutter + said, None)])
    return made


def _dots(
    points: Sequence[tuple[float, float]],
    over: tuple[float, float],
    bounds: tuple[float, float],
    columns: int,
    lines: int,
) -> set[tuple[int, int]]:
    dots: set[tuple[int, int]] = set()
    before: tuple[int, int] | None = None
    for x, y in sorted(points):
        here = round(_share(x, *over) * (columns - 1)), _row(y, *bounds, lines)
        dots.update(_line(before or here, here))
        before = here
    return dots


def _cell(dots: set[tuple[int, int]], column: int, row: int, unicode: bool) -> int:
    """The bits of a braille cell; without Unicode 1 for a dot."""
    if not unicode:
        return int((column, row) in dots)
    return sum(
        bit
        for y, bits in enumerate(_DOTS)
        for x, bit in enumerate(bits)
        if (column * 2 + x, row * 4 + y) in dots
    )
