"""Facts as JSON and back, so that an incident can be kept and replayed through the same rules.

Also reads what `kubectl get … -o json` prints. Pure: text in and out. Unknown fields of a newer
version are passed over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import msgspec

from mltui.triage.facts import Facts
from mltui.triage.kube_reading import read_objects

FORMAT = "mltui-facts"
VERSION = 1


class BadRecord(ValueError):
    """The text is no recorded facts; says why."""


def write_facts(facts: Facts) -> str:
    """The facts as one JSON text; what is empty is left out."""
    text = json.dumps({FORMAT: VERSION, **_plain(facts)}, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "backslashreplace").decode()  # an escape of JSON, too


def read_facts(text: str) -> Facts:
    """The facts of a text. BadRecord when it holds none."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"this is not JSON: {error}") from error
    if isinstance(raw, dict) and raw.get("kind") == "List":
        items = raw.get("items")
        found = (
            [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
        )
        return Facts(time.time(), clusters=(read_objects(found),))
    if not isinstance(raw, dict) or raw.get(FORMAT) != VERSION:
        raise BadRecord(f"this is no record of facts: it lacks `{FORMAT}: {VERSION}`")
    try:
        return msgspec.convert(raw, Facts)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise BadRecord(f"the record is damaged: {error}") from error


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
