"""Values of the API server's JSON: quantities, times, and other people's text made safe. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from math import isfinite

from mltui.logs.sanitize import safe

_FACTORS = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip
_QUANTITY = re.compile(r"([0-9.]+(?:[eE][-+]?[0-9]+)?)([a-zA-Z]*)")


def plain(value: object) -> str:
    """Somebody's text, safe on a terminal and on one line."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if text.isprintable():
        return text
    return safe(" ".join(text.split()))


def quantity(value: object) -> float:
    """`500m`, `64Gi`, `2` as a number; 0 for what is none."""
    return _number(str(value)) if value else 0.0


@lru_cache(4096)
def _number(value: str) -> float:
    found = _QUANTITY.fullmatch(value)
    if found is None or found[2] not in _FACTORS:
        return 0.0
    try:
        number = float(found[1]) * _FACTORS[found[2]]
    except ValueError:
        return 0.0
    return number if isfinite(number) else 0.0


def time_of(value: object) -> float | None:
    """RFC 3339 as Unix seconds."""
    return _seconds(value) if isinstance(value, str) and value else None


@lru_cache(4096)
def _seconds(value: str) -> float | None:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
