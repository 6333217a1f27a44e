"""What a filter typed for a list means. Pure; called by the pane at every key.

A regular expression in any column, whatever the case; one that is not right (yet) is taken as it
stands. `!text` is what does not have it; `status=failed` and `status!=Running` ask one column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mltui.live.kind import Kind

_COLUMN = re.compile(r"(?P<column>[%×↻\w ]+?)\s*(?P<sign>!=|=)\s*(?P<text>.+)")


def matcher(needle: str, kind: Kind[Any]) -> Callable[[Any], bool] | None:
    """Whether a row fits; None for no filter."""
    needle = needle.strip()
    if not needle or needle == "!":
        return None
    asked = _COLUMN.fullmatch(needle)
    column = None
    if asked is not None:
        name = asked["column"].strip().lower()
        column = next((c for c in kind.columns if name in (c.key, c.title.lower())), None)
    if asked is not None and column is not None:
        found, cell, is_wanted = _pattern(asked["text"]), column.cell_of, asked["sign"] == "="
        return lambda row: (found(cell(row).text) is not None) == is_wanted
    is_not = needle.startswith("!")
    found, text = _pattern(needle[1:] if is_not else needle), kind.text or _all_columns(kind)
    if is_not:
        return lambda row: found(text(row)) is None
    return lambda row: found(text(row)) is not None


def _pattern(text: str) -> Callable[[str], re.Match[str] | None]:
    try:
        return re.compile(text, re.IGNORECASE).search
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE).search


def _all_columns(kind: Kind[Any]) -> Callable[[Any], str]:
    cells = [column.cell_of for column in kind.columns]
    return lambda row: "\n".join([cell(row).text for cell in cells])
