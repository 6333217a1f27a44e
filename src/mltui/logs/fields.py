"""Lines that are objects (JSON, logfmt) as fields, and conditions on them.

The log pane shows chosen fields as columns and filters by them; `mltui logs --where` does the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltui.logs.sanitize import uncoloured

_MAX_BYTES = 256 * 1024  # a longer object is shown as text
_MAX_FIELDS = 200
_MAX_BEFORE = 160  # bytes of text before an object
_PAIR = re.compile(r'(?:^|(?<=\s))([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)')
_MIN_PAIRS = 2
_TEXT_NAMES = ("msg", "message", "text", "event", "log")
_TIME_NAMES = frozenset(("@timestamp", "timestamp", "time", "ts", "asctime", "datetime", "t"))
_LEVEL_NAMES = frozenset(("level", "severity", "levelname", "lvl", "log.level"))


def fields_of(line: bytes) -> dict[str, str] | None:
    """The fields of a line that is an object, as text, inner names dotted; None if it is none.

    A JSON object may follow some text (`12:00 {"loss": 1}`); logfmt needs two pairs at least.
    """
    if len(line) > _MAX_BYTES:
        return None
    line = uncoloured(line)
    found = _object_in(line)
    if found is not None:
        fields: dict[str, str] = {}
        _flatten(found[1], "", fields)
        return fields
    if b"=" not in line:
        return None
    pairs = _PAIR.findall(line.decode("utf-8", "replace"))
    if len(pairs) < _MIN_PAIRS:
        return None
    return {name: _unquoted(value) for name, value in pairs[:_MAX_FIELDS]}


def beside_fields(line: bytes) -> str:
    """What a line says that is an object, but for its fields: a time before them, words between."""
    line = uncoloured(line)
    found = _object_in(line)
    if found is not None:
        return line[: found[0]].decode("utf-8", "replace").strip()
    return " ".join(_PAIR.sub("", line.decode("utf-8", "replace")).split())


def _object_in(line: bytes) -> tuple[int, dict[str, Any]] | None:
    """The JSON object with which a line ends, and where it begins."""
    brace = line.find(b"{")
    if not 0 <= brace < _MAX_BEFORE or not line.rstrip().endswith(b"}"):
        return None
    try:
        found = json.loads(line[brace:])
    except (ValueError, RecursionError):
        return None
    return (brace, found) if isinstance(found, dict) else None


def inside_object(pattern: str) -> str | None:
    """What `loss=0.1`, as a field is shown, reads like in an object; None if that is no field."""
    match = re.fullmatch(r"([\w.@-]*?)([\w@-]+)=([^\s|]*)", pattern)
    return None if match is None else rf'"{match[2]}"\s*:\s*"?{match[3]}'


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]


def _flatten(value: Mapping[str, Any], prefix: str, into: dict[str, str]) -> None:
    for name, item in value.items():
        if len(into) >= _MAX_FIELDS:
            return
        if isinstance(item, dict) and item and prefix.count(".") < 8:
            _flatten(item, f"{prefix}{name}.", into)
        else:
            into[f"{prefix}{name}"] = text_of(item)


def text_of(value: Any) -> str:
    """A field's value as it is shown."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(value)[:200]


def is_number(text: str) -> bool:
    """Whether a field's text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def message_name(fields: Mapping[str, str]) -> str | None:
    """The field that says what happened."""
    return next((name for name in _TEXT_NAMES if name in fields), None)


def is_time(name: str) -> bool:
    """Whether a field is when."""
    return name in _TIME_NAMES


def is_level(name: str) -> bool:
    """Whether a field is how bad."""
    return name in _LEVEL_NAMES


_CONDITION = re.compile(r"\s*([^\s=!<>~]+)\s*(!=|!~|>=|<=|=|~|>|<)\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """`loss>0.5`, `level=error`, `msg~timeout`, `worker!=3`: what a field must be."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Whether it is so. A field that isn't there equals and matches nothing."""
        found = fields.get(self.name)
        operator = self.operator
        if found is None:
            return operator in ("!=", "!~")
        if operator in ("~", "!~"):
            return (re.search(self.value, found) is not None) == (operator == "~")
        try:
            left, right = float(found), float(self.value)
        except ValueError:
            if operator in ("=", "!="):
                return (found == self.value) == (operator == "=")
            if found == self.value:
                return operator in (">=", "<=")
            return (found > self.value) == (operator[0] == ">")
        return {
            "=": left == right,
            "!=": left != right,
            ">": left > right,
            ">=": left >= right,
            "<": left < right,
            "<=": left <= right,
        }[operator]


def read_condition(text: str) -> Condition | None:
    """A condition as it is typed; None if it is none (or its pattern is wrong)."""
    match = _CONDITION.fullmatch(text)
    if match is None or not match[3]:
        return None
    value = match[3]
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if "~" in match[2]:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError):
            return None
    return Condition(match[1], match[2], value)
