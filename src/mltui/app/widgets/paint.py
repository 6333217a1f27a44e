"""Strips with few segments, and how much of a line really changed.

Each change of style costs some 40 bytes, and so does going to another place of a line; so lines
merge equal styles, and only those cells are refreshed that differ. A log, in which whole lines
move, is compared from its end only. `Grid`, `LogPane` and the single lines paint through this.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


class LineBuilder:
    """Collects text in styles, left to right, merging neighbours of one style."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._styles: list[Style] = []
        self.width = 0
        """Cells so far."""

    def add(self, text: str, style: Style) -> None:
        """Append *text*; nothing for an empty one."""
        if not text:
            return
        self.width += cell_len(text)
        if self._styles and self._styles[-1] == style:
            self._texts[-1] += text
        else:
            self._texts.append(text)
            self._styles.append(style)

    def pad(self, width: int, style: Style) -> None:
        """Blank cells up to *width*."""
        if self.width < width:
            self.add(" " * (width - self.width), style)

    def strip(self) -> Strip:
        """What was collected, as one line."""
        segments = [Segment(*pair) for pair in zip(self._texts, self._styles, strict=True)]
        return Strip(segments, self.width)


NEAR = 16
"""So few equal cells between two changes are sent again rather than skipped."""


def changed_width(old: Strip, new: Strip) -> int:
    """Cells from the left that must be sent to turn *old* into *new*; 0 if they are the same."""
    if old is new:
        return 0
    width = new.cell_length
    if old.cell_length != width:
        return max(old.cell_length, width)
    before, after = list(old), list(new)
    while before and after and before[-1] == after[-1]:
        width -= after[-1].cell_length
        before.pop()
        after.pop()
    if before and after and before[-1].style == after[-1].style:
        left, right = before[-1].text, after[-1].text
        same = 0
        while same < min(len(left), len(right)) and left[-1 - same] == right[-1 - same]:
            same += 1
        if same:
            width -= cell_len(right[len(right) - same :])
    return width


def changed_spans(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """Where *old* and *new* differ, as (first cell, cells); nothing when they are the same.

    Both are of one line. A character of two cells is never cut.
    """
    if old is new:
        return []
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, max(len(before), len(after)))]
    spans: list[tuple[int, int]] = []
    for x, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        if spans and x - sum(spans[-1]) <= NEAR:
            spans[-1] = (spans[-1][0], x + 1 - spans[-1][0])
        else:
            spans.append((x, 1))
    return spans


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    """What each cell shows; the second cell of a wide character is told from its first."""
    found: list[tuple[str, Style | None]] = []
    last = 1
    for text, style, _ in strip:
        if text.isascii():
            found += [(char, style) for char in text]
            last = 1
            continue
        for char in text:
            width = cell_len(char)
            if width:
                last = width
                found += [(char, style), (f"{char}\0", style)][:width]
            else:  # a mark on the character before
                found[-last:] = [(before + char, style) for before, _ in found[-last:]]
    return found
