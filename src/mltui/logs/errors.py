"""The line of a log that says why it failed, whatever language wrote it.

A failed stage shows its cause without a key; triage, the pipeline screen and `mltui` on a failure
call these on the last lines. Reading backwards keeps it cheap for a log of any size.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from mltui.logs.sanitize import plain, safe

TAIL_BYTES = 64 * 1024
"""How much of a file's end is looked at."""

_MAX_CHARS = 400

_TRACEBACK = re.compile(r"^\W*Traceback \(most recent call last\)")
_GROUP_PREFIX = re.compile(r"^[ |+]*\|\s|^[ +-]*\+-*\s")  # of Python's exception groups
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?::\s.*|:?$)")
_NAMED = re.compile(
    r"^(?:[A-Za-z_$][\w$]*[.:/])*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Fault)\b(?::|\s*$|\s\()"
)
# A cause by itself, in order of no importance: the last one in the log is taken.
_SPECIFIC = re.compile(
    r"""
      ^panic:\s | ^fatal\ error:\s                                # Go
    | ^Caused\ by:\s | ^Exception\ in\ thread\                    # Java, Scala, Kotlin
    | ^thread\ '.*'\ (?:\(\d+\)\ )?panicked\ at\                  # Rust
    | ^Error\ in\ .*:\s*$ | ^Error\ in\ .*\ :\                    # R
    | ^terminate\ called\ after\ throwing | ^\s+what\(\):\s       # C++
    | ^ERROR:\ LoadError                                          # Julia
    | ^Uncaught\s | ^PHP\ Fatal\ error                             # JavaScript, PHP
    | ^Unhandled\ exception[.:]\s | ^\*\*\ \(\w                    # .NET, Elixir
    | ^\S+\.rb:\d+:in\ .*\ \([\w:]+\)$                           # Ruby
    """,
    re.VERBOSE,
)
_GENERAL = re.compile(
    r"""
      (?:^|[\s\]|])(?:ERROR|Error|error|FATAL|Fatal|fatal|CRITICAL)(?:\[\w+\])?\b\s*[:\]|\-]\s*\S
    | \b(?:ERROR|FATAL|CRITICAL|SEVERE)\s+\S
    | \[(?:emerg|alert|crit|error|fatal)\]\s                       # nginx, httpd
    | \blevel=(?:error|fatal|critical|panic)\s
    | :\ (?:not\ found|command\ not\ found|Permission\ denied|No\ such\ file\ or\ directory
        |unbound\ variable|parameter\ not\ set|bad\ interpreter|Read-only\ file\ system
        |Too\ many\ open\ files|Resource\ temporarily\ unavailable|Connection\ refused
        |Operation\ not\ permitted|Disk\ quota\ exceeded|syntax\ error)\b
    | ^Can't\ locate\ \S+\ in\ @INC                                 # Perl
    | \bversion\ `\S+'\ not\ found                                 # a library that is too old
    | ^\S.*\ at\ \S+\ line\ \d+\.$                                # Perl
    | \bexec\ format\ error\b
    | ^(?:Killed|Segmentation\ fault|Bus\ error|Aborted|Illegal\ instruction)\b
    | \b(?:Out\ of\ memory|out\ of\ memory|No\ space\ left\ on\ device)\b
    | \b(?:[Aa]ddress|[Pp]ort\ \d+)\ (?:is|was)?\ ?already\ in\ use\b
    """,
    re.VERBOSE,
)
_LEVELS = ("error", "fatal", "critical", "panic", "emerg", "alert", "50", "60")
_CAUSED = "The above exception was the direct cause of the following exception:"
_PASSED_ON = re.compile(r"^[\w.]*(?:ChildFailedError|CalledProcessError)\b")
"""Of a child process, which has said itself what went wrong."""
_USAGE = re.compile(r"^[Uu]sage(?::| of )")
_NPM = re.compile(r"^npm (?:ERR!|error)\s+(?!code |errno |syscall )\S")
"""The first of its lines tells most."""
_LISTED = re.compile(r": \d+ validation errors? for \w+$")
"""Pydantic's: what is wrong stands in the next two lines."""
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d{1,9})\b')
_ELSEWHERE = ("site-packages", "dist-packages", "/lib/python", "<frozen", "<string>")
_WORK = re.compile(r"^(/mltui/work/|.*/\.mltui/work/\d+/[^/]+/)")
_WRAPPER = re.compile(r"^(?:make(?:\[\d+\])?: \*\*\*|Execution halted|npm ERR!|error: Recipe)")


