"""Roll what keeps pods running back to an earlier revision: what would change is seen first.

A Deployment's revisions are its ReplicaSets; a StatefulSet's and a DaemonSet's are
ControllerRevisions, which hold the pod template as a patch. Source: Kubernetes docs,
"Rolling back".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mltui.errors import UsageError
from mltui.live.cells import age
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.describe import as_yaml, masked
from mltui.live.kube.verbs._objects import resource_of
from mltui.live.page import Line, Page, line, page, section
from mltui.live.times import read_time
from mltui.live.verbs._verb import Ref

KINDS = ("deployments", "statefulsets", "daemonsets")
_REVISION = "deployment.kubernetes.io/revision"
_CAUSE = "kubernetes.io/change-cause"
_HASH = "pod-template-hash"
_SHOWN_LINES = 12


@dataclass(frozen=True)
class Revision:
    """A revision that is still there."""

    number: int
    made_at: float | None
    cause: str
    images: tuple[str, ...]
    is_current: bool
    template: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def text(self) -> str:
        """`revision 6, 12m ago: web:v8`."""
        why = f" ({self.cause})" if self.cause else ""
        return f"revision {self.number}, {age(self.made_at)} ago: {', '.join(self.images)}{why}"


async def revisions(cluster: Cluster, ref: Ref) -> list[Revision]:
    """The revisions that are kept, newest first. MltuiError."""
    found = await cluster.client.get(await resource_of(cluster, ref), ref.namespace, ref.name)
    return await _revisions(cluster, ref, found)


async def _revisions(cluster: Cluster, ref: Ref, found: Mapping[str, Any]) -> list[Revision]:
    from mltui.engines.kubernetes.resources import REPLICA_SETS, REVISIONS

    is_deployment = ref.kind == "deployments"
    kept = REPLICA_SETS if is_deployment else REVISIONS
    listed = await cluster.client.get(kept, ref.namespace)
    owned = [
        each
        for each in (listed or {}).get("items") or ()
        if any(
            owner.get("uid") == ref.uid
            for owner in (each.get("metadata") or {}).get("ownerReferences") or ()
        )
    ]
    made = [each for each in map(_kept_set if is_deployment else _kept_patch, owned) if each]
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    current = str(annotations.get(_REVISION) or "")
    if not is_deployment:
        name = (found.get("status") or {}).get("updateRevision")
        numbers = {str((each.get("metadata") or {}).get("name")): each.get("revision")
                   for each in owned}  # fmt: skip
        newest = max((each.number for each in made), default=0)
        current = str(numbers.get(str(name), newest))
    marked = [
        Revision(each.number, each.made_at, each.cause, each.images,
                 str(each.number) == current, each.template)
        for each in made
    ]  # fmt: skip
    return sorted(marked, key=lambda revision: -revision.number)


def _kept_set(found: Mapping[str, Any]) -> Revision | None:
    """The revision that a ReplicaSet is."""
    meta = found.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    number = str(annotations.get(_REVISION) or "")
    if not number.isdecimal():
        return None
    template = dict((found.get("spec") or {}).get("template") or {})
    inner = dict(template.get("metadata") or {})
    labels = dict(inner.get("labels") or {})
    labels.pop(_HASH, None)
    return _revision(int(number), meta, {**template, "metadata": {**inner, "labels": labels}})


def _kept_patch(found: Mapping[str, Any]) -> Revision | None:
    """The revision of a ControllerRevision, whose data is a patch of the whole template."""
    template = dict((((found.get("data") or {}).get("spec")) or {}).get("template") or {})
    template.pop("$patch", None)
    number = found.get("revision")
    if not template or not isinstance(number, int):
        return None
    return _revision(number, found.get("metadata") or {}, template)


def _revision(number: int, meta: Mapping[str, Any], template: dict[str, Any]) -> Revision:
    containers = (template.get("spec") or {}).get("containers") or ()
    return Revision(
        number,
        read_time(meta.get("creationTimestamp")),
        str((meta.get("annotations") or {}).get(_CAUSE) or ""),
        tuple(str(one.get("image")) for one in containers),
        False,
        template,
    )


def difference(now: Revision, then: Revision) -> list[str]:
    """What changes in the pod template, as lines of a unified diff; secrets masked."""
    texts = [as_yaml(masked(each.template)).splitlines() for each in (now, then)]
    names = (f"revision {now.number}{' (now)' * now.is_current}", f"revision {then.number}")
    return list(difflib.unified_diff(texts[0], texts[1], names[0], names[1], n=2, lineterm=""))


async def roll_back(cluster: Cluster, ref: Ref, revision: Revision) -> str:
    """Use that revision's pod template again; the server refuses if it is another object now.

    UsageError for the revision it is at; ApiConflict, Unreachable.
    """
    if revision.is_current:
        raise UsageError(f"{ref.text} is at revision {revision.number} already")
    body = [
        {"op": "test", "path": "/metadata/uid", "value": ref.uid},
        {"op": "replace", "path": "/spec/template", "value": revision.template},
    ]
    await cluster.client.patch(
        await resource_of(cluster, ref), ref.namespace, ref.name, body, patch="json",
        query={"fieldManager": "mltui"},
    )  # fmt: skip
    return f"rolling {ref.text} back to revision {revision.number}"


async def history(cluster: Cluster, ref: Ref, standing: str) -> Page:
    """How the newest rollout stands, and each revision with what it changed. MltuiError.

    standing: how it is, in the list's words.
    """
    found = await cluster.client.get(await resource_of(cluster, ref), ref.namespace, ref.name)
    kept = await _revisions(cluster, ref, found)
    return page(
        f"{ref.title} {ref.name}: revisions",
        [
            section("Rollout", [line("stands", standing), *_rollout(found)]),
            section("Revisions", _history(kept)) if kept
            else section("Revisions", [line("", "none is kept", "dim")]),
        ],
    )  # fmt: skip


def _rollout(found: Mapping[str, Any]) -> Iterator[Line]:
    spec, status = found.get("spec") or {}, found.get("status") or {}
    wanted = spec.get("replicas", status.get("desiredNumberScheduled"))
    names = (
        ("updated", ("updatedReplicas", "updatedNumberScheduled")),
        ("ready", ("readyReplicas", "numberReady")),
        ("available", ("availableReplicas", "numberAvailable")),
    )
    for label, keys in names:
        count = next((status[key] for key in keys if key in status), 0)
        yield line(label, f"{count} of {wanted}")
    for each in status.get("conditions") or ():
        said = f"{each.get('status')}: {each.get('message') or each.get('reason') or ''}"
        is_bad = (each.get("type") == "ReplicaFailure") == (each.get("status") == "True")
        yield line(str(each.get("type")), said, "state-warning" if is_bad else "")
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    if strategy:
        yield line("strategy", strategy.get("type") or "not said")


def _history(kept: list[Revision]) -> Iterator[Line]:
    for index, each in enumerate(kept):
        now = " (now)" if each.is_current else ""
        yield line(f"{each.number}{now}", each.text.partition(", ")[2])
        if index + 1 == len(kept):
            continue
        changed = [text for text in difference(kept[index + 1], each)[2:] if text[:1] in ("+", "-")]
        for text in changed[:_SHOWN_LINES]:
            yield line("", f"  {text}", "good" if text[0] == "+" else "state-warning")
        if len(changed) > _SHOWN_LINES:
            yield line("", f"  and {len(changed) - _SHOWN_LINES} more lines", "dim")
