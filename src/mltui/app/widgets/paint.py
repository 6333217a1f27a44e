"""Strips with few segments, and how much of a line really changed.

Textual sends a dirty line from its left edge to the dirty region's right end, and each change of
style costs some 35 bytes; so lines merge equal styles and are refreshed only up to the last cell
that differs. `Grid` and `LogPane` paint through this.
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
