"""What triage offers to do to an object: shown as the server would make it, then done to that one.

Called by the app's `fixing`. The object is to be the one that was found wrong, wanted as it was
then: its UID and its generation are tested by the server in the request itself. A generation counts
changes of what is wanted and none of how it stands, so that a pod that crashes is no conflict.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mltui.errors import Conflict, MltuiError
from mltui.live.cells import age, plain
from mltui.live.kube.cluster import Cluster, status_of
from mltui.live.kube.describe import as_yaml, masked
from mltui.live.kube.verbs._objects import resource_of
from mltui.live.kube.verbs.delete import delete
from mltui.live.kube.verbs.rollback import revisions
from mltui.live.times import read_time
from mltui.live.verbs._verb import Ref
from mltui.triage.finding import Kube

_MOST = 3
"""Differences that a refusal names."""
_TRIES = 5
_REFUSED = (409, 412, 422)
"""With these the server answers where a test in a patch does not hold."""


@dataclass(frozen=True)
class Plan:
    """What a step comes to."""

    lines: tuple[str, ...]
    """What changes, as lines of a diff; secrets masked."""
    act: Callable[[], Awaitable[str]]
    """Do it. Conflict when the object was changed since."""


def ref_of_step(step: Kube) -> Ref:
    """The object for other verbs, by its UID."""
    kind = f"{step.kind.lower()}s"
    key = f"{step.context}/{step.namespace}/{step.name}"
    return Ref(
        kind, step.kind, key, step.name, context=step.context, namespace=step.namespace,
        uid=step.uid,
    )  # fmt: skip


async def found(cluster: Cluster, step: Kube) -> dict[str, Any]:
    """The object, as the finding knew it. Conflict when it is gone, another one, or changed."""
    ref = ref_of_step(step)
    resource = await resource_of(cluster, ref)
    try:
        raw: dict[str, Any] = await cluster.client.get(resource, ref.namespace or None, ref.name)
    except MltuiError as error:
        if status_of(error) != 404:
            raise
        raise Conflict(f"{_words(step)} is gone; nothing was done") from error
    meta = raw.get("metadata") or {}
    if step.uid and meta.get("uid") != step.uid:
        made = age(read_time(meta.get("creationTimestamp")))
        raise Conflict(
            f"{_words(step)} is another one now, made {made} ago; nothing was done: look again"
        )
    if step.generation and meta.get("generation") != step.generation:
        raise Conflict(f"{_words(step)} was changed {_who(meta)}; nothing was done: look again")
    return raw


async def plan(cluster: Cluster, step: Kube) -> Plan:
    """What a step would do now. Conflict, and what the server's dry run refuses."""
    raw = await found(cluster, step)
    meta = raw["metadata"]
    ref = Ref(**{**_fields(ref_of_step(step)), "uid": str(meta.get("uid"))})
    if step.verb == "delete-now":
        lines = (f"- {step.kind.lower()}/{step.name}", "its node may still run what is in it")
        return Plan(lines, lambda: delete(cluster, ref, now=True))
    if step.verb == "set-memory":
        change = _set_memory(step, raw)
    elif step.verb == "undo":
        change = await _undo(cluster, step, ref)
    else:
        raise Conflict(f"mltui does not know how to {step.verb}")

    async def send(seen: Mapping[str, Any], **query: str) -> Any:
        tests = [
            {"op": "test", "path": f"/metadata/{name}", "value": seen["metadata"][name]}
            for name in ("uid", "generation")
            if name in seen["metadata"]
        ]
        return await cluster.client.patch(
            await resource_of(cluster, ref), ref.namespace or None, ref.name, [*tests, change],
            patch="json", query={"fieldManager": "mltui", **query},
        )  # fmt: skip

    async def act() -> str:
        seen = raw
        for _ in range(_TRIES):
            try:
                await send(seen)
            except MltuiError as error:
                if status_of(error) not in _REFUSED:
                    raise
                now = await _unchanged(cluster, step, raw)
                if now["metadata"].get("generation") == seen["metadata"].get("generation"):
                    raise
                seen = now  # another note on it, the same wanted of it
            else:
                return f"changed {ref.text}"
        raise Conflict(f"{_words(step)} changes all the time; nothing was done: try again")

    return Plan(tuple(_difference(raw, await send(raw, dryRun="All"))), act)


def _fields(ref: Ref) -> dict[str, Any]:
    return {name: getattr(ref, name) for name in Ref.__slots__}


def _words(step: Kube) -> str:
    where = f"{step.context}/{step.namespace}".strip("/")
    return f"{step.kind} {step.name} in {where}"


def _who(meta: Mapping[str, Any]) -> str:
    """`by kubectl-edit 12s ago`, of the newest change of what is wanted."""
    written = [
        each for each in meta.get("managedFields") or () if each.get("subresource") != "status"
    ]
    newest = max(written, key=lambda each: str(each.get("time") or ""), default=None)
    if newest is None or (at := read_time(newest.get("time"))) is None:
        return "since it was found wrong"
    return f"by {plain(str(newest.get('manager')))} {age(at)} ago"


def _set_memory(step: Kube, raw: Mapping[str, Any]) -> dict[str, Any]:
    pod = ((raw.get("spec") or {}).get("template") or {}).get("spec") or {}
    for part in ("containers", "initContainers"):
        for number, each in enumerate(pod.get(part) or ()):
            if each.get("name") == step.container:
                limits = (each.get("resources") or {}).get("limits")
                if not limits or "memory" not in limits:
                    break
                path = f"/spec/template/spec/{part}/{number}/resources/limits/memory"
                return {"op": "replace", "path": path, "value": step.value}
    raise Conflict(f"{_words(step)} limits the memory of no container {step.container} any more")


async def _undo(cluster: Cluster, step: Kube, ref: Ref) -> dict[str, Any]:
    kept = await revisions(cluster, ref)
    earlier = [each for each in kept if not each.is_current]
    if not earlier:
        raise Conflict(f"{_words(step)} has no earlier revision any more")
    return {"op": "replace", "path": "/spec/template", "value": earlier[0].template}


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    texts = [as_yaml(masked({"spec": each.get("spec")})).splitlines() for each in (before, after)]
    return list(difflib.unified_diff(texts[0], texts[1], "now", "then", n=2, lineterm=""))


async def _unchanged(cluster: Cluster, step: Kube, before: Mapping[str, Any]) -> dict[str, Any]:
    """The object as it is now. Conflict with what is wanted otherwise than the person saw it."""
    uid = str(before["metadata"]["uid"])
    now = await found(
        cluster, Kube(step.verb, step.kind, step.namespace, step.name, step.context, uid)
    )
    if now.get("spec") == before.get("spec"):
        return now
    was, then = (masked({"spec": each.get("spec")})["spec"] for each in (before, now))
    changed = list(_changes(was, then))
    said = ", ".join(changed[:_MOST]) + (", …" if len(changed) > _MOST else "")
    who = _who(now["metadata"])
    raise Conflict(f"{_words(step)} was changed {who} ({said}); nothing was done: look again")


def _changes(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """`replicas: 2 → 3`."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted({*before, *now}):
            yield from _changes(before.get(name), now.get(name), f"{path}.{name}".strip("."))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, pair in enumerate(zip(before, now, strict=True)):
            yield from _changes(*pair, f"{path}[{number}]")
    elif before != now:
        short = path.removeprefix("template.spec.")
        yield f"{plain(short)}: {_short(before)} → {_short(now)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else plain(str(value))
    return text if len(text) <= 40 else f"{text[:39]}…"
