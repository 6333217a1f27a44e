"""The journal's events as objects for scripts: the stream of `mltui run --json`.

One shape for all: `event`, `run`, `at`, then which stage, then what is particular to the event,
with the same names and units as `mltui ls stages -o json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any

from mltui.cli.listing import timestamp
from mltui.pipeline.rows import Artifact, Failure, Instance, Usage
from mltui.runs import codec


def event_object(run: int, name: str, data: str) -> dict[str, Any]:
    """One event of the journal, given as it is kept there."""
    found: dict[str, Any] = {"event": name, "run": run}
    try:
        event = codec.decode_event(name, data)
    except KeyError:  # written by a newer mltui
        return {**found, **json.loads(data)}
    for field in fields(event):
        found.update(_plain(field.name, getattr(event, field.name)))
    return found


def _plain(name: str, value: Any) -> dict[str, Any]:
    """A field of an event, by its public name."""
    if name == "at":
        return {"at": timestamp(value)}
    if isinstance(value, Instance):
        return {
            "stage": value.stage,
            "item": value.item,
            "round": value.round,
            "round_path": list(value.path),
        }
    if name == "instance":  # a cancelled run as a whole
        return {}
    if name == "failure":
        return {
            "failure": value.kind.value if isinstance(value, Failure) else None,
            "reason": value.message if isinstance(value, Failure) else "",
        }
    if isinstance(value, Usage):
        return {"cpu": value.cpu_s, "peak_memory": value.peak_memory_bytes}
    return {name: _value(value)}


def _value(value: Any) -> Any:
    if isinstance(value, Artifact):
        return {
            "digest": value.digest,
            "size": value.size_bytes,
            "is_folder": value.is_folder,
        }
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _value(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return value
