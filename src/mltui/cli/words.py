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


def wrapped(said: str, width: int | None, first: int, indent: int) -> str:
    """A sentence that begins in column `first`, its later lines `indent` in. None: one line."""
    if width is None or first + text.cell_width(said) <= width or width - indent < 20:
        return said
    import textwrap

    lines = textwrap.wrap(
        " " * first + said, width, subsequent_indent=" " * indent, break_on_hyphens=False
    )
    return "\n".join(lines)[first:]
