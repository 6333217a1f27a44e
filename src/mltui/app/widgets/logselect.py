"""Selecting lines of a log by keyboard: from where it began to where the cursor went."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltui.app.widgets.logscene import LogScene


class Selecting:
    """The selection of one scene; nothing is selected at first."""

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

    def _show(self) -> None:
        painter = self._scene.painter
        if self.span != painter.chosen:
            painter.chosen = self.span
            painter.clear()
