"""Finding lines in a log without holding it: patterns over the text of a block.

The log pane and `mltui logs --grep` test blocks with a `Pattern` through a `Sieve`. A regular
expression is searched by the plain text that every match must have (`logs.literals`), and confirmed
on the line alone. Also what counts as an error line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mltui.logs.lines import Lines, Text
from mltui.logs.literals import literals_of


class PatternError(ValueError):
    """A search pattern that can't be used; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is searched for."""

    source: str
    regex: re.Pattern[bytes]
    literals: tuple[bytes, ...] = ()
    """Every line that matches has one of these (in lower case if *ignore_case*); empty: unknown."""
    ignore_case: bool = False
    is_exact: bool = False
    """A line with one of the literals matches; nothing needs to be confirmed."""

    def lines_in(self, data: bytes) -> list[int]:
        """Where in *data* the lines begin that match."""
        if self.literals:
            return self._by_literals(data)
        found: list[int] = []
        regex, at = self.regex, 0
        size = len(data)
        while at <= size:
            match = regex.search(data, at)
            if match is None:
                break
            at = match.start()
            start = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            if end < 0:
                end = size
            # a match may run over its line's end (`\s`, `[^x]`): then the line alone decides
            if match.end() <= end or regex.search(data[start:end]):
                found.append(start)
            at = end + 1
        return found

    def _by_literals(self, data: bytes) -> list[int]:
        text = data.lower() if self.ignore_case else data
        if len(self.literals) > 1:
            return self._by_several(data, text)
        literal, search = self.literals[0], None if self.is_exact else self.regex.search
        found: list[int] = []
        find, at = text.find, text.find(literal)
        while at >= 0:
            start = text.rfind(b"\n", 0, at) + 1
            end = find(b"\n", at)
            if end < 0:
                end = len(text)
            if search is None or search(data[start:end]):
                found.append(start)
            at = find(literal, end)
        return found

    def _by_several(self, data: bytes, text: bytes) -> list[int]:
        search = None if self.is_exact else self.regex.search
        found: list[int] = []
        size = len(text)
        places = [(at, literal) for literal in self.literals if (at := text.find(literal)) >= 0]
        while places:
            at = min(places)[0]
            start = text.rfind(b"\n", 0, at) + 1
            end = text.find(b"\n", at)
            if end < 0:
                end = size
            if search is None or search(data[start:end]):
                found.append(start)
            places = [
                (place, literal)
                for place, literal in (
                    (known if known >= end else text.find(literal, end), literal)
                    for known, literal in places
                )
                if place >= 0
            ]
        return found

    def matches(self, line: bytes) -> bool:
        """Whether one line matches."""
        return self.regex.search(line) is not None


def matching(lines: Lines, pattern: Pattern) -> Callable[[int], list[int]]:
    """The test of a `Sieve`: positions of the lines of a block that match."""

    def test(block: int) -> list[int]:
        text = lines.text(block)
        found = positions_in(text, pattern)
        if text.long is not None and any(map(pattern.matches, lines.pieces(text.long))):
            found.append(text.long)
        return found

    return test


def positions_in(text: Text, pattern: Pattern) -> list[int]:
    """Positions of the lines that match, but for one that is too long to be in the text."""
    if text.is_empty:
        return []
    return [text.position(at) for at in pattern.lines_in(text.data)]


def compile_pattern(source: str, *, ignore_case: bool | None = None) -> Pattern:
    """Make *source* (a regular expression) ready to search with.

    *ignore_case* None is smart case: only a pattern without capitals ignores it (ASCII letters).
    Raises PatternError with where it is wrong, and how plain text would be written.
    """
    if ignore_case is None:
        ignore_case = not any(char.isupper() for char in _without_escapes(source))
    flags = re.MULTILINE | (re.IGNORECASE if ignore_case else 0)
    try:
        inner = _in_bytes(source)
        regex = re.compile(inner, flags)
    except (re.error, OverflowError, RecursionError) as error:
        reason = "too large"
        if isinstance(error, re.error):
            reason = error.msg if error.pos is None else f"{error.msg} at byte {error.pos + 1}"
        raise PatternError(
            f"{source!r} is not a regular expression: {reason}; as plain text: {re.escape(source)}"
        ) from None
    literals, is_exact = literals_of(inner, flags)
    has_letters = any(each.lower() != each.upper() for each in literals)
    return Pattern(source, regex, literals, ignore_case and has_letters, is_exact)


def _without_escapes(source: str) -> str:
    return re.sub(r"\\.", "", source, flags=re.DOTALL)


def _in_bytes(source: str) -> bytes:
    """The pattern over UTF-8: a character of several bytes becomes a group, so `é+` repeats it."""
    if source.isascii():
        return source.encode()
    parts: list[bytes] = []
    in_class = escaped = False
    for char in source:
        if not char.isascii():
            if in_class:
                raise PatternError(f"{char!r} can't stand inside […]; write ({char}|…) instead")
            parts.append(b"(?:" + char.encode() + b")")
        else:
            parts.append(char.encode())
            if not escaped and char in "[]":
                in_class = char == "["
        escaped = char == "\\" and not escaped
    return b"".join(parts)


_ERROR = rb"""
    \b(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE)\b
  | \bTraceback\ \(most\ recent\ call\ last\)
  | \b[A-Z]\w*(?:Error|Exception)\b(?=:|\ in\ |\ at\ |\(|\s*$)
  | ^(?:\x1b\[[0-9;]*m|\s)*(?:error|Error|fatal|panic|fatal\ error)(?:\[\w+\])?:
  | ^Error\ in\ 
  | \blevel=(?:error|fatal|critical|panic)\b
  | "(?:level|severity|levelname)"\s*:\s*"(?:error|fatal|critical|panic)"
  | "(?:level|severity|levelname)"\s*:\s*"(?:ERROR|FATAL|CRITICAL|PANIC|Error|Critical)"
  | \b(?:Segmentation\ fault|OOMKilled|Out\ of\ memory|panicked\ at)
"""
_WARN = rb"""
    \bWARN(?:ING)?\b
  | \b[A-Z]\w*Warning:
  | ^(?:\x1b\[[0-9;]*m|\s)*[Ww]arning:
  | \blevel=warn(?:ing)?\b
  | "(?:level|severity|levelname)"\s*:\s*"(?i:warn|warning)"
"""

ERROR_LINES = Pattern(
    "error",
    re.compile(_ERROR, re.VERBOSE | re.MULTILINE),
    tuple(
        b"RROR,rror,xception,FATAL,fatal,CRITICAL,ritical,PANIC,panic,SEVERE,Traceback"
        b",Segmentation fault,OOMKilled,Out of memory".split(b",")
    ),
)
"""What `level` calls an error, as a pattern to search with."""

_WARN_LINES = re.compile(_WARN, re.VERBOSE | re.MULTILINE)


def level(line: bytes) -> Literal["error", "warning"] | None:
    """How bad *line* is by its own words, or None. `0 errors` and `error=0` are not bad."""
    if ERROR_LINES.regex.search(line):
        return "error"
    return "warning" if _WARN_LINES.search(line) else None
