"""Small turns of phrase that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mltui import text

AXES = ("step", "epoch")
"""What metrics are drawn over: a place on a curve, no result."""


def count(number: int, word: str) -> str:
    """`1 stage`, `3 stages`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def metrics(values: Mapping[str, float], limit: int | None = None) -> str:
    """`accuracy 0.985, loss 0.12`; no more than `limit` of them."""
    words = [
        f"{name} {text.format_number(value)}" for name, value in values.items() if name not in AXES
    ]
    if limit is not None and len(words) > limit:
        words = [*words[:limit], "…"]
    return ", ".join(words)


def settings(values: Mapping[str, Any]) -> str:
    """`c=0.01, gamma=1`."""
    return ", ".join(f"{name}={value}" for name, value in values.items())
