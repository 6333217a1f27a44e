"""How many terminal cells a text takes, and making it fit.

Names differ at their ends (`translate-en-es`, `translate-en-fr`), so they are shortened in the
middle; sentences are shortened at the end. The grid, the log pane and the CLI's tables call this.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all the rest of this package
    from typing import Literal

    Align = Literal["left", "right"]

ELLIPSIS = "…"


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cell_width(text: str) -> int:
    """Terminal cells of *text*: 2 for wide East Asian characters, 0 for combining marks."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def printable(text: str) -> str:
    """*text* with what can't be shown, or kept as UTF-8, written as escapes: `\\x1b`, `\\ud800`."""
    if text.isprintable():
        return text
    return "".join(x if x.isprintable() else x.encode("unicode_escape").decode() for x in text)


def _take(chars: str, cells: int, measure: Callable[[str], int]) -> int:
    """How many characters of *chars* fit in *cells*."""
    used = 0
    for count, char in enumerate(chars):
        used += measure(char)
        if used > cells:
            return count
    return len(chars)


def shorten_middle(
    text: str, width: int, *, ellipsis: str = ELLIPSIS, measure: Callable[[str], int] = cell_width
) -> str:
    """*text* in at most *width* cells, its middle replaced: `translate…en-es`.

    The end gets the odd cell, as the end tells generated names apart.
    """
    if measure(text) <= width:
        return text
    room = width - measure(ellipsis)
    if room <= 0:
        return text[: _take(text, max(width, 0), measure)]
    front = _take(text, room // 2, measure)
    back = _take(text[::-1], room - measure(text[:front]), measure)
    return text[:front] + ellipsis + text[len(text) - back :]


def shorten_end(
    text: str, width: int, *, ellipsis: str = ELLIPSIS, measure: Callable[[str], int] = cell_width
) -> str:
    """*text* in at most *width* cells, its end replaced by an ellipsis."""
    if measure(text) <= width:
        return text
    room = width - measure(ellipsis)
    if room <= 0:
        return text[: _take(text, max(width, 0), measure)]
    return text[: _take(text, room, measure)] + ellipsis


def fit(
    text: str,
    width: int,
    *,
    align: Align = "left",
    shorten: Literal["middle", "end"] = "middle",
    ellipsis: str = ELLIPSIS,
    measure: Callable[[str], int] = cell_width,
) -> str:
    """*text* in exactly *width* cells: shortened if too long, else padded on the other side."""
    length = measure(text)
    if length > width:
        cut = shorten_middle if shorten == "middle" else shorten_end
        text = cut(text, width, ellipsis=ellipsis, measure=measure)
        length = measure(text)
    padding = " " * (width - length)
    return padding + text if align == "right" else text + padding
