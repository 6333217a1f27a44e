"""Owns stdout: plain lines, JSON values, colour only where a person looks at it.

Made once by `cli.main` and handed to the command. Imports nothing heavy, as every command pays.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

from mltui.text import cell_width, glyph, shorten_end, unicode_ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

_CODES = {
    "dim": "2",
    "bold": "1",
    "accent": "36",
    "bad": "31",
    "warn": "33",
    "good": "32",
}
_ROLES = {
    "succeeded": "dim",
    "cached": "dim",
    "skipped": "dim",
    "cancelled": "dim",
    "pending": "dim",
    "ready": "dim",
    "running": "accent",
    "building": "accent",
    "failed": "bad",
    "paused": "warn",
    "unknown": "warn",
    "warning": "warn",
}


def colour_ok(stream: TextIO) -> bool:
    """Whether colour codes may be written: a terminal, not a dumb one, and nobody said no."""
    env = os.environ
    return not env.get("NO_COLOR") and env.get("TERM") != "dumb" and is_terminal(stream)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at this stream."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def paint(text: str, role: str) -> str:
    """`text` with the codes of a role (`dim bold accent bad warn good`)."""
    return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if text else text


class Output:
    """Standard output, as the commands write to it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream: TextIO = sys.stdout if stream is None else stream
        self.is_terminal = is_terminal(self.stream)
        self.has_colour = colour_ok(self.stream)
        self.has_unicode = unicode_ok()
        self._status = ""
        reconfigure = getattr(self.stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # never die of a letter the locale lacks

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None when lines need not fit anywhere."""
        if not self.is_terminal:
            return None
        try:
            columns = int(os.environ.get("COLUMNS", ""))
        except ValueError:
            columns = 0
        if columns <= 0:
            try:
                columns = os.get_terminal_size(self.stream.fileno()).columns
            except (OSError, ValueError):
                columns = 0
        return columns if columns > 0 else 80

    def line(self, text: str = "", *, flush: bool = False) -> None:
        """One line; the status line makes room for it. `flush` for lines that report progress."""
        if self._status:
            self.status("")
        self.stream.write(text + "\n")
        if flush:
            self.stream.flush()

    def paint(self, text: str, role: str) -> str:
        """`text` in the colour of a role where there are colours."""
        return paint(text, role) if self.has_colour else text

    def state(self, state: str, text: str | None = None) -> str:
        """Glyph and word of a state in its colour: `✓ succeeded`."""
        words = self.mark(state) if text is None else text
        return self.paint(words, _ROLES.get(state, "warn"))

    def mark(self, state: str) -> str:
        """Glyph and word of a state, without colour."""
        return f"{self.glyph(state)} {state}"

    def glyph(self, state: str) -> str:
        """The one-cell glyph of a state."""
        return glyph(state, unicode=self.has_unicode)

    def say(self, text: str) -> str:
        """Our own words in the letters that this output has."""
        if self.has_unicode:
            return text
        for letter, plain in (("…", "..."), ("·", "-"), ("→", "->"), ("–", "-"), ("≥", ">=")):
            text = text.replace(letter, plain)
        return text

    def json(self, value: Any) -> None:
        """One JSON value, indented where a person reads it."""
        self.line(dump_json(value, indent=2 if self.is_terminal else None))

    def json_line(self, value: Any) -> None:
        """One object of a stream, on one line, at once."""
        self.line(dump_json(value), flush=True)

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self.stream.flush()
        buffer = getattr(self.stream, "buffer", None)
        if buffer is None:  # a text stream in memory
            self.stream.write(data.decode("utf-8", "backslashreplace"))
        else:
            buffer.write(data)

    def status(self, text: str) -> None:
        """Show a live line that the next one replaces; "" removes it. Terminals only."""
        if not self.is_terminal or text == self._status:
            return
        shown = shorten_end(text, (self.width or 80) - 1)
        blank = cell_width(self._status) - cell_width(shown)
        self.stream.write("\r" + shown + " " * max(0, blank) + ("" if shown else "\r"))
        self._status = shown
        self.stream.flush()

    def flush(self) -> None:
        """Hand over everything written so far."""
        self.stream.flush()


def dump_json(value: Any, *, indent: int | None = None) -> str:
    """JSON text that every reader accepts: what is not a finite number becomes null."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, indent=indent)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
