"""Sends the cells of the screen that are dirty, and no others.

Textual sends a dirty line from the left edge of its widget, so that an age at its right end costs
all that stands before it, each change of colour some 40 bytes: over SSH a list at rest would be
mostly names that are there already. The workbench's compositor is this one. It uses what Textual
keeps to itself; the tests of bytes at rest say when that has changed.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class CellUpdate(ChopsUpdate):
    """Spans of lines, cut at both ends."""

    def render_segments(self, console: Console) -> str:
        """The bytes that bring the terminal up to date."""
        sequences: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, left), min(end, right)
                if strip is None or first >= last:
                    continue
                if (first, last) != (x, end):
                    strip = strip.crop(first - x, last - x)
                sequences += (Control.move_to(first, y).segment.text, strip.render(console))
        return "".join(sequences)


class CellCompositor(Compositor):
    """Textual's, but for what it sends of a line."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What is dirty, if anything is."""
        update = super().render_partial_update()
        if update is None:
            return None
        return CellUpdate(update.chops, update.spans, update.chop_ends)
