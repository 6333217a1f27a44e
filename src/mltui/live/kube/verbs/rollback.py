"""Roll a Deployment back to an earlier revision: what would change is seen before it is done."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

from mltui.errors import UsageError
from mltui.live.cells import age
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.describe import as_yaml, masked
from mltui.live.times import read_time
from mltui.live.verbs._verb import Ref

_REVISION = "deployment.kubernetes.io/revision"
_CAUSE = "kubernetes.io/change-cause"
_HASH = "pod-template-hash"


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
    """The revisions of a Deployment, newest first. MltuiError."""
    from mltui.engines.kubernetes.resources import DEPLOYMENTS, REPLICA_SETS

    client = cluster.client
    found = await client.get(DEPLOYMENTS, ref.namespace, ref.name)
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    current = str(annotations.get(_REVISION) or "")
    listed = await client.get(REPLICA_SETS, ref.namespace)
    out = []
    for each in (listed or {}).get("items") or ():
        meta = each.get("metadata") or {}
        owners = meta.get("ownerReferences") or ()
        number = str((meta.get("annotations") or {}).get(_REVISION) or "")
        if not number.isdecimal() or all(owner.get("uid") != ref.uid for owner in owners):
            continue
        template = _template(each)
        out.append(
            Revision(
                int(number),
                read_time(meta.get("creationTimestamp")),
                str((meta.get("annotations") or {}).get(_CAUSE) or ""),
                tuple(
                    str(one.get("image"))
                    for one in (template.get("spec") or {}).get("containers") or ()
                ),
                number == current,
                template,
            )
        )
    return sorted(out, key=lambda revision: -revision.number)


def _template(found: dict[str, Any]) -> dict[str, Any]:
    """A ReplicaSet's pod template as the Deployment's would be."""
    template = dict((found.get("spec") or {}).get("template") or {})
    meta = dict(template.get("metadata") or {})
    labels = dict(meta.get("labels") or {})
    labels.pop(_HASH, None)
    return {**template, "metadata": {**meta, "labels": labels}}


def difference(now: Revision, then: Revision) -> list[str]:
    """What changes in the pod template, as lines of a unified diff; secrets masked."""
    texts = [as_yaml(masked(each.template)).splitlines() for each in (now, then)]
    names = (f"revision {now.number} (now)", f"revision {then.number}")
    return list(difflib.unified_diff(texts[0], texts[1], names[0], names[1], n=2, lineterm=""))


async def roll_back(cluster: Cluster, ref: Ref, revision: Revision) -> str:
    """Use that revision's pod template again; the server refuses if it is another object now."""
    if revision.is_current:
        raise UsageError(f"{ref.text} is at revision {revision.number} already")
    from mltui.engines.kubernetes.resources import DEPLOYMENTS

    body = [
        {"op": "test", "path": "/metadata/uid", "value": ref.uid},
        {"op": "replace", "path": "/spec/template", "value": revision.template},
    ]
    await cluster.client.patch(
        DEPLOYMENTS, ref.namespace, ref.name, body, patch="json", query={"fieldManager": "mltui"}
    )
    return f"rolling {ref.text} back to revision {revision.number}"
