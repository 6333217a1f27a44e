"""Safe text with the colours that a log asked for, as a terminal takes them. For `mltui logs`."""

from __future__ import annotations

from mltui.logs.sanitize import PLAIN, Colour, Sgr, clean


def painted(raw: bytes) -> str:
    """One line, made safe, with its colours written anew; nothing of it outlasts the line."""
    parts = []
    for words, style in clean(raw):
        parts.append(words if style == PLAIN else f"\x1b[{codes(style)}m{words}\x1b[0m")
    return "".join(parts)


def codes(style: Sgr) -> str:
    """The parameters of the SGR sequence for a style."""
    flags = (
        (style.bold, "1"),
        (style.dim, "2"),
        (style.italic, "3"),
        (style.underline, "4"),
        (style.reverse, "7"),
    )
    found = [code for is_set, code in flags if is_set]
    found += _colour(style.fg, 30) + _colour(style.bg, 40)
    return ";".join(found)


def _colour(colour: Colour, base: int) -> list[str]:
    if colour is None:
        return []
    if isinstance(colour, tuple):
        return [str(base + 8), "2", *map(str, colour)]
    if colour < 8:
        return [str(base + colour)]
    return [str(base + 52 + colour)] if colour < 16 else [str(base + 8), "5", str(colour)]
