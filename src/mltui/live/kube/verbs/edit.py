"""Change an object by editing its YAML: checked by the server, seen as a diff, then sent.

The server's own dry run says what it would make of it, defaults and admission included; nothing is
sent before the person has seen that. A change by somebody else meanwhile is a conflict, not lost.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from mltui.errors import Conflict, MltuiError, Unreachable, UsageError
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.describe import as_yaml, masked
from mltui.live.kube.verbs._objects import resource_of
from mltui.live.verbs._verb import Ref

if TYPE_CHECKING:
    from mltui.engines.kubernetes.resources import Resource

_SERVERS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


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
    meta = {k: v for k, v in found["metadata"].items() if k not in _SERVERS}
    shown = {k: v for k, v in found.items() if k != "status"} | {"metadata": meta}
    return Draft(resource, ref, found, as_yaml(shown))


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
    """Read the text and have the server try it. Unreachable when that does not answer."""
    try:
        body = read(draft, text)
        return Checked(body, await _check(cluster, draft, body))
    except Unreachable:
        raise
    except MltuiError as error:
        return Checked({}, [], error)


async def _check(cluster: Cluster, draft: Draft, body: dict[str, Any]) -> list[str]:
    query = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "mltui"}
    made = await cluster.client.replace(
        draft.resource, draft.ref.namespace or None, draft.ref.name, body, query=query
    )
    texts = []
    for each in (draft.found, made):
        meta = {k: v for k, v in each["metadata"].items() if k not in _SERVERS}
        shown = {k: v for k, v in each.items() if k != "status"} | {"metadata": meta}
        texts.append(as_yaml(masked(shown)).splitlines())
    lines = list(difflib.unified_diff(texts[0], texts[1], "now", "then", n=2, lineterm=""))
    if (
        not lines
        and draft.resource.kind == "Secret"
        and made.get("data") != draft.found.get("data")
    ):
        return ["the values of some of its keys change"]
    return lines


async def send(draft: Draft, body: dict[str, Any], cluster: Cluster) -> str:
    """Put it. ApiConflict when somebody changed it since the editor was opened."""
    query = {"fieldValidation": "Strict", "fieldManager": "mltui"}
    try:
        await cluster.client.replace(
            draft.resource, draft.ref.namespace or None, draft.ref.name, body, query=query
        )
    except Conflict as error:
        raise Conflict(
            f"{draft.ref.text} was changed by somebody else meanwhile; nothing was done: edit again"
        ) from error
    return f"changed {draft.ref.text}"


def fault_lines(text: str, error: MltuiError) -> str:
    """The text again, with why it was refused on top, as comments."""
    kept = [each for each in text.splitlines() if not each.startswith("# mltui: ")]
    said = [f"# mltui: {each}" for each in str(error).splitlines()]
    return "\n".join([*said, *kept]) + "\n"
