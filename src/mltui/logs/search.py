"""Finding lines in a log without holding it: `re` over chunks of bytes, a bounded step at a time.

The log pane advances a `Search` between frames and again when the file has grown; `mltui logs
--grep` runs one to its end. Also what counts as an error line, for the first-error jump.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mltui.logs.index import LogIndex

CHUNK_BYTES = 256 * 1024
"""Searched in one go, rounded to whole lines."""

_OVERLAP_BYTES = 4096  # a line longer than a chunk is searched in windows that share this much


class PatternError(ValueError):
    """A search pattern that can't be used; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is searched for.

    *literal* (lower case where *ignore_case*) replaces the regex if it is plain text; *hint* is a
    cheaper regex that matches somewhere in every line the real one matches.
    """

    source: str
    regex: re.Pattern[bytes]
    literal: bytes | None = None
    ignore_case: bool = False
    hint: re.Pattern[bytes] | None = None

    def next_candidate(self, data: bytes, position: int) -> tuple[int, int]:
        """Where the next line that may match is met, -1 if none, and up to where that is sure.

        A match that runs over its line's end (`\\s`, `[^x]`) or a hint must be confirmed on the
        line alone.
        """
        if self.literal is not None:
            return data.find(self.literal, position), 0
        match = (self.hint or self.regex).search(data, position)
        if match is None:
            return -1, 0
        return match.start(), len(data) + 1 if self.hint else match.end()


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of a search: the line numbers found in it and how many lines are searched."""

    lines: list[int]
    searched_lines: int


_META = frozenset("\\^$.|?*+()[]{}")


def compile_pattern(source: str, *, ignore_case: bool | None = None) -> Pattern:
    """Make *source* (a regular expression) ready to search with.

    *ignore_case* None is smart case: only a pattern without capitals ignores it (ASCII letters).
    Raises PatternError with where it is wrong, and how plain text would be written.
    """
    if ignore_case is None:
        ignore_case = not any(char.isupper() for char in _without_escapes(source))
    flags = re.MULTILINE | (re.IGNORECASE if ignore_case else 0)
    try:
        regex = re.compile(_in_bytes(source), flags)
    except (re.error, OverflowError, RecursionError) as error:
        reason = "too large"
        if isinstance(error, re.error):
            reason = error.msg if error.pos is None else f"{error.msg} at byte {error.pos + 1}"
        raise PatternError(
            f"{source!r} is not a regular expression: {reason}; as plain text: {re.escape(source)}"
        ) from None
    literal = None
    if source and not _META.intersection(source) and (source.isascii() or not ignore_case):
        literal = (source.lower() if ignore_case else source).encode()
    return Pattern(source, regex, literal, ignore_case)


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


class Search:
    """One pattern over one index: `found` grows as `advance` is called, and as the file does.

    A last line without newline is searched as it is and again once it has changed.
    """

    def __init__(self, index: LogIndex, pattern: Pattern) -> None:
        self.index = index
        self.pattern = pattern
        self.found = array("Q")
        """Numbers of matching lines, ascending."""
        self._restart()

    def _restart(self) -> None:
        del self.found[:]
        self._generation = self.index.generation
        self._next = 0
        self._partial = (-1, -1)  # the open last line that was searched: number, end

    @property
    def searched_lines(self) -> int:
        """Lines searched for good; an open last line is not among them."""
        return self._next

    @property
    def is_done(self) -> bool:
        """Whether everything indexed so far is searched."""
        index = self.index
        if self._generation != index.generation:
            return False
        pending = index.line_count - self._next
        if pending == 1 and index.is_open_ended:
            return self._partial == (self._next, index.scanned_bytes)
        return pending == 0

    def advance(self, limit_bytes: int = CHUNK_BYTES) -> list[int]:
        """Search about *limit_bytes* more; the matching line numbers found by that.

        When the file was started anew, so is the search.
        """
        index = self.index
        if self._generation != index.generation:
            self._restart()
        first = self._next
        count = index.line_count
        if self.is_done or first >= count:
            return []
        if self.found and self.found[-1] == self._partial[0]:
            self.found.pop()
        starts = index.starts
        last = min(max(bisect_right(starts, starts[first] + limit_bytes) - 1, first + 1), count)
        begin, end = starts[first], index.span(last - 1)[1]
        if end - begin > 2 * limit_bytes:
            lines = [first] if self._in_long_line(begin, end, limit_bytes) else []
        else:
            lines = self._in_lines(index.pread(end - begin, begin), begin, first)
        self.found.extend(lines)
        if last == count and index.is_open_ended:
            self._next, self._partial = last - 1, (last - 1, index.scanned_bytes)
        else:
            self._next, self._partial = last, (-1, -1)
        return lines

    def _in_lines(self, data: bytes, begin: int, first: int) -> list[int]:
        """Line numbers in *data*, whole lines of which the first is *first* at offset *begin*."""
        pattern, starts = self.pattern, self.index.starts
        if pattern.literal is not None and pattern.ignore_case:
            data = data.lower()
        found: list[int] = []
        position, low = 0, first
        while position <= len(data):
            position, sure = pattern.next_candidate(data, position)
            if position < 0:
                break
            low = bisect_right(starts, begin + position, low) - 1
            line_end = data.find(b"\n", position)
            if line_end < 0:
                line_end = len(data)
            if sure <= line_end or pattern.regex.search(data[starts[low] - begin : line_end]):
                found.append(low)
            position = line_end + 1
        return found

    def _in_long_line(self, begin: int, end: int, window: int) -> bool:
        for offset in range(begin, end, window):
            data = self.index.pread(min(window + _OVERLAP_BYTES, end - offset), offset)
            if self.pattern.regex.search(data):
                return True
        return False


def scan(index: LogIndex, pattern: Pattern, *, limit_bytes: int = CHUNK_BYTES) -> Iterator[Batch]:
    """Search all that is indexed, one batch a step, so that a caller can do other things between.

    Ends when everything indexed so far is searched; it doesn't refresh the index.
    """
    search = Search(index, pattern)
    while not search.is_done:
        yield Batch(search.advance(limit_bytes), search.searched_lines)


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

# Ten times as fast as the pattern itself on lines that have nothing of it.
_ERROR_HINT = (
    rb"RROR|rror|xception|FATAL|fatal|CRITICAL|critical|PANIC|panic|SEVERE|Traceback"
    rb"|Segmentation fault|OOMKilled|Out of memory"
)

ERROR_LINES = Pattern(
    "error",
    re.compile(_ERROR, re.VERBOSE | re.MULTILINE),
    hint=re.compile(_ERROR_HINT),
)
"""What `level` calls an error, as a pattern to search with."""

_WARN_LINES = re.compile(_WARN, re.VERBOSE | re.MULTILINE)


def level(line: bytes) -> Literal["error", "warning"] | None:
    """How bad *line* is by its own words, or None. `0 errors` and `error=0` are not bad."""
    if ERROR_LINES.regex.search(line):
        return "error"
    return "warning" if _WARN_LINES.search(line) else None
