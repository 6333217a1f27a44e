"""Numbers as people read them: at most three significant digits, the same unit down a column.

The grid's cells, the header and the CLI's tables call these; JSON output never does (there,
durations are seconds and sizes bytes).
"""

from __future__ import annotations

import math

_NOTHING = "–"

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def _usable(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def format_duration(duration_s: float | None) -> str:
    """A finished time: `0.4s 1.2s 58s 2m13s 12m 3h05m 12h 3d`; a dash when unknown."""
    if duration_s is None or not _usable(duration_s):
        return _NOTHING
    duration_s = max(duration_s, 0.0)
    if duration_s < 9.95:
        return f"{duration_s:.1f}s"
    whole = round(duration_s)
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60:02}s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 600:
        return f"{minutes // 60}h{minutes % 60:02}m"
    hours = minutes // 60
    return f"{hours}h" if hours < 24 else f"{hours // 24}d"


def format_clock(elapsed_s: float | None) -> str:
    """A time that still runs: `0:41 12:05 1:02:03`. Whole seconds, rounded down as clocks do."""
    if elapsed_s is None or not _usable(elapsed_s):
        return _NOTHING
    minutes, seconds = divmod(int(max(elapsed_s, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_age(age_s: float | None) -> str:
    """How long ago, one unit: `41s 7m 3h 12d`. A clock that is ahead of ours reads `0s`."""
    if age_s is None or not _usable(age_s):
        return _NOTHING
    whole = int(max(age_s, 0))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def format_bytes(size_bytes: float | None, *, binary: bool = False) -> str:
    """A size: `812 B`, `4.1 MB`; with *binary* `512 MiB`, for what is asked for in such units."""
    if size_bytes is None or not _usable(size_bytes):
        return _NOTHING
    base, units = (1024, _BINARY) if binary else (1000, _DECIMAL)
    value, place = float(size_bytes), 0
    while abs(value) >= base - 0.5 and place < len(units) - 1:
        value /= base
        place += 1
    if place == 0 or abs(value) >= 99.95 or round(value, 1).is_integer():
        return f"{value:.0f} {units[place]}"
    return f"{value:.1f} {units[place]}"


def format_count(count: int | None) -> str:
    """A count in full, grouped: `1,204,332`."""
    return _NOTHING if count is None else f"{count:,}"


def format_number(value: float | None, *, digits: int = 3) -> str:
    """A metric in *digits* significant digits: `0.843`, `91.3`, `1,204,332`; `NaN` as it is.

    Never an exponent between 1e-4 and 1e15, so that a column of metrics lines up.
    """
    if value is None:
        return _NOTHING
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4 or size >= 15:
        return f"{value:.{digits}g}"
    if size >= digits - 1:
        return f"{value:,.0f}"
    text = f"{value:.{digits - 1 - size}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
