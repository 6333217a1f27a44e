"""A readable page of any Kubernetes object, with what happened to it, and its YAML.

Events are of this very object (by UID), newest last as they happened. Secrets are masked: data of a
Secret whole, environment variables by their names, annotations that hold whole manifests are left
out. Values are anybody's text; `page` makes them safe.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import yaml

from mltui.errors import MltuiError, Unreachable
from mltui.live.cells import age
from mltui.live.kind import Kind
from mltui.live.kinds.kube._page import flat, short
from mltui.live.kube.cluster import Cluster
from mltui.live.masking import MASK, mask_inspection, mask_log, mask_text, mask_value, mask_words
from mltui.live.page import Line, Page, Section, given, line, page, section
from mltui.live.times import read_time, timestamp
from mltui.live.verbs._verb import Ref

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_HIDDEN = (_LAST_APPLIED,)
EVENTS_SHOWN = 40


async def fetch(cluster: Cluster, kind: Kind[Any], row: Any) -> dict[str, Any]:
    """The object of a row as it is now. ApiNotFound when it is gone, Forbidden, Unreachable."""
    assert kind.watched is not None
    found = await cluster.client.get(kind.watched.resource, row.namespace or None, row.name)
    return dict(found)


async def events_of(cluster: Cluster, namespace: str, uid: str) -> list[dict[str, Any]]:
    """What was told of an object, oldest first. Forbidden, Unreachable."""
    from mltui.engines.kubernetes.resources import EVENTS

    selector = f"involvedObject.uid={uid}"
    events: list[dict[str, Any]] = []
    pages = cluster.client.pages(
        EVENTS, namespace or None, query={"fieldSelector": selector}, limit=500
    )
    async with aclosing(pages):
        async for raw in pages:
            try:
                events += json.loads(raw)["items"] or ()
            except (ValueError, KeyError, TypeError) as error:
                raise Unreachable(f"{cluster.name} sends events that can't be read") from error
    return sorted(events, key=lambda event: _seen_at(event) or 0.0)


async def ports_of(cluster: Cluster, ref: Ref) -> list[int]:
    """Ports that an object says it listens on. MltuiError when it can't be read."""
    from mltui.live.kube.verbs._objects import resource_of

    resource = await resource_of(cluster, ref)
    found = await cluster.client.get(resource, ref.namespace or None, ref.name)
    spec = found.get("spec") or {}
    if ref.kind == "services":
        return [int(each["port"]) for each in spec.get("ports") or () if each.get("port")]
    pods = (spec.get("template") or {}).get("spec") or spec
    return [
        int(port["containerPort"])
        for each in pods.get("containers") or ()
        for port in each.get("ports") or ()
        if port.get("containerPort")
    ]


async def describe(cluster: Cluster, kind: Kind[Any], row: Any, *, secrets: bool = False) -> Page:
    """The page. MltuiError when the object can't be read; events alone may be refused."""
    found, events = await asyncio.gather(
        fetch(cluster, kind, row),
        events_of(cluster, row.namespace, row.uid),
        return_exceptions=True,
    )
    if isinstance(found, BaseException):
        raise found
    told: list[Section | None]
    if isinstance(events, MltuiError):
        told = [section("Events", [line("", str(events), "state-warning")])]
    elif isinstance(events, BaseException):
        raise events
    else:
        told = [section("Events", list(_events(events)) or [line("", "none", "dim")])]
    shown = found if secrets else masked(found)
    assert kind.watched is not None
    own = list(kind.watched.sections(shown)) or list(_generic(shown))
    return page(
        f"{kind.title} {row.name}", [_what(shown, row), *own[:1], *told, *own[1:], _marks(shown)]
    )


def _what(found: Mapping[str, Any], row: Any) -> Section | None:
    meta = found.get("metadata") or {}
    created = read_time(meta.get("creationTimestamp"))
    deleted = read_time(meta.get("deletionTimestamp"))
    finalizers = ", ".join(map(str, meta.get("finalizers") or ()))
    return section(
        "What it is",
        (
            given("namespace", row.namespace),
            line("context", row.context),
            given("belongs to", row.place.text),
            given("controlled by", row.owner),
            line("made", f"{timestamp(created)}, {age(created)} ago" if created else "not known"),
            line("being deleted", f"since {age(deleted)}, waits for {finalizers or 'its end'}",
                 "state-warning") if deleted else None,
            given("finalizers", finalizers),
        ),
    )  # fmt: skip


def _marks(found: Mapping[str, Any]) -> Section | None:
    meta = found.get("metadata") or {}
    lines = [line(str(name), str(value)) for name, value in (meta.get("labels") or {}).items()]
    lines += [
        line(str(name), short(str(value)), "dim")
        for name, value in (meta.get("annotations") or {}).items()
        if name not in _HIDDEN
    ]
    return section("Labels and annotations", lines)


