"""What a state looks like: one glyph, its plain twin, and the role that gives it a colour.

A glyph never stands alone (the word is beside it), so losing colour or Unicode loses nothing.
The pipeline, the grids, triage and the CLI's tables call this.
"""

from __future__ import annotations

import os
import sys
from collections import namedtuple
from collections.abc import Mapping

from mltui.text.width import cell_width


class Mark(namedtuple("Mark", ("state", "glyph", "ascii", "role"))):
    """How one state is drawn: *role* names a style of the screen (see `app.widgets.roles`)."""

    __slots__ = ()

    state: str
    glyph: str
    ascii: str
    role: str

    def text(self, *, unicode: bool = True) -> str:
        """Glyph and word: `✗ failed`, or `x failed`."""
        return f"{self.glyph if unicode else self.ascii} {self.state}"


MARKS: Mapping[str, Mark] = {
    state: Mark(state, glyph, ascii_glyph, f"state-{state}")
    for state, glyph, ascii_glyph in (
        ("pending", "○", "o"),
        ("ready", "○", "o"),
        ("building", "●", "*"),
        ("running", "●", "*"),
        ("succeeded", "✓", "+"),
        ("cached", "≡", "="),
        ("failed", "✗", "x"),
        ("cancelled", "⊘", "/"),
        ("skipped", "–", "-"),
        ("paused", "‖", "|"),
        ("unknown", "?", "?"),
        ("waiting", "◌", "."),
        ("warning", "▲", "!"),
    )
}
"""Every state of stages and runs, and the two that only the screen has: waiting and warning."""


def mark(state: str) -> Mark:
    """The mark of *state*; a state of a newer version shows as unknown, keeping its own word."""
    found = MARKS.get(state)
    return found if found is not None else Mark(state, "?", "?", "state-unknown")


def glyph(state: str, *, unicode: bool = True) -> str:
    """The one-cell glyph of *state*."""
    found = mark(state)
    return found.glyph if unicode else found.ascii


_PLAIN = {
    "…": "~",
    "·": "-",
    "→": ">",
    "←": "<",
    "–": "-",
    "×": "x",
    "≥": ">",
    "≤": "<",
    "≠": "!",
    "▸": ">",
}


def in_ascii(text: str) -> str:
    """The same in as many cells, for a terminal that shows no more than ASCII."""
    if text.isascii():
        return text
    return "".join(
        char if char.isascii() else _PLAIN.get(char, "?" * cell_width(char)) for char in text
    )


def unicode_ok(environ: Mapping[str, str] | None = None, encoding: str | None = None) -> bool:
    """Whether the terminal can be trusted with more than ASCII.

    `MLTUI_ASCII` (set, not `0`) and `TERM=dumb` say no; then the locale's charset decides
    (`LC_ALL`, `LC_CTYPE`, `LANG`, as setlocale reads them), then the encoding of stdout. Python
    itself sets `LC_CTYPE=C.UTF-8` where `LANG=C` (PEP 538); that is not the person speaking.
    """
    env = os.environ if environ is None else environ
    if env.get("MLTUI_ASCII", "0") not in ("", "0") or env.get("TERM") == "dumb":
        return False
    if encoding is None:
        encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    coerced = env.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8")
    if coerced and not env.get("LC_ALL") and env.get("LANG") in ("C", "POSIX"):
        return False
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := env.get(name):
            charset = value.lower().replace("-", "")
            return "utf8" in charset
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"
