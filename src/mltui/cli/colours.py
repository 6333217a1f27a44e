"""Safe text with the colours that a log asked for, as a terminal takes them. For `mltui logs`.

Also what of a line stands out, and a colour for each of several logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mltui.logs.sanitize import PLAIN, Colour, Sgr, Span, clean
from mltui.logs.search import Pattern

_SOURCES = ("36", "32", "33", "35", "34", "96", "92", "93", "95", "94")
"""Of several logs, in turn. Red is left to what is wrong."""


def painted(raw: bytes, highlights: Sequence[Pattern] = ()) -> str:
    """One line, made safe, with its colours written anew; nothing of it outlasts the line.

    What matches one of *highlights* is shown in reverse.
    """
    spans: Sequence[Span] = clean(raw)
    if highlights and (places := _places("".join(span.text for span in spans), highlights)):
        spans = list(_lit(spans, places))
    parts = []
    for words, style in spans:
        parts.append(words if style == PLAIN else f"\x1b[{codes(style)}m{words}\x1b[0m")
    return "".join(parts)


def source_painted(label: str, number: int) -> str:
    """The name of one of several logs in its colour."""
    return f"\x1b[{_SOURCES[number % len(_SOURCES)]}m{label}\x1b[0m"


def _places(text: str, highlights: Sequence[Pattern]) -> list[tuple[int, int]]:
    """First and past the last of the characters that match, in order and apart."""
    data = text.encode("utf-8", "replace")
    found = sorted(
        match.span()
        for each in highlights
        for match in each.regex.finditer(data)
        if match.end() > match.start()
    )
    places: list[tuple[int, int]] = []
    for span in found:
        first, last = (len(data[:at].decode("utf-8", "ignore")) for at in span)
        if places and first <= places[-1][1]:
            places[-1] = places[-1][0], max(last, places[-1][1])
        else:
            places.append((first, last))
    return places


def _lit(spans: Sequence[Span], places: Sequence[tuple[int, int]]) -> Iterator[Span]:
    at = 0
    for span in spans:
        place, end = at, at + len(span.text)
        for first, last in places:
            first, last = max(first, place), min(last, end)
            if first < last:
                yield Span(span.text[place - at : first - at], span.style)
                lit = span.style._replace(reverse=not span.style.reverse)
                yield Span(span.text[first - at : last - at], lit)
                place = last
        yield Span(span.text[place - at :], span.style)
        at = end


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
