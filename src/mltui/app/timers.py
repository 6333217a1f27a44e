"""One-shot timers that come late on a busy machine, instead of never.

Textual's timers leave out ticks that they are too late for; at 8.2 one that has only one tick then
ends without it, if the process was not scheduled for the timer's length while it was being started.
Of the 8 ms after which a new size of the terminal is looked at that is easily so, and no size was
looked at any more. Called when the app's module is loaded.
"""

from __future__ import annotations

from textual.timer import Timer

_begin = Timer._start


def _start(self: Timer) -> None:
    if self._repeat == 0:
        self._skip = False
    _begin(self)


def keep_late() -> None:
    """From now on, in this process."""
    Timer._start = _start  # type: ignore[method-assign]
