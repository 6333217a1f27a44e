"""Cells that changed stand out for a moment. One for a `Grid`, which paints them."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

FLASH_S = 0.7
FLASHING = 4
"""When more rows of the page change at once, none stands out."""
_NONE: frozenset[str] = frozenset()


class Flash:
    """Which cells stand out now; nothing is scheduled while there are none."""

    def __init__(self, widget: Widget, over: Callable[[], None]) -> None:
        self._widget, self._over = widget, over
        self._cells: dict[Hashable, frozenset[str]] = {}
        self._timer: Timer | None = None
        self.is_wanted = "SSH_CONNECTION" not in os.environ
        """It takes twice the bytes, so not over a network."""

    def of(self, key: Hashable) -> frozenset[str]:
        """The columns of a row that stand out."""
        return self._cells.get(key, _NONE)

    def begin(self, changed: Mapping[Hashable, frozenset[str]]) -> None:
        """These columns of these rows read otherwise now."""
        if not self.is_wanted or len(changed) > FLASHING:
            return
        found = {key: columns for key, columns in changed.items() if columns}
        if found:
            self._cells.update(found)
            if self._timer is not None:
                self._timer.stop()
            self._timer = self._widget.set_timer(FLASH_S, self._end)

    def _end(self) -> None:
        self._cells, self._timer = {}, None
        self._over()
