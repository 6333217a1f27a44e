"""Finding lines in a log without holding it: patterns over the text of a block.

The log pane and `mltui logs --grep` test blocks with a `Pattern` through a `Sieve`. A regular
expression is searched by the plain text that every match must have (`logs.literals`), and confirmed
on the line alone. Also what counts as an error line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from mltui.logs.lines import Lines
from mltui.logs.literals import literals_of, looks_around
from mltui.logs.sanitize import uncoloured
from mltui.logs.scan import Scan, scan_for

_MANY_BLOCKS = 32
"""Fewer are searched in no time."""

_MANY = 4
_RARE = (b"]", b'"')


class PatternError(ValueError):
    """A search pattern that can't be used; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is searched for."""

    source: str
    regex: re.Pattern[bytes]
    literals: tuple[tuple[bytes, ...], ...] = ()
    """Of each of these sets every line that matches has a string, in lower case if *ignore_case*.

    The text itself tells which set is the rarest. None: nothing is known.
    """
    ignore_case: bool = False
    is_exact: bool = False
    """A line with one of the first set matches; nothing needs to be confirmed."""
    looks_around: bool = False
    """It asks what is beside a match, or begins or ends a text: each line is asked by itself."""
    begins: re.Pattern[bytes] | None = None
    """A line that begins so matches too; it has none of the literals."""
    initials: frozenset[bytes] = frozenset()
    """The bytes that such a line begins with."""

    def rarest(self, data: bytes) -> tuple[bytes, ...]:
        """The set of literals that is least often in text like *data*; empty if none is known."""
        if len(self.literals) < 2:
            return self.literals[0] if self.literals else ()
        text = data.lower() if self.ignore_case else data
        return min(self.literals, key=lambda each: sum(map(text.count, each)))

    def lines_in(
        self, data: bytes, first: int, stop: int, literals: tuple[bytes, ...] | None = None
    ) -> list[int]:
        """Where the lines begin that match, of those in `data[first:stop]`."""
        if literals is None:
            literals = self.rarest(data)
        if literals:
            having = self._by_literals(data, first, stop, literals)
            begun = self._by_beginning(data, first, stop)
            return sorted({*having, *begun}) if begun else having
        if self.looks_around:
            return self._by_line(data, first, stop)
        found: list[int] = []
        regex, at = self.regex, first
        while at <= stop:
            match = regex.search(data, at, stop)
            if match is None:
                break
            at = match.start()
            start = max(data.rfind(b"\n", first, at) + 1, first)
            end = data.find(b"\n", at, stop)
            if end < 0:
                end = stop
            # a match may run over its line's end (`\s`, `[^x]`): then the line alone decides
            if match.end() <= end or regex.search(data[start:end]):
                found.append(start)
            at = end + 1
        return found

    def _by_literals(
        self, data: bytes, first: int, stop: int, literals: tuple[bytes, ...]
    ) -> list[int]:
        text = data.lower() if self.ignore_case else data
        find, search = text.find, None if self.is_exact else self.regex.search
        if len(literals) > _MANY:  # a byte that is nowhere is soon known
            absent = [each for each in _RARE if each not in text]
            literals = tuple(x for x in literals if not any(each in x for each in absent))
        places = [(find(literal, first, stop), literal) for literal in literals]
        places = [place for place in places if place[0] >= 0]
        found: list[int] = []
        while places:
            at, literal = min(places)
            start = max(text.rfind(b"\n", first, at) + 1, first)
            end = find(b"\n", at, stop)
            if end < 0:
                end = stop
            if search is None or search(data[start:end]):
                found.append(start)
            if len(places) == 1:  # most patterns have one
                at = find(literal, end, stop)
                places = [(at, literal)] if at >= 0 else []
                continue
            places = [
                (place, literal)
                for known, literal in places
                if (place := known if known >= end else find(literal, end, stop)) >= 0
            ]
        return found

    def _by_beginning(self, data: bytes, first: int, stop: int) -> list[int]:
        found: list[int] = []
        if self.begins is None:
            return found
        match, initials, at = self.begins.match, self.initials, first
        lines = data[first:stop].split(b"\n")  # a fourth of what finding `\nE` takes
        if initials.isdisjoint({line[:1] for line in lines}):
            return found
        for line in lines:
            if line[:1] in initials and match(line):
                found.append(at)
            at += len(line) + 1
        return found

    def _by_line(self, data: bytes, first: int, stop: int) -> list[int]:
        found: list[int] = []
        at = first
        for line in data[first:stop].split(b"\n"):
            if self.regex.search(line):
                found.append(at)
            at += len(line) + 1
        return found

    def matches(self, line: bytes) -> bool:
        """Whether one line matches, whatever its colours."""
        line = uncoloured(line)
        if self.regex.search(line) is not None:
            return True
        return self.begins is not None and self.begins.match(line) is not None


def matching(lines: Lines, pattern: Pattern) -> Callable[[int], Sequence[int]]:
    """The test of a `Sieve`: positions of the lines of a block that match."""
    return _Matching(lines, pattern).test


