"""Selecting lines of a log, by keyboard and by mouse, and the text that is selected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.selection import Selection

if TYPE_CHECKING:
    from mltui.app.widgets.logscene import LogScene

_COPY_LINES = 10_000


class Selecting:
    """The keyboard's selection of one scene; nothing is selected at first."""

    def __init__(self, scene: LogScene) -> None:
        self._scene = scene
        self._anchor: int | None = None
        self._cursor = 0

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
        """Shown lines from *first* to *last* (left out), as they read, at most ten thousand."""
        scene = self._scene
        found: list[int] = []
        line = scene.shown.first_from(first)
        while line is not None and line < last and len(found) < _COPY_LINES:
            found.append(line)
            line = scene.shown.first_from(line + 1)
        for place, raw in zip(found, scene.index.read(found), strict=True):
            yield scene.painter.text(place, raw)

    def text_by_mouse(self, selection: Selection) -> str:
        """What *selection* covers, at most its first ten thousand lines."""
        first = 0 if selection.start is None else selection.start.y
        last = self._scene.index.end if selection.end is None else selection.end.y
        lines = list(self.text(first, last + 1))
        if selection.end is not None and lines and len(lines) < _COPY_LINES:
            lines[-1] = lines[-1][: selection.end.x]
        if selection.start is not None and lines:
            lines[0] = lines[0][selection.start.x :]
        return "\n".join(lines)

    def _show(self) -> None:
        painter = self._scene.painter
        if self.span != painter.chosen:
            painter.chosen = self.span
            painter.clear()
