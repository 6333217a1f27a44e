"""The plain text that every match of a regular expression must have.

`bytes.find` is some fifty times as fast as `re`; most patterns that people type have such a text.
Works on the tree that `re` itself makes of a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_MAX_STRINGS = 16
_SHORTEST = 2  # one letter is in every line

Strings = tuple[bytes, ...]


def literals_of(source: bytes, flags: int) -> tuple[tuple[Strings, ...], bool]:
    """Sets of strings of each of which every line that matches has one; the most telling first.

    Also whether having one of the first set is a match. In lower case where *flags* ignore case.
    No sets: nothing is known.
    """
    try:
        tree = _parser.parse(source, flags)
    except (re.error, RecursionError):
        return (), False
    if tree.state.flags & ~(re.MULTILINE | re.IGNORECASE | re.VERBOSE | re.DOTALL):
        return (), False
    ignore = bool(tree.state.flags & re.IGNORECASE)
    if ignore != bool(flags & re.IGNORECASE):
        return (), False  # flags of the pattern's own
    exact = _exact(tree, ignore)
    found = [exact] if exact is not None else _required(tree, ignore)
    sets = tuple(tuple(dict.fromkeys(each)) for each in found if _is_useful(each))
    return sets, bool(sets) and exact is not None


def looks_around(source: bytes, flags: int) -> bool:
    """Whether a line by itself may be another thing to it than the same line among others.

    So it is for what looks beside a match, begins or ends a text, or gives nothing back that it
    has taken.
    """
    try:
        return _is_around(_parser.parse(source, flags))
    except (re.error, RecursionError):
        return True


_AROUND = (ops.ASSERT, ops.ASSERT_NOT, ops.ATOMIC_GROUP, ops.POSSESSIVE_REPEAT)
_ENDS = (ops.AT_BEGINNING_STRING, ops.AT_END_STRING)


def _is_around(part: Any) -> bool:
    """Whether one of these is anywhere in a tree."""
    if isinstance(part, _parser.SubPattern | list | tuple):
        named = part[0] if len(part) == 2 else None
        if any(named is op for op in _AROUND) or (named is ops.AT and part[1] in _ENDS):
            return True
        return any(map(_is_around, part))
    return False


def _is_useful(strings: Strings) -> bool:
    return min(map(len, strings)) >= _SHORTEST and not any(b"\n" in each for each in strings)


def _exact(tree: Iterable[tuple[Any, Any]], ignore: bool) -> Strings | None:
    """All strings that a part matches, if those are few and nothing else is asked."""
    found: Strings = (b"",)
    for op, value in tree:
        part = _exact_of(op, value, ignore)
        if part is None or len(found) * len(part) > _MAX_STRINGS:
            return None
        found = tuple(left + right for left in found for right in part)
    return found


def _exact_of(op: Any, value: Any, ignore: bool) -> Strings | None:
    if op is ops.LITERAL:
        if value > 255:
            return None
        char = bytes((value,))
        return (char.lower() if ignore else char,)
    if op is ops.SUBPATTERN:
        _, added, removed, inner = value
        return None if added or removed else _exact(inner, ignore)
    if op is ops.BRANCH:
        parts = [_exact(inner, ignore) for inner in value[1]]
        if any(part is None for part in parts):
            return None
        return tuple(string for part in parts for string in part or ())
    if op is ops.IN and all(kind is ops.LITERAL for kind, _ in value) and len(value) <= 4:
        chars = [bytes((code,)) for _, code in value]
        return tuple(dict.fromkeys(char.lower() if ignore else char for char in chars))
    return None


def _required(tree: Sequence[tuple[Any, Any]], ignore: bool) -> list[Strings]:
    """The sets that a sequence needs: the longest strings first, then the fewest."""
    candidates: list[Strings] = []
    run: Strings = (b"",)
    for op, value in tree:
        part = _exact_of(op, value, ignore)
        if part is not None and len(run) * len(part) <= _MAX_STRINGS:
            run = tuple(left + right for left in run for right in part)
            continue
        if op is ops.AT:
            continue  # an anchor has no width
        candidates.append(run)
        run = part if part is not None else (b"",)
        candidates += _inside(op, value, ignore)
    candidates.append(run)
    return sorted(candidates, key=lambda each: (-min(map(len, each)), len(each)))


def _inside(op: Any, value: Any, ignore: bool) -> list[Strings]:
    """What a part must have that does not match a few strings only."""
    if op is ops.SUBPATTERN:
        _, added, removed, inner = value
        return [] if added or removed else _required(inner, ignore)
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT) and value[0] >= 1:
        return _required(value[2], ignore)
    if op is ops.BRANCH:
        parts = [_required(inner, ignore)[0] for inner in value[1]]
        if sum(map(len, parts)) <= _MAX_STRINGS:
            return [tuple(string for part in parts for string in part)]
    return []
