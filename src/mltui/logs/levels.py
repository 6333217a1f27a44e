"""How bad a line is by its own words, from a trace to what is fatal.

Filters and `mltui logs --level` ask. A line that doesn't say (a frame of a traceback, the second
line of a message) is as bad as the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from mltui.logs.sanitize import uncoloured
from mltui.logs.search import LETTER
from mltui.logs.search import level as judged

_HEAD_BYTES = 256


class Level(IntEnum):
    """Ordered: each is worse than the ones before it."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    FATAL = 5


_NAMES = {
    "trace": Level.TRACE,
    "trc": Level.TRACE,
    "debug": Level.DEBUG,
    "dbg": Level.DEBUG,
    "info": Level.INFO,
    "inf": Level.INFO,
    "information": Level.INFO,
    "notice": Level.INFO,
    "success": Level.INFO,
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "wrn": Level.WARNING,
    "err": Level.ERROR,
    "error": Level.ERROR,
    "severe": Level.ERROR,
    "crit": Level.FATAL,
    "critical": Level.FATAL,
    "fatal": Level.FATAL,
    "ftl": Level.FATAL,
    "panic": Level.FATAL,
    "emerg": Level.FATAL,
    "alert": Level.FATAL,
}
NAMES = ("trace", "debug", "info", "warning", "error", "fatal")
"""What a person writes for each level."""

_WORD = re.compile(
    rb"""
      "(?:level|severity|levelname|lvl|log\.level)"\s*:\s*(?:"(?P<json>\w+)"|(?P<number>\d\d)\b)
    | (?:^|\s)(?:level|lvl|severity)=\"?(?P<logfmt>\w+)
    | (?<![\w.=-])(?P<word>TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARN(?:ING)?|ERROR|SEVERE|CRITICAL|FATAL
          |PANIC|TRC|DBG|INF|WRN|ERR|FTL)(?![\w.=-])
    | (?:^|[\s\[|(])(?P<low>trace|debug|info|notice|warn(?:ing)?|error|critical|fatal|panic)[\]:)|]
    | \[(?:[\w-]+:)?(?P<boxed>trace|debug|info|notice|warn(?:ing)?|error|crit(?:ical)?|alert|emerg
          |fatal|panic)\s*\]
    | ^"""
    + LETTER % rb"(?P<letter>[IWEF])"
    + rb"""
    | ^\d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d\.\d+:\ (?P<after>[IWEF])\ \S
    | \bHTTP/[\d.]+"\ (?P<status>[1-5]\d\d)\b
    """,
    re.VERBOSE,
)
_HINTS = re.compile(
    rb"lvl|level|severity|trac|trc|debug|dbg|inf|notice|success|wrn|warn|err|severe|crit|fatal|ftl"
    rb"|panic|alert|emerg|http/"
)
"""In lower case, a line that names its level has one of these, or begins with a letter for it."""
_BEGUN = frozenset((b"I", b"W", b"E", b"F", b"["))

_LETTERS = {
    b"I": Level.INFO,
    b"W": Level.WARNING,
    b"E": Level.ERROR,
    b"F": Level.FATAL,
}
_STATUS = {b"5": Level.ERROR, b"4": Level.WARNING}
"""Of an answer, in an access log."""


def level_of(line: bytes) -> Level | None:
    """The level that *line* names or shows; None if it says nothing of it."""
    line = uncoloured(line)
    match = _WORD.search(line, 0, _HEAD_BYTES) if _may_name(line[:_HEAD_BYTES]) else None
    if match is not None:
        kind = match.lastgroup or ""
        text = match[kind]
        if kind in ("letter", "after"):
            return _LETTERS[text]
        if kind == "status":
            return _STATUS.get(text[:1], Level.INFO)
        if kind == "number":  # pino, bunyan: 10 trace … 60 fatal
            return Level(min(max(int(text) // 10 - 1, 0), 5))
        found = _NAMES.get(text.decode("ascii", "replace").lower())
        if found is not None:
            return found
    word = judged(line)
    if word is None:
        return None
    return Level.ERROR if word == "error" else Level.WARNING


def _may_name(head: bytes) -> bool:
    """Whether to look closer: most lines of a log that names levels in few are told at once."""
    if head[:1] in _BEGUN or _HINTS.search(head.lower()) is not None:
        return True
    return head[19:20] == b"." and b": " in head[20:34]  # TensorFlow's


def level_place(line: bytes) -> tuple[int, int] | None:
    """Where in *line* its level stands, to be coloured; None if it names none."""
    match = _WORD.search(line, 0, _HEAD_BYTES)
    if match is None:
        return None
    return next((match.span(group) for group, text in match.groupdict().items() if text), None)


def levels_of(lines: Sequence[bytes], before: Level | None = None) -> list[Level | None]:
    """The levels of lines that follow each other; those that say nothing take it from above."""
    found: list[Level | None] = []
    for line in lines:
        before = level_of(line) if before is None else level_of(line) or before
        found.append(before)
    return found


def read_level(text: str) -> Level | None:
    """A level as a person writes it; None if there is no such."""
    return _NAMES.get(text.strip().lower())
