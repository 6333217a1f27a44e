"""What the verbs share: the resource of a reference, questions, how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mltui.errors import Conflict
from mltui.live.kinds import kube_kinds
from mltui.live.kube.cluster import Cluster
from mltui.live.verbs._verb import Ref, counted, named

if TYPE_CHECKING:
    from mltui.engines.kubernetes.resources import Resource


async def resource_of(cluster: Cluster, ref: Ref) -> Resource:
    """The resource that a reference's kind is. Conflict when the cluster has none any more."""
    kind = kube_kinds().get(ref.kind)
    if kind is not None and kind.watched is not None:
        return kind.watched.resource
    from mltui.live.kube.anykind import find

    found = find(await cluster.resources(), ref.kind)
    if found is None:
        raise Conflict(f"{cluster.name} has no {ref.kind} any more")
    return found


async def change(
    cluster: Cluster, ref: Ref, body: dict[str, Any], *, subresource: str = "", patch: str = "merge"
) -> Any:
    """Patch the object that the person saw. ApiConflict when it is another one now."""
    resource = await resource_of(cluster, ref)
    meta = {**body.get("metadata", {}), "uid": ref.uid}
    chosen: Any = patch
    return await cluster.client.patch(
        resource, ref.namespace or None, ref.name, {**body, "metadata": meta},
        patch=chosen, subresource=subresource, query={"fieldManager": "mltui"},
    )  # fmt: skip


def place_text(refs: Sequence[Ref]) -> str:
    """`kind/digits-dev`, `kind`, `3 namespaces of kind`, `2 clusters`."""
    contexts = list(dict.fromkeys(ref.context for ref in refs))
    namespaces = list(dict.fromkeys(ref.namespace for ref in refs))
    if len(contexts) > 1:
        return f"{len(contexts)} clusters ({', '.join(contexts)})"
    if len(namespaces) > 1:
        return f"{len(namespaces)} namespaces of {contexts[0]}"
    return f"{contexts[0]}/{namespaces[0]}" if namespaces[0] else contexts[0]


def whom(refs: Sequence[Ref]) -> str:
    """`pod train-2 in kind/digits-dev`, `3 pods in kind/digits-dev`."""
    titles = {ref.title for ref in refs}
    title = refs[0].title if len(titles) == 1 else "object"
    what = f"{title} {refs[0].name}" if len(refs) == 1 else counted(len(refs), title)
    return f"{what} in {place_text(refs)}"


__all__ = ["change", "named", "place_text", "resource_of", "whom"]
