"""What `mltui ls` says with, at a few milliseconds: marks, widths, durations, numbers.

Twins of functions in `mltui.text`, whose package imports `dataclasses` (and with it `inspect`):
that alone is as long as a bare interpreter takes to start. A test holds them equal. Everything of
the CLI that may take longer uses `mltui.text` itself.
"""

from __future__ import annotations

import math
import os
import sys
import unicodedata

MARKS = {
    "pending": ("○", "o"),
    "ready": ("○", "o"),
    "building": ("●", "*"),
    "running": ("●", "*"),
    "succeeded": ("✓", "+"),
    "cached": ("≡", "="),
    "failed": ("✗", "x"),
    "cancelled": ("⊘", "/"),
    "skipped": ("–", "-"),
    "paused": ("‖", "|"),
    "unknown": ("?", "?"),
    "warning": ("▲", "!"),
}
"""State → glyph and its twin without Unicode."""


def unicode_ok() -> bool:
    """Whether stdout can be trusted with more than ASCII; see `mltui.text.unicode_ok`."""
    env = os.environ
    if env.get("MLTUI_ASCII", "0") not in ("", "0") or env.get("TERM") == "dumb":
        return False
    coerced = env.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8")
    if coerced and not env.get("LC_ALL") and env.get("LANG") in ("C", "POSIX"):
        return False
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := env.get(name):
            return "utf8" in value.lower().replace("-", "")
    encoding: str = getattr(sys.__stdout__, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cell_width(text: str) -> int:
    """Terminal cells of `text`."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` cells, its end replaced by an ellipsis."""
    if cell_width(text) <= width:
        return text
    ellipsis = "…" if width > 1 else ""
    kept, room = "", width - len(ellipsis)
    for char in text:
        room -= cell_width(char)
        if room < 0:
            break
        kept += char
    return kept + ellipsis


def format_duration(duration_s: float | None) -> str:
    """A finished time: `0.4s 58s 2m13s 12m 3h05m 3d`; a dash when unknown."""
    if duration_s is None or not math.isfinite(duration_s):
        return "–"
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


def format_age(age_s: float | None) -> str:
    """How long ago, one unit: `41s 7m 3h 12d`."""
    if age_s is None or not math.isfinite(age_s):
        return "–"
    whole = int(max(age_s, 0))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def format_number(value: float | None) -> str:
    """A metric in three significant digits: `0.843`, `91.3`, `1,204,332`."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4 or size >= 15:
        return f"{value:.3g}"
    if size >= 2:
        return f"{value:,.0f}"
    text = f"{value:.{2 - size}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
