"""Selecting lines of a log, by keyboard and by mouse, and the text that is selected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.selection import Selection

if TYPE_CHECKING:
    from mltui.app.widgets.logscene import LogScene

_READ_LINES = 1_000
_MOST_LINES, _MOST_CHARS = 100_000, 2_000_000
"""A selection that is longer is for a file, not for a clipboard."""


class Selecting:
    """The keyboard's selection of one scene; nothing is selected at first."""

    def __init__(self, scene: LogScene) -> None:
        self._scene = scene
        self._anchor: int | None = None
        self._cursor = 0
        self.is_cut = False
        """What was last asked for is not all of it."""

    @property
    def is_on(self) -> bool:
        """Whether something is being selected."""
        return self._anchor is not None

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last line selected."""
        if self._anchor is None:
            return None
        return min(self._anchor, self._cursor), max(self._anchor, self._cursor)

    def begin(self) -> None:
        """Select from the line that stands out, else the first on the page."""
        scene = self._scene
        current = scene.painter.current
        shown = [row.line for row in scene.rows]
        if shown:
            place = current if current is not None and current in shown else shown[0]
            self._anchor = self._cursor = place
            scene.view.set_follow(False)
            self._show()

    def end(self) -> None:
        """Select nothing."""
        self._anchor = None
        self.is_cut = False
        self._show()

    def move(self, lines: int) -> None:
        """Move the selection's end."""
        scene = self._scene
        for _ in range(abs(lines)):
            place = (
                scene.shown.first_from(self._cursor + 1)
                if lines > 0
                else scene.shown.last_before(self._cursor)
            )
            if place is None:
                break
            self._cursor = place
        scene.view.show(self._cursor)
        self._show()

    def text(self, first: int, last: int) -> Iterator[str]:
        """Shown lines from *first* to *last* (left out), as they read."""
        scene = self._scene
        line = scene.shown.first_from(first)
        while line is not None and line < last:
            found: list[int] = []
            while line is not None and line < last and len(found) < _READ_LINES:
                found.append(line)
                line = scene.shown.first_from(line + 1)
            for place, raw in zip(found, scene.index.read(found), strict=True):
                yield scene.painter.text(place, raw)

    def joined(self, first: int, last: int) -> str:
        """The same with *last*, in one; `is_cut` where it is more than a clipboard takes."""
        lines: list[str] = []
        size = 0
        self.is_cut = False
        for each in self.text(first, last + 1):
            lines.append(each)
            size += len(each) + 1
            if size > _MOST_CHARS or len(lines) > _MOST_LINES:
                self.is_cut = True
                break
        return "\n".join(lines)

    def text_by_mouse(self, selection: Selection) -> str:
        """What *selection* covers; `is_cut` where it is too much."""
        first = 0 if selection.start is None else selection.start.y
        last = self._scene.index.end if selection.end is None else selection.end.y
        lines = self.joined(first, last).split("\n")
        if selection.end is not None and not self.is_cut:
            lines[-1] = lines[-1][: selection.end.x]
        if selection.start is not None:
            lines[0] = lines[0][selection.start.x :]
        return "\n".join(lines)

    def _show(self) -> None:
        painter = self._scene.painter
        if self.span != painter.chosen:
            painter.chosen = self.span
            painter.clear()