def last_lines(path: Path, count: int, *, limit_bytes: int = TAIL_BYTES) -> list[bytes]:
    """The last *count* lines of the file, at most *limit_bytes* of it; none if there is no file.

    A first line that the limit cuts is left out unless it is the only one.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - limit_bytes, 0))
            data = file.read(limit_bytes)
    except FileNotFoundError:
        return []
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if size > limit_bytes and len(lines) > 1:
        del lines[0]
    return lines[-count:] if count > 0 else []


def exception_of(tail: bytes) -> str | None:
    """The line among the last of a log that names the failure, as safe text; None if none does.

    An exception with its type beats a line that merely says error; among equals the last wins.
    """
    lines = [_told(plain(line).rstrip()) for line in tail.split(b"\n")]
    found = _raised(lines)
    if found is not None:
        return _with_origin(lines, found)
    found = _last(lines, _SPECIFIC)
    if found is None:
        found = _last(lines, _NAMED)
    if found is None:
        found = _last([("" if _WRAPPER.match(line) else line) for line in lines], _GENERAL)
    if found is None:
        found = _before_usage(lines)
    if found is None:
        found = next((n for n, line in enumerate(lines) if _NPM.match(line)), None)
    return None if found is None else _joined(lines, found)


def _before_usage(lines: list[str]) -> int | None:
    """What stands before the text that tells how a program is to be called."""
    usage = _last(lines, _USAGE)
    before = range(usage - 1, -1, -1) if usage is not None else ()
    return next((n for n in before if lines[n].strip()), None)


def _told(line: str) -> str:
    """What a line of JSON tells, if it is of an error: `error: cannot reach it: no such host`."""
    if not (line.startswith("{") and line.endswith("}")):
        return line
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(found, dict):
        return line
    level = str(found.get("level") or found.get("severity") or found.get("lvl") or "").lower()
    if level not in _LEVELS:
        return line
    said = [found.get(name) for name in ("msg", "message", "event", "error", "err", "exception")]
    words = [text.strip() for text in said if isinstance(text, str) and text.strip()]
    return "error: " + ": ".join(dict.fromkeys(safe(x) for x in words)) if words else line


def _with_origin(lines: list[str], number: int) -> str:
    """The exception, and the one that it was raised from."""
    found = _joined(lines, number)
    start = next((n for n in range(number, -1, -1) if _TRACEBACK.match(lines[n])), 0)
    before = [text for text in lines[:start] if text.strip()]
    if _PASSED_ON.match(found):
        child = _raised(before)
        child = _last(before, _SPECIFIC) if child is None else child
        return found if child is None else _joined(before, child)
    if not before or before[-1].strip() != _CAUSED:
        return found
    origin = _raised(before)
    if origin is None:
        return found
    cause = _joined(before, origin)
    text = f"{found} (because of {cause})"
    return text if cause != found and len(text) <= _MAX_CHARS else found


def _raised(lines: list[str]) -> int | None:
    """The line that ends the last Python traceback: the first one not indented after it."""
    for start in range(len(lines) - 1, -1, -1):
        if not _TRACEBACK.match(lines[start]):
            continue
        margin = len(lines[start]) - len(lines[start].lstrip(" |+-"))
        for number in range(start + 1, len(lines)):
            line = lines[number][margin:] if margin else lines[number]
            if line and not line[0].isspace() and _RAISED.match(line):
                return number
        return None
    return None


def _last(lines: list[str], pattern: re.Pattern[str]) -> int | None:
    return next((n for n in range(len(lines) - 1, -1, -1) if pattern.search(lines[n])), None)


def _joined(lines: list[str], number: int) -> str:
    """The line, with the next one where its message is only there (R, Rust, C++)."""
    line = _GROUP_PREFIX.sub("", lines[number]).strip()
    following = lines[number + 1].strip() if number + 1 < len(lines) else ""
    ends_open = line.startswith(("Error in ", "thread '")) and line.endswith(":")
    if _LISTED.search(line):
        line = ": ".join((line, *(text.strip() for text in lines[number + 1 : number + 3])))
    elif following and (ends_open or following.startswith("what():")):
        line = f"{line} {following}"
    elif line.startswith("what():") and number > 0:
        line = f"{lines[number - 1].strip()} {line}"
    return line if len(line) <= _MAX_CHARS else line[:_MAX_CHARS] + "…"


def frame_of(lines: Iterable[str]) -> tuple[str, int] | None:
    """The innermost line of the project's own code in a Python traceback: its file and line.

    The file as the project has it, not as the attempt's working folder had; a name that would lead
    out of the project is none of its own.
    """
    found = None
    for text in lines:
        match = _FRAME.search(text)
        if match is None or any(part in match["file"] for part in _ELSEWHERE):
            continue
        file = _WORK.sub("", match["file"])
        if not file.startswith("/") and ".." not in file.split("/"):
            found = (file, int(match["line"]))
    return found