class _Matching:
    """One pattern on one log; a megabyte with none of its strings is not looked at in blocks."""

    def __init__(self, lines: Lines, pattern: Pattern) -> None:
        self._lines, self._pattern = lines, pattern
        self._literals: tuple[bytes, ...] | None = None
        self._scan: Scan | None = None
        self._generation = -1
        self._first = self._stop = 0
        """The blocks that were scanned last."""
        self._is_ruled_out = False

    def test(self, block: int) -> Sequence[int]:
        if self._rules_out(block):
            return ()
        lines, pattern = self._lines, self._pattern
        text = lines.text(block).as_read()
        if self._literals is None and text.data:
            self._begin(text.data)
        found: list[int] = []
        # what a line begins with is searched with the newline before it
        if text.first <= text.stop and (self._scan is None or self._scan(b"\n" + text.data)):
            places = pattern.lines_in(text.data, text.first, text.stop, self._literals)
            found = [text.position(at) for at in places]
        if text.long is not None and any(map(pattern.matches, lines.pieces(text.long))):
            found.append(text.long)
        return found

    def _begin(self, data: bytes) -> None:
        pattern = self._pattern
        self._literals = pattern.rarest(data)
        if self._literals and self._lines.block_count >= _MANY_BLOCKS:
            strings = (*self._literals, *(b"\n" + each for each in pattern.initials))
            self._scan = scan_for(strings, ignore_case=pattern.ignore_case)

    def _rules_out(self, block: int) -> bool:
        """Whether none of its lines can match, as far as that is told by a look at many blocks."""
        if self._scan is None:
            return False
        lines, pattern = self._lines, self._pattern
        if lines.generation != self._generation or not self._first <= block < self._stop:
            self._generation = lines.generation
            data, self._first, self._stop = lines.stretch(block)
            is_plain = self._first < self._stop and b"\x1b" not in data
            if pattern.begins is not None and b"\r" in data:
                is_plain = False  # of a progress bar, what begins a line is anywhere
            self._is_ruled_out = is_plain and not self._scan(data)
        return self._is_ruled_out and block < self._stop


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
    has_letters = any(each.lower() != each.upper() for strings in literals for each in strings)
    around = looks_around(inner, flags)
    return Pattern(source, regex, literals, ignore_case and has_letters, is_exact, around)


def _without_escapes(source: str) -> str:
    return re.sub(r"\\.", "", source, flags=re.DOTALL)


def _in_bytes(source: str) -> bytes:
    """The pattern over UTF-8: a character of several bytes becomes a group, so `é+` repeats it.

    A byte that is no UTF-8, as the shell hands it over, is that byte.
    """
    if source.isascii():
        return source.encode()
    parts: list[bytes] = []
    in_class = escaped = False
    for char in source:
        if not char.isascii():
            if in_class:
                raise PatternError(f"{char!r} can't stand inside […]; write ({char}|…) instead")
            parts.append(b"(?:" + char.encode("utf-8", "surrogateescape") + b")")
        else:
            parts.append(char.encode())
            if not escaped and char in "[]":
                in_class = char == "["
        escaped = char == "\\" and not escaped
    return b"".join(parts)


_ERROR = rb"""
    \b(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE)\b
  | (?<![\w.=-])ERR(?=[\s\]!|])                           # zerolog, Serilog, npm
  | \[(?:[\w-]+:)?(?:(?:error|critical|fatal|panic)\s*|crit|alert|emerg)\]  # structlog, nginx
  | "level":[56]0\b                                             # pino, bunyan
  | \bHTTP/[\d.]+"\ 5\d\d\b                                      # an access log
  | \bTraceback\ \(most\ recent\ call\ last\)
  | \b[A-Z]\w*(?:Error|Exception)\b(?=:|\ in\ |\ at\ |\(|\s*$)
  | ^(?:\x1b\[[0-9;]*m|\s)*(?:error|Error|fatal|panic|fatal\ error)(?:\[\w+\])?:
  | ^Error\ in\ 
  | \blevel=(?:error|fatal|critical|panic)\b
  | "(?:level|severity|levelname)"\s*:\s*"(?:error|fatal|critical|panic)"
  | "(?:level|severity|levelname)"\s*:\s*"(?:ERROR|FATAL|CRITICAL|PANIC|Error|Critical)"
  | \b(?:Segmentation\ fault|OOMKilled|Out\ of\ memory|panicked\ at)
  | ^Killed\s*$
"""
LETTER = rb"(?:\[rank\d+\]:\s?)?\[?%s(?=(?:\d{4}){1,2}\ \d\d:|\ \S+:\d+\])"
"""How lines of glog, klog and PyTorch begin: `E1125 14:02:03`, `[rank0]:[W1125 14:02:03`."""
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
    (
        tuple(
            b"ERR,rror,xception,FATAL,fatal,CRITICAL,ritical,PANIC,panic,SEVERE,Traceback"
            b",Segmentation fault,Out of memory,Killed,crit],alert],emerg]"
            b',level":5,level":6," 5'.split(b",")
        ),
    ),
    begins=re.compile(LETTER % rb"[EF]"),
    initials=frozenset((b"E", b"F", b"[")),
)
"""What `level` calls an error, as a pattern to search with."""

_HINTS = re.compile(
    rb"err|xception|fatal|critical|panic|severe|traceback|segmentation fault|out of memory"
    rb"|killed|crit\]|alert\]|emerg\]|level\":[56]|\" 5|warn"
)
"""In lower case, a line that is bad has one of these."""

_WARN_LINES = re.compile(_WARN, re.VERBOSE | re.MULTILINE)


def level(line: bytes) -> Literal["error", "warning"] | None:
    """How bad *line* is by its own words, or None. `0 errors` and `error=0` are not bad."""
    line = uncoloured(line)
    if line[:1] not in ERROR_LINES.initials and _HINTS.search(line.lower()) is None:
        return None  # a tenth of what looking closer takes
    if ERROR_LINES.matches(line):
        return "error"
    return "warning" if _WARN_LINES.search(line) else None
