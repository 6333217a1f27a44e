"""Facts as JSON and back, so that an incident can be kept and replayed through the same rules.

Also reads what `kubectl get … -o json` prints. Pure: text in and out. Unknown fields of a newer
version are passed over.
"""

from __future__ import annotations

import json
import time
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from mltui.triage.facts import Facts
from mltui.triage.kube_reading import read_objects

FORMAT = "mltui-facts"
VERSION = 1


class BadRecord(ValueError):
    """The text is no recorded facts; says why."""


def write_facts(facts: Facts) -> str:
    """The facts as one JSON text; what is empty is left out."""
    return json.dumps({FORMAT: VERSION, **_plain(facts)}, ensure_ascii=False, indent=1)


def read_facts(text: str) -> Facts:
    """The facts of a text. BadRecord when it holds none."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BadRecord(f"this is not JSON: {error}") from error
    if isinstance(raw, dict) and raw.get("kind") == "List":
        return Facts(time.time(), clusters=(read_objects(raw.get("items") or ()),))
    if not isinstance(raw, dict) or raw.get(FORMAT) != VERSION:
        raise BadRecord(f"this is no record of facts: it lacks `{FORMAT}: {VERSION}`")
    try:
        facts = _read(Facts, raw)
    except (TypeError, ValueError, KeyError) as error:
        raise BadRecord(f"the record is damaged: {error}") from error
    assert isinstance(facts, Facts)
    return facts


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        found = [(each, getattr(value, each.name)) for each in fields(value)]
        return {
            each.name: _plain(item)
            for each, item in found
            if not _is_empty(item) or not _has_default(each, item)
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _has_default(each: Field[Any], item: Any) -> bool:
    """Whether a value that is empty is read so where it is left out: "" is not None."""
    if each.default is not MISSING:
        return bool(each.default == item)
    return each.default_factory is not MISSING


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | tuple | Mapping) and not value)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(kind: Any, raw: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = [each for each in get_args(kind) if each is not type(None)]
        return None if raw is None else _read(options[0], raw)
    if origin is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in _of(list, raw))
    if origin is not None and issubclass(origin, Mapping):
        inner = get_args(kind)[1]
        return {name: _read(inner, item) for name, item in _of(dict, raw).items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        known = {name: item for name, item in _of(dict, raw).items() if name in hints}
        return kind(**{name: _read(hints[name], item) for name, item in known.items()})
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    return _of(kind, raw)


def _of(kind: Any, raw: Any) -> Any:
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        raise TypeError(f"{kind.__name__} expected, found {raw!r:.60}")
    return raw
