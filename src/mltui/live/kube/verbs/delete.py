"""Delete objects: the very ones that the person saw, and what they own."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.live.kube.cluster import Cluster
from mltui.live.kube.verbs._objects import named, resource_of, whom
from mltui.live.verbs._verb import Question, Ref

_TAKES = {
    "deployments": "pods", "statefulsets": "pods", "daemonsets": "pods", "replicasets": "pods",
    "jobs": "pods", "cronjobs": "jobs",
}  # fmt: skip


async def delete(cluster: Cluster, ref: Ref, *, now: bool = False) -> str:
    """Delete it in the background; `now`: without the time it has to end."""
    resource = await resource_of(cluster, ref)
    await cluster.client.delete(
        resource, ref.namespace or None, ref.name, uid=ref.uid, grace_s=0 if now else None
    )
    return f"deleting {ref.text}"


def question(refs: Sequence[Ref], *, now: bool = False) -> Question:
    """What to ask, and what follows from it."""
    one = len(refs) == 1
    owners = list(dict.fromkeys(ref.owner for ref in refs if ref.owner))
    kind = refs[0].kind
    verb = "Kill" if now else "Delete"
    said = ""
    if kind == "namespaces":
        said = " Everything in it goes too." if one else " Everything in them goes too."
    elif owners and kind == "pods":
        who = owners[0].replace("/", " ") if len(owners) == 1 else f"{len(owners)} owners"
        end = "will be replaced" if not owners[0].startswith("Job/") else "may be tried again"
        said = f" {'It belongs' if one else 'They belong'} to {who} and {end}."
    elif kind in _TAKES:
        said = f" {'Its' if one else 'Their'} {_TAKES[kind]} go too."
    elif kind in ("persistentvolumeclaims", "secrets", "configmaps"):
        said = " What is in it may be lost." if one else " What is in them may be lost."
    if now:
        said += " It gets no time to end." if one else " They get no time to end."
    return Question(f"{verb} {whom(refs)}?{said}", verb, detail=named(refs))
