"""The line above a log: how many lines and errors over time, where the page is, and when that was.

`LogScene` owns one; the pane paints its strip and asks where a click or a step leads.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from rich.style import Style
from textual.strip import Strip

from mltui.app.widgets.paint import LineBuilder
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.profile import Bin, Histogram, Profile

_BARS = " ▁▂▃▄▅▆▇█"
_PLAIN_BARS = " .:-=+*#@"
_WIDEST_BAR = 4
_AGAIN_S = 1.0
"""Bars of a log that grows are made anew so often."""


class HistogramLine:
    """The bars of one log."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._made = Histogram((), None, None)
        self._made_at = 0.0
        self._made_for: tuple[int, bool] = (0, False)
        self._is_whole = False

    def histogram(self, width: int) -> Histogram:
        """The bars, at most a second old."""
        now = time.monotonic()
        state = (width, self.profile.is_done)
        if state != self._made_for or (now - self._made_at > _AGAIN_S):
            self._made = self.profile.histogram(width)
            self._made_at, self._made_for = now, state
        return self._made

    @property
    def _has_all(self) -> bool:
        return bool(self.profile.samples) and self.profile.is_done

    @property
    def is_due(self) -> bool:
        """All of the log is counted for the first time, and that is not shown yet."""
        return not self._is_whole and self._has_all

    def strip(
        self, position: int, width: int, base: Style, roles: RoleStyles, *, unicode: bool
    ) -> Strip:
        """One line of *width* cells; the bar in which *position* is stands out."""
        self._is_whole = self._is_whole or self._has_all
        cells = self.cells(width)
        found = self.histogram(self.bars_width(width) // cells)
        line = LineBuilder()
        most = max((each.lines for each in found.bins), default=0) or 1
        here = found.bin_of(position)
        bars = _BARS if unicode else _PLAIN_BARS
        for number, each in enumerate(found.bins):
            height = 0 if not each.lines else max(round(each.lines / most * 8), 1)
            role = "state-failed" if each.errors else "dim"
            style = roles.on(base, role)
            if number == here:
                style = roles.on(roles.on(base, "accent" if not each.errors else role), "cursor")
            line.add(bars[height] * cells, style)
        line.add("  ", base)
        line.add(_span(found, unicode=unicode), roles.on(base, "dim"))
        line.pad(width, base)
        return line.strip().crop(0, width)

    @staticmethod
    def bars_width(width: int) -> int:
        """Bars that fit beside the times."""
        return max(width - 21, 4)

    def cells(self, width: int) -> int:
        """How wide a bar is: of few lines each would else have one or none."""
        samples = max(len(self.profile.samples), 1)
        return min(-(-2 * self.bars_width(width) // samples), _WIDEST_BAR)

    def _bins(self, width: int) -> Sequence[Bin]:
        return self.histogram(self.bars_width(width) // self.cells(width)).bins

    def place(self, x: int, width: int) -> int | None:
        """The position that the bar at cell *x* stands for."""
        bins = self._bins(width)
        for each in bins[max(x, 0) // self.cells(width) :]:
            if each.position is not None:
                return each.position
        return None

    def step(self, position: int, forward: bool, width: int) -> int | None:
        """The beginning of the next or previous bar that has lines."""
        bins = self._bins(width)
        places = [each.position for each in bins if each.position is not None]
        if forward:
            return next((each for each in places if each > position), None)
        return next((each for each in reversed(places) if each < position), None)


def _span(found: Histogram, *, unicode: bool) -> str:
    """`13:58:02–14:02:11`, or days where it took days."""
    if found.first_at is None or found.last_at is None:
        return ""
    shape = "%H:%M:%S" if found.last_at - found.first_at < 86_400 else "%d %b %Hh"
    dash = "–" if unicode else "-"
    first, last = (
        datetime.fromtimestamp(at).strftime(shape) for at in (found.first_at, found.last_at)
    )
    return f"{first}{dash}{last}"
