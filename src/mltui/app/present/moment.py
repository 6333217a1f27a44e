"""What the clock and the terminal add to what is shown, and clock times as they read."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mltui.text.format import format_duration


@dataclass(frozen=True, slots=True)
class Moment:
    """What the clock and the terminal add to the rows."""

    now: float
    unicode: bool = True


def clock_time(at: float) -> str:
    """A time of day in the person's own zone: `14:02:11`."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def when(at: float, now: float) -> str:
    """A moment that stays true while nobody repaints it: `14:02:11`, `21 Nov 14:02`."""
    if now - at < 43_200 and time.localtime(at).tm_yday == time.localtime(now).tm_yday:
        return clock_time(at)
    return time.strftime("%d %b %H:%M", time.localtime(at))


def short_duration(seconds: float) -> str:
    """A duration without tenths from a second on: `1s`, `0.4s`."""
    return format_duration(round(seconds) if seconds >= 1 else seconds).replace(".0s", "s")
