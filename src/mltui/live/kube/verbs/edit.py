"""Change an object by editing its YAML: checked by the server, seen as a diff, then sent.

The server's own dry run says what it would make of it, defaults and admission included; nothing is
sent before the person has seen that. What only servers write meanwhile (a status) is in nobody's
way; a change by somebody else is told with who and what, and the person's is put onto it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from mltui.errors import Conflict, MltuiError, UsageError
from mltui.live.cells import age
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.describe import as_yaml, masked
from mltui.live.kube.verbs._merging import changed, merged
from mltui.live.kube.verbs._objects import resource_of
from mltui.live.times import read_time
from mltui.live.verbs._verb import Ref

if TYPE_CHECKING:
    from mltui.engines.kubernetes.resources import Resource

_SERVERS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
_TRIES = 10
"""So often it is sent anew where only what servers write had changed meanwhile."""
_NAMED = 4
"""Fields that a sentence names."""


@dataclass(frozen=True)
class Draft:
    """An object as it was when the editor was opened."""

    resource: Resource
    ref: Ref
    found: dict[str, Any]
    text: str
    """What is edited: without what only the server writes."""


async def begin(cluster: Cluster, ref: Ref) -> Draft:
    """Fetch it for editing. ApiConflict when it is another object now."""
    resource = await resource_of(cluster, ref)
    found = await cluster.client.get(resource, ref.namespace or None, ref.name)
    if (found.get("metadata") or {}).get("uid") != ref.uid:
        raise Conflict(f"{ref.text} in {cluster.name} is another one now: look again")
    return Draft(resource, ref, found, as_yaml(_shown(found)))


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """An object without what only servers write."""
    meta = {k: v for k, v in found["metadata"].items() if k not in _SERVERS}
    return {k: v for k, v in found.items() if k != "status"} | {"metadata": meta}


def read(draft: Draft, text: str) -> dict[str, Any]:
    """The object that an edited text means. UsageError with line and column."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        said = getattr(error, "problem", None) or "it can't be read"
        raise UsageError(f"this is not YAML{where}: {said}") from error
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise UsageError("this is not an object: it has no metadata")
    meta = body["metadata"]
    for name, wanted in (("name", draft.ref.name), ("namespace", draft.ref.namespace or None)):
        if meta.get(name) != wanted:
            raise UsageError(f"its {name} can't be changed: it is {wanted}")
    known = draft.found["metadata"]
    meta["uid"], meta["resourceVersion"] = known["uid"], known["resourceVersion"]
    if "status" in draft.found:
        body["status"] = draft.found["status"]
    return body


@dataclass(frozen=True)
class Checked:
    """What an edited text comes to: what would change, or why it is refused."""

    body: dict[str, Any]
    difference: list[str]
    fault: MltuiError | None = None


async def checked(draft: Draft, text: str, cluster: Cluster) -> Checked:
    """Read the text and have the server try it."""
    try:
        body = read(draft, text)
        made = await _put(cluster, draft, body, {"dryRun": "All"})
    except MltuiError as error:
        return Checked({}, [], error)
    return Checked(body, _difference(draft.found, made, "now", "then"))


@dataclass(frozen=True)
class Sent:
    """What became of a change that was sent."""

    said: str = ""
    fault: MltuiError | None = None


async def send(draft: Draft, body: dict[str, Any], cluster: Cluster) -> Sent:
    """Put it. The fault is a Conflict where somebody changed the object since it was read."""
    try:
        await _put(cluster, draft, body, {})
    except MltuiError as error:
        return Sent(fault=error)
    return Sent(f"changed {draft.ref.text}")


async def _put(
    cluster: Cluster, draft: Draft, body: dict[str, Any], query: dict[str, str]
) -> dict[str, Any]:
    ref, asked = draft.ref, {"fieldValidation": "Strict", "fieldManager": "mltui", **query}
    for left in reversed(range(_TRIES)):
        try:
            made = await cluster.client.replace(
                draft.resource, ref.namespace or None, ref.name, body, query=asked
            )
            return dict(made)
        except Conflict:
            now = await begin(cluster, ref)
            if not left or now.text != draft.text:
                raise
            body = _onto(now.found, body)
    raise AssertionError("the last try returns or raises")


def _onto(found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """A body with what only servers write as it is in `found`."""
    known = found["metadata"]
    meta = {**body["metadata"], "uid": known["uid"], "resourceVersion": known["resourceVersion"]}
    status = {"status": found["status"]} if "status" in found else {}
    return {**body, "metadata": meta, **status}


# --- somebody else was there ----------------------------------------------------------------------


@dataclass(frozen=True)
class Meanwhile:
    """What somebody else did to an object while its text was edited."""

    draft: Draft
    """The object as it is now."""
    text: str
    """The edited text, on top of that."""
    said: str
    difference: list[str]
    """What they changed."""


async def meanwhile(draft: Draft, text: str, cluster: Cluster) -> Meanwhile:
    """After a conflict. MltuiError: it is gone, or another one, or the cluster does not answer."""
    now = await begin(cluster, draft.ref)
    base, theirs = _shown(draft.found), _shown(now.found)
    made, both = merged(base, yaml.safe_load(text), theirs)
    who, what = _who(draft.found, now.found), _fields(changed(base, theirs))
    said = f"{who} changed {what} of {draft.ref.text} while you edited it."
    if both:
        said += f" You changed {_fields(both)} too: yours would take the place of theirs."
    return Meanwhile(now, as_yaml(made), said, _difference(draft.found, now.found, "before", "now"))


def _fields(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more fields" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}" if names else "something"


def _who(before: dict[str, Any], after: dict[str, Any]) -> str:
    """`kubectl-edit (3s ago)`: who wrote fields last, as the API server keeps it."""
    known = {_act(each) for each in before["metadata"].get("managedFields") or ()}
    new = [
        each
        for each in after["metadata"].get("managedFields") or ()
        if each.get("subresource") != "status" and _act(each) not in known
    ]
    new.sort(key=lambda each: str(each.get("time") or ""))
    if not new:
        return "Somebody"
    at = read_time(new[-1].get("time"))
    when = f" ({age(at)} ago)" if at is not None else ""
    names = dict.fromkeys(str(each.get("manager") or "somebody") for each in new)
    return f"{' and '.join(names)}{when}"


def _act(entry: dict[str, Any]) -> tuple[Any, ...]:
    """Who, how and when; whose fields another took has another entry, and did nothing."""
    return tuple(entry.get(name) for name in ("manager", "operation", "subresource", "time"))


def _difference(before: dict[str, Any], after: dict[str, Any], old: str, new: str) -> list[str]:
    texts = [as_yaml(masked(_shown(each))).splitlines() for each in (before, after)]
    lines = list(difflib.unified_diff(texts[0], texts[1], old, new, n=2, lineterm=""))
    if not lines and before.get("data") != after.get("data"):
        return ["the values of some of its keys change"]  # a Secret's
    return lines


def fault_lines(text: str, error: MltuiError) -> str:
    """The text again, with why it was refused on top, as comments."""
    kept = [each for each in text.splitlines() if not each.startswith("# mltui: ")]
    said = [f"# mltui: {each}" for each in str(error).splitlines()]
    return "\n".join([*said, *kept]) + "\n"
