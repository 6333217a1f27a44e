"""Events and rows as JSON text, the form in which the journal keeps them.

Called by `journal` only. A field that a later version added is filled with its default when an
older journal lacks it; an unknown field is ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mltui.pipeline.rows import Artifact, Failure, Instance, StageRow, State, Usage, Verdict
from mltui.spec.choices import FailureClass

if TYPE_CHECKING:
    from mltui.pipeline.model import Event


@cache
def events() -> dict[str, type]:
    """Type name → kind of event. Loaded when the first event is: rows are read far more often."""
    from mltui.pipeline import model

    return {
        "run.planned": model.RunPlanned,
        "stage.expanded": model.StageExpanded,
        "stage.building": model.StageBuilding,
        "stage.waiting": model.StageWaiting,
        "stage.keyed": model.StageKeyed,
        "stage.cached": model.StageCached,
        "stage.stale": model.StageStale,
        "stage.failed": model.StageFailed,
        "stage.retried": model.StageRetried,
        "attempt.starting": model.AttemptStarting,
        "attempt.started": model.AttemptStarted,
        "attempt.unknown": model.AttemptUnknown,
        "attempt.waiting": model.AttemptWaiting,
        "attempt.ended": model.AttemptEnded,
        "gate.judged": model.GateJudged,
        "run.cancelled": model.RunCancelled,
        "run.ended": model.RunEnded,
    }


@cache
def _names() -> dict[type, str]:
    return {kind: name for name, kind in events().items()}


def _plain(value: Any) -> Any:
    """What the encoder of JSON does not know by itself."""
    if isinstance(value, Instance):
        return [value.stage, value.path, value.item]
    if isinstance(value, Artifact):
        return [value.digest, value.size_bytes, value.is_folder]
    if isinstance(value, Usage):
        return [value.cpu_s, value.peak_memory_bytes]
    if isinstance(value, Failure):
        return [value.kind, value.message]
    return dict(value) if isinstance(value, Mapping) else list(value)


def _artifacts(value: Any) -> dict[str, Artifact]:
    return {name: Artifact(*item) for name, item in value.items()}


_READ: dict[str, Callable[[Any], Any]] = {
    "instance": lambda v: Instance(v[0], tuple(v[1]), v[2]),
    "outputs": _artifacts,
    "usage": lambda v: Usage(*v),
    "verdict": Verdict,
    "gate": Verdict,
    "state": State,
    "path": tuple,
    "items": tuple,
    "stages": tuple,
    "start_from": tuple,
}


def _failure(cls: type, value: Any) -> Any:
    return FailureClass(value) if cls is StageRow else Failure(FailureClass(value[0]), value[1])


@cache
def _fields(cls: type) -> Mapping[str, bool]:
    """Its fields, and whether each has to be there."""
    return {
        field.name: field.default is MISSING and field.default_factory is MISSING
        for field in fields(cls)
    }


@cache
def _reader(cls: type) -> tuple[Mapping[str, bool], Callable[[Any], tuple[Any, ...]]]:
    """Its fields, and what reads all of them at once."""
    known = _fields(cls)
    read = attrgetter(*known)
    return known, read if len(known) > 1 else lambda value: (read(value),)


# `json.dumps` with options makes an encoder a call; the runner writes thousands of these.
_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_plain).encode


_LONE = re.compile("[\ud800-\udfff]")


def kept(text: str) -> str:
    """A text, or JSON, as SQLite can keep it: bytes of a name that are no UTF-8 are spelled out."""
    return text if text.isascii() else _LONE.sub(lambda found: rf"\\u{ord(found[0]):x}", text)


def _encode(value: Any) -> str:
    known, read = _reader(value.__class__)
    pairs = zip(known.items(), read(value), strict=True)
    return kept(
        _dumps(
            {name: item for (name, is_required), item in pairs if item is not None or is_required}
        )
    )


def _decode(cls: type, text: str) -> Any:
    known = _fields(cls)
    data = {}
    for name, value in json.loads(text).items():
        if name not in known:
            continue
        if name == "failure":
            data[name] = _failure(cls, value)
        else:
            read = _READ.get(name)
            data[name] = value if read is None else read(value)
    return cls(**data)


def encode_event(event: Event) -> tuple[str, str]:
    """The event's type name (`attempt.started`) and its fields as JSON."""
    return _names()[type(event)], _encode(event)


def decode_event(name: str, text: str) -> Event:
    """The reverse of `encode_event`. KeyError on a type that this version doesn't know."""
    event: Event = _decode(events()[name], text)
    return event


def event_name(kind: type) -> str:
    """The type name of a kind of event."""
    return _names()[kind]


def instance_text(instance: Instance) -> str:
    """How an event's JSON names its instance: to look for it without decoding."""
    return f'"instance":{_dumps(instance)}'


def encode_row(row: StageRow) -> str:
    """A stage's row as JSON."""
    return _encode(row)


def decode_row(text: str) -> StageRow:
    """The reverse of `encode_row`."""
    row: StageRow = _decode(StageRow, text)
    return row


def encode_artifacts(outputs: Mapping[str, Artifact]) -> str:
    """Outputs of a cached result as JSON."""
    return kept(_dumps(outputs))


def decode_artifacts(text: str) -> dict[str, Artifact]:
    """The reverse of `encode_artifacts`."""
    return _artifacts(json.loads(text))
