"""What a filter typed for a list means. Pure; called by the pane at every key.

Terms stand beside each other and all must fit; quotes keep blanks together.

    web            a regular expression in any column, whatever the case
    !web           what does not have it
    status:failed  in one column (also `=`; `!=` for what has it not)
    age>1h         a column compared: `restarts>3`, `mem>=500Mi`, `cpu<250m`
    label:app=web  a label of a container or a Kubernetes object (also `-l app=web`, `label:app`)

A regular expression that is not right (yet) is taken as it stands.
"""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

Keep = Callable[[Any], bool]


class Cells(Protocol):
    """What a column shows of a row."""

    @property
    def text(self) -> str:
        """In words."""
        ...


class Asked(Protocol):
    """A column that can be asked for by its key or title."""

    @property
    def key(self) -> str:
        """Its name."""
        ...

    @property
    def title(self) -> str:
        """What stands above it."""
        ...

    def cell_of(self, row: Any) -> Cells:
        """What it shows."""
        ...


class Listed(Protocol):
    """What a list shows: a `live.kind.Kind`, or the app's own lists."""

    @property
    def columns(self) -> Sequence[Asked]:
        """All of them, shown or not."""
        ...

    @property
    def text(self) -> Callable[[Any], str] | None:
        """What a bare word is looked for in; None: all columns."""
        ...


_TERM = re.compile(r'!?(?:[^\s"]*"[^"]*"?|\S)+')
_COLUMN = re.compile(
    r"(?P<not>!?)(?P<column>[%×↻\w]+)\s*(?P<sign>!=|>=|<=|=|:|>|<)\s*(?P<text>.+)", re.S
)
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_SPACED = re.compile(r"\s*(!=|>=|<=|=|>|<)\s*")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z%]*)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "ms": 0.001}
_BYTES = {
    "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
    "ki": 2**10, "kib": 2**10, "mi": 2**20, "mib": 2**20, "gi": 2**30, "gib": 2**30,
    "ti": 2**40, "tib": 2**40,
}  # fmt: skip
ALIASES = {"ns": "namespace", "status": "state", "mem": "memory", "ctx": "context"}
"""What people call columns, beside keys and titles."""


def matcher(needle: str, kind: Listed) -> Keep | None:
    """Whether a row fits; None for no filter."""
    tests = [test for term in terms(needle) if (test := _test(term, kind)) is not None]
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def terms(needle: str) -> Iterator[str]:
    """`age > 1h "of shop" -l app=web` as `age>1h`, `of shop`, `label:app=web`."""
    found = iter(_TERM.findall(_SPACED.sub(r"\1", needle.strip())))
    for term in found:
        if term == "-l":
            term = f"label:{next(found, '')}"
        yield term.replace('"', "")


def _test(term: str, kind: Listed) -> Keep | None:
    if term in ("", "!") or term.endswith("label:"):
        return None
    asked = _COLUMN.fullmatch(term)
    if asked is not None:
        found = _in_column(asked["column"].lower(), asked["sign"], asked["text"], kind)
        if found is not None:
            return _inverse(found) if asked["not"] else found
    is_not = term.startswith("!")
    pattern, text = _pattern(term[1:] if is_not else term), kind.text or _all_columns(kind)
    if is_not:
        return lambda row: pattern(text(row)) is None
    return lambda row: pattern(text(row)) is not None


def _inverse(test: Keep) -> Keep:
    return lambda row: not test(row)


def _in_column(name: str, sign: str, text: str, kind: Listed) -> Keep | None:
    if name in ("label", "labels"):
        wanted, inverse = text.split(","), sign == "!="
        return lambda row: _is_labelled(row, wanted) != inverse
    name = ALIASES.get(name, name)
    column = next((c for c in kind.columns if name in (c.key, c.title.lower())), None)
    if column is None:
        return None
    cell = column.cell_of
    if sign not in _SIGNS:
        pattern, is_wanted = _pattern(text), sign != "!="
        return lambda row: (pattern(cell(row).text) is not None) == is_wanted
    compare, limit = _SIGNS[sign], quantity(text, column.key)
    if limit is None:
        return None
    if column.key == "age":
        return lambda row: (age := _age(row)) is not None and compare(age, limit)
    key = column.key

    def holds(row: Any) -> bool:
        value = quantity(cell(row).text, key)
        return value is not None and compare(value, limit)

    return holds


def quantity(text: str, column: str = "") -> float | None:
    """`1h30m` in seconds, `500Mi` in bytes, `250m` of a processor, `12%`, `3`; None: no number."""
    parts = _QUANTITY.findall(text.replace(",", ""))
    if not parts:
        return None
    total = 0.0
    is_time = column in ("age", "duration", "up", "took", "last", "elapsed", "time")
    for number, unit in parts:
        unit = unit.lower()
        if column.startswith("cpu") and unit == "m":
            factor = 0.001
        elif (is_time or unit not in _BYTES) and unit in _SECONDS:
            factor = _SECONDS[unit]
        else:
            factor = _BYTES.get(unit, 1.0)
        total += float(number) * factor
        if not unit:
            break
    return total


def _age(row: Any) -> float | None:
    at = getattr(row, "created_at", None)
    return None if at is None else time.time() - at


def _is_labelled(row: Any, wanted: list[str]) -> bool:
    labels = getattr(row, "labels", ())
    return all(
        any(each == want or ("=" not in want and each.startswith(f"{want}=")) for each in labels)
        for want in wanted
    )


def _pattern(text: str) -> Callable[[str], re.Match[str] | None]:
    try:
        return re.compile(text, re.IGNORECASE).search
    except (re.error, OverflowError, RecursionError):
        return re.compile(re.escape(text), re.IGNORECASE).search


def _all_columns(kind: Listed) -> Callable[[Any], str]:
    cells = [column.cell_of for column in kind.columns]
    return lambda row: "\n".join([cell(row).text for cell in cells])
