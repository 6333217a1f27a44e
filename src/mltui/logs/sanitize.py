"""Hostile bytes → text that is safe to put on a terminal, with the colours it asked for.

What a container prints is not ours to trust: an OSC 52 writes the clipboard, a cursor movement
forges a line, a bidi override hides one. Only SGR (colour, bold, …) survives, as data.
The log pane calls `clean`; the CLI, errors and search results call `plain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_CHARS = 16_384
"""Longest text returned for one line, in characters."""

Colour = int | tuple[int, int, int] | None
"""A palette index 0–255, a truecolor triple, or None for the terminal's own."""


class Sgr(NamedTuple):
    """What SGR sequences asked for, so far in a line. Blinking and hiding are not honoured."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


class Span(NamedTuple):
    """A stretch of safe text in one style."""

    text: str
    style: Sgr


PLAIN = Sgr()

# One alternative a kind of sequence, tried at each escape introducer. 8-bit introducers come as
# U+0080–U+009F (valid UTF-8) or as U+DC80–U+DC9F (a raw byte, kept by surrogateescape).
_SEQUENCE = re.compile(
    r"""
      (?: \x1b\[ | [\x9b\udc9b] ) (?P<params>[0-?]*+) (?P<inter>[\ -/]*+) (?P<final>[@-~])?
    | (?: \x1b\] | \x9d ) [^\x07\x1b\x9c]*+ (?: \x1b(?!\\)[^\x07\x1b\x9c]*+ )*
          (?: \x07 | \x1b\\ | \x9c | \Z )                        # OSC: titles, links, clipboard
    | (?: \x1b[PX^_] | [\x90\x98\x9e\x9f] ) [^\x1b\x9c]*+ (?: \x1b(?!\\)[^\x1b\x9c]*+ )*
          (?: \x1b\\ | \x9c | \Z )                               # DCS, SOS, PM, APC
    | \x1b [\ -/]*+ [0-~]                                        # ESC c, ESC ( B, ESC 7, …
    | \x1b
    """,
    re.VERBOSE,
)

# Everything else that must not reach a terminal or would hide what a line says: C0 (but tab),
# DEL, C1, bidi marks and overrides, zero-width and other invisible formatting, tag characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
_INVALID = re.compile("[\ud800-\udfff]")
_COLOURS = re.compile(rb"\x1b\[[0-9;:]*[mK]")
_BREAKS = re.compile("[\u2028\u2029]")


def last_state(raw: bytes) -> bytes:
    """What a terminal would still show of *raw*: the text after its last inner carriage return."""
    raw = raw.rstrip(b"\r\n")
    return raw[raw.rfind(b"\r") + 1 :]


def uncoloured(raw: bytes) -> bytes:
    """*raw* without colours: what is searched, judged and folded, however it is painted."""
    return _COLOURS.sub(b"", raw) if b"\x1b" in raw else raw


def _decode(raw: bytes) -> str:
    if b"\r" in raw or b"\n" in raw:
        raw = last_state(raw).replace(b"\n", b" ")
    return raw.decode("utf-8", "surrogateescape")


def _scrub(text: str) -> str:
    text = _UNSAFE.sub("", text)
    if not text.isascii():
        text = _BREAKS.sub(" ", _INVALID.sub("\ufffd", text))
    return text


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]} [+{len(text) - limit:,} characters]"


def plain(raw: bytes, *, limit: int = MAX_CHARS) -> str:
    """*raw* (one line) as safe text without styles; longer than *limit* is cut and says so."""
    text = _decode(raw)
    if not text.isprintable():  # isprintable is one C loop and true of most lines
        text = _scrub(_SEQUENCE.sub("", text)).expandtabs(8)
    return _cut(text, limit)


def safe(text: str, *, limit: int = MAX_CHARS) -> str:
    """The same of what is text already, whatever JSON or a file's name made of it."""
    return plain(text.encode("utf-8", "surrogatepass"), limit=limit)


def clean(raw: bytes, *, limit: int = MAX_CHARS) -> list[Span]:
    """*raw* (one line) as spans of safe text and style, adjacent equal styles merged.

    Each line starts plain: a colour left open in an earlier line is not known when lines are
    read at random. Joined, the texts equal `plain(raw)`. An empty line is an empty list.
    """
    text = _decode(raw)
    if text.isprintable():
        return [Span(_cut(text, limit), PLAIN)] if text else []
    spans: list[Span] = []
    column = 0
    for piece, style in _pieces(text):
        part = _scrub(piece)
        if "\t" in part:
            part = (" " * (column % 8) + part).expandtabs(8)[column % 8 :]
        if not part:
            continue
        if spans and spans[-1].style == style:
            spans[-1] = Span(spans[-1].text + part, style)
        else:
            spans.append(Span(part, style))
        column += len(part)
    return spans if column <= limit else _cut_spans(spans, limit, column)


def _cut_spans(spans: list[Span], limit: int, total: int) -> list[Span]:
    kept: list[Span] = []
    room = limit
    for text, style in spans:
        if room <= 0:
            break
        kept.append(Span(text[:room], style))
        room -= len(text)
    kept.append(Span(f" [+{total - limit:,} characters]", PLAIN))
    return kept


def _pieces(text: str) -> Iterator[tuple[str, Sgr]]:
    """Text between sequences, each with the style in force; sequences themselves are gone."""
    style, position = PLAIN, 0
    for match in _SEQUENCE.finditer(text):
        if match.start() > position:
            yield text[position : match.start()], style
        position = match.end()
        if match["final"] == "m" and not match["inter"]:
            style = _sgr(style, match["params"])
    if position < len(text):
        yield text[position:], style


_FLAGS: dict[int, dict[str, bool]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
}


def _sgr(style: Sgr, params: str) -> Sgr:
    """*style* after one SGR sequence; private forms (`>4;2m`) and nonsense leave it as it is."""
    if not params:
        return PLAIN
    if params[0] in "<=>?" or len(params) > 256:
        return style
    groups = params.split(";")
    position = 0
    while position < len(groups):
        group = groups[position]
        position += 1
        sub = group.split(":")
        code = int(sub[0]) if sub[0].isdecimal() else 0
        if code == 0:
            style = PLAIN if not group.strip("0") else style
        elif code == 4 and len(sub) > 1:
            style = style._replace(underline=sub[1] != "0")
        elif flags := _FLAGS.get(code):
            style = style._replace(**flags)
        elif code in (38, 48):
            if len(sub) > 1:
                colour = _extended([part for part in sub[1:] if part])
            else:
                wanted = 4 if groups[position : position + 1] == ["2"] else 2
                colour = _extended(groups[position : position + wanted])
                position += wanted
            if colour is not None:
                style = style._replace(fg=colour) if code == 38 else style._replace(bg=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = style._replace(fg=code - 30 if code < 40 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = style._replace(bg=code - 40 if code < 50 else code - 92)
        elif code == 39:
            style = style._replace(fg=None)
        elif code == 49:
            style = style._replace(bg=None)
    return style


def _extended(parts: list[str]) -> Colour:
    """The colour of `5;n` or `2;r;g;b` (T.416 puts a colour space before r: the last three)."""
    if not all(part.isdecimal() and len(part) <= 3 for part in parts):
        return None
    values = [min(int(part), 255) for part in parts]
    if len(values) == 2 and values[0] == 5:
        return values[1]
    if len(values) >= 4 and values[0] == 2:
        return (values[-3], values[-2], values[-1])
    return None
