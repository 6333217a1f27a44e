"""Plain values, as JSON has them, read as the dataclasses that they were written from.

Called where what is read may be somebody else's: recorded facts, a bundle's history, a build's
steps. Each value is of the type that its field declares, or it is refused; fields that a newer
version wrote are passed over.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def read_as(kind: Any, raw: Any) -> Any:
    """*raw* as a value of a type. TypeError or ValueError where it is none."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = [each for each in get_args(kind) if each is not type(None)]
        return None if raw is None else read_as(options[0], raw)
    if origin is tuple:
        return tuple(read_as(get_args(kind)[0], item) for item in _of(list, raw))
    if origin is not None and issubclass(origin, Mapping):
        inner = get_args(kind)[1]
        return {name: read_as(inner, item) for name, item in _of(dict, raw).items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = hints_of(kind)
        known = {name: item for name, item in _of(dict, raw).items() if name in hints}
        return kind(**{name: read_as(hints[name], item) for name, item in known.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(raw)
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return _float(raw)
    return _of(kind, raw)


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(kind)


def _float(raw: int) -> float:
    try:
        return float(raw)
    except OverflowError as error:
        raise ValueError("a number is too large") from error


def _of(kind: Any, raw: Any) -> Any:
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        raise TypeError(f"{kind.__name__} expected, found {raw!r:.60}")
    return raw