def _events(events: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    listed = list(events)
    if len(listed) > EVENTS_SHOWN:
        yield line("", f"{len(listed) - EVENTS_SHOWN} earlier ones are left out", "dim")
    for event in listed[-EVENTS_SHOWN:]:
        series = event.get("series") or {}
        count = series.get("count") or event.get("count") or 1
        times = f" (×{count})" if count > 1 else ""
        is_normal = event.get("type") == "Normal"
        said = f"{event.get('reason', '')}{times}: {event.get('message') or ''}"
        yield line(f"{age(_seen_at(event))} ago", said, "" if is_normal else "state-warning")


def _seen_at(event: Mapping[str, Any]) -> float | None:
    series = event.get("series") or {}
    for value in (series.get("lastObservedTime"), event.get("lastTimestamp"),
                  event.get("eventTime"), event.get("firstTimestamp")):  # fmt: skip
        at = read_time(value)
        if at is not None:
            return at
    return None


def _generic(found: Mapping[str, Any]) -> Iterator[Section | None]:
    """Of a kind without sections of its own: all it says, by its own names."""
    for name in sorted(found, key=lambda name: name != "status"):
        value = found[name]
        if name in ("metadata", "apiVersion", "kind"):
            continue
        if isinstance(value, dict):
            yield section(str(name), list(flat(value)))
        else:
            yield section(str(name), list(flat({str(name): value})))


# YAML and masking


async def yaml_text(cluster: Cluster, kind: Kind[Any], row: Any, *, secrets: bool = False) -> str:
    """The object as YAML, without managed fields; secrets masked. Errors as of `fetch`."""
    found = await fetch(cluster, kind, row)
    return as_yaml(revealed(found) if secrets else masked(found))


def revealed(found: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret with its values as text, where they are text."""
    shown = dict(found)
    if shown.get("kind") == "Secret" and isinstance(shown.get("data"), dict):
        shown["data"] = {name: _text(str(value)) for name, value in shown["data"].items()}
    return shown


def _text(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except ValueError:
        return f"(base64) {value}"


def as_yaml(found: Mapping[str, Any]) -> str:
    """As kubectl writes it: in the API's order, managed fields left out."""
    shown = dict(found)
    meta = dict(shown.get("metadata") or {})
    meta.pop("managedFields", None)
    shown["metadata"] = meta
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(shown, Dumper=dumper, sort_keys=False, allow_unicode=True, width=10_000)


def as_json(found: Mapping[str, Any]) -> str:
    """The same as JSON."""
    shown = dict(found)
    meta = dict(shown.get("metadata") or {})
    meta.pop("managedFields", None)
    return json.dumps({**shown, "metadata": meta}, indent=2, ensure_ascii=False)


def masked(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what is plainly secret."""
    shown = dict(found)
    meta = dict(shown.get("metadata") or {})
    annotations = meta.get("annotations")
    if isinstance(annotations, dict):
        meta["annotations"] = {
            name: _applied_masked(str(value)) if name == _LAST_APPLIED
            else mask_value(str(name), str(value))
            for name, value in annotations.items()
        }  # fmt: skip
        shown["metadata"] = meta
    if shown.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if isinstance(shown.get(part), dict):
                shown[part] = dict.fromkeys(shown[part], MASK)
        return shown
    masked_all = mask_inspection(_env_masked(shown))
    return dict(masked_all)


def _applied_masked(text: str) -> str:
    """The object as it was applied: whole, so what is secret in it is masked as in itself."""
    try:
        found = json.loads(text)
    except ValueError:
        return MASK
    if not isinstance(found, dict):
        return MASK
    return json.dumps(masked(found), ensure_ascii=False, separators=(",", ":"))


def _is_command(key: str, value: Any) -> bool:
    is_one = key in ("command", "args") and isinstance(value, list)
    return is_one and all(isinstance(word, str) for word in value)


def _env_masked(found: Any) -> Any:
    """`env: [{name, value}]` by the variable's name, `data` of a ConfigMap by its keys."""
    if isinstance(found, dict):
        name, value = found.get("name"), found.get("value")
        if isinstance(name, str) and isinstance(value, str) and len(found) == 2:
            return {"name": name, "value": mask_value(name, value)}
        return {
            key: {name: mask_value(str(name), each) if isinstance(each, str) else each
                  for name, each in value.items()}
            if key == "data" and isinstance(value, dict)
            else list(map(mask_log, mask_words(value))) if _is_command(key, value)
            else _env_masked(value)
            for key, value in found.items()
        }  # fmt: skip
    if isinstance(found, list):
        return [_env_masked(each) for each in found]
    return mask_text(found) if isinstance(found, str) else found
