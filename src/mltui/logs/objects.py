"""What an object that was written as a line reads like: its message first, or chosen fields.

The log pane and `mltui logs --fields --columns` put the pieces into colours. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mltui.logs.fields import is_level, is_time, message_name
from mltui.logs.levels import Level
from mltui.logs.sanitize import plain
from mltui.text.width import fit

LEVEL, DIM = "level", "dim"
"""What a piece is; empty for plain text."""

Piece = tuple[str, str]
"""Text, and what it is."""

_WIDEST_FIELD = 32
_SHORT_LEVELS: dict[Level | None, str] = {Level.WARNING: "WARN", Level.FATAL: "FATAL"}


def whole_object(
    fields: Mapping[str, str], level: Level | None, *, without_time: bool = False
) -> list[Piece]:
    """Level, message, then all other fields by name."""
    pieces: list[Piece] = []
    message = message_name(fields)
    for name, value in fields.items():
        if is_level(name):
            short = _SHORT_LEVELS.get(level, value) if len(value) > 5 else value
            pieces += [(fit(_safe(short.upper()), 5), LEVEL), ("  ", "")]
    if message is not None:
        pieces += [(_safe(fields[message]), ""), ("  ", "")]
    for name, value in fields.items():
        if name != message and not is_level(name) and not (without_time and is_time(name)):
            pieces += [(_safe(f"{name}="), DIM), (_safe(f"{value}  "), "")]
    return pieces


def chosen_fields(
    fields: Mapping[str, str], columns: Sequence[str], widths: dict[str, int]
) -> list[Piece]:
    """These fields, below one another; *widths* is kept by the caller and grows."""
    pieces: list[Piece] = []
    for name in columns:
        value = _safe(fields.get(name, ""))
        width = max(widths.get(name, len(name)), min(len(value), _WIDEST_FIELD))
        widths[name] = width
        pieces += [(fit(value, width), LEVEL if is_level(name) else ""), ("  ", "")]
    return pieces


def _safe(text: str) -> str:
    return plain(text.replace("\n", " ").encode("utf-8", "replace"))
