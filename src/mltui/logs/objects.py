"""What an object that was written as a line reads like: its message first, or chosen fields.

The log pane and `mltui logs --fields --columns` put the pieces into colours. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mltui.logs.fields import beside_fields, is_level, is_number, is_time, message_name
from mltui.logs.levels import Level
from mltui.logs.sanitize import safe
from mltui.text.width import fit

LEVEL, DIM = "level", "dim"
"""What a piece is; empty for plain text."""

Piece = tuple[str, str]
"""Text, and what it is."""

WIDEST_FIELD = 32
"""Cells of a column, but the last."""
_SHORT_LEVELS: dict[Level | None, str] = {Level.WARNING: "WARN", Level.FATAL: "FATAL"}


def whole_object(
    raw: bytes,
    fields: Mapping[str, str],
    level: Level | None,
    at: float | None,
    *,
    without_time: bool = False,
) -> list[Piece]:
    """When (*at*, where it is a number), level, message, then all other fields by name."""
    pieces: list[Piece] = []
    message = message_name(fields)
    when, value = time_field(fields)
    if when and not without_time:
        if is_number(value) and at is not None:
            value = clock(at)
        pieces += [(_safe(value), DIM), ("  ", "")]
    if not raw.startswith(b"{") and (beside := beside_fields(raw)):
        pieces += [(_safe(beside), ""), ("  ", "")]
    for name, value in fields.items():
        if is_level(name):
            if value.isdigit() and level is not None:
                value = level.name  # pino, bunyan
            short = _SHORT_LEVELS.get(level, value) if len(value) > 5 else value
            pieces += [(fit(_safe(short.upper()), 5), LEVEL), ("  ", "")]
    if message is not None:
        pieces += [(_safe(fields[message]), ""), ("  ", "")]
    for name, value in fields.items():
        if name not in (message, when) and not is_level(name):
            last = value.rstrip().rpartition("\n")[2]  # of a traceback what it says
            pieces += [(_safe(f"{name}="), DIM), (_safe(f"{last}  "), "")]
    return pieces


def time_field(fields: Mapping[str, str]) -> tuple[str, str]:
    """The field that says when, and what it says; empty where none does."""
    return next(((name, value) for name, value in fields.items() if is_time(name)), ("", ""))


def clock(at: float) -> str:
    """A time of the day, in local time, to the millisecond."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S.%f")[:12]


class Columns:
    """Fields that were chosen, below one another; columns grow as lines need it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._widths = {name: len(name) for name in names}
        self._numbers = dict.fromkeys(names, True)

    def pieces(self, fields: Mapping[str, str]) -> list[Piece]:
        """Of one line; numbers stand to the right, the last column has all the room there is."""
        pieces: list[Piece] = []
        for name in self._names:
            value = _safe(fields.get(name, ""))
            width = self._widths[name] = max(self._widths[name], min(len(value), WIDEST_FIELD))
            if value:
                self._numbers[name] = self._numbers[name] and is_number(value)
            if self._numbers[name]:
                value = fit(value, width, align="right")
            elif name != self._names[-1]:
                value = fit(value, width)
            pieces += [(value, LEVEL if is_level(name) else ""), ("  ", "")]
        return pieces


def _safe(text: str) -> str:
    return safe(text.replace("\n", " "))
