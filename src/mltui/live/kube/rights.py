"""What one may do to the objects of a list, asked before a key is pressed.

The answers make keys say "you may not …" at once, and keep those off the footer. Who can't be asked
is believed to allow it: the server decides in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError
from mltui.live.kind import Kind
from mltui.live.kube.cluster import Cluster, Clusters
from mltui.live.kube.place import Place

if TYPE_CHECKING:
    from mltui.engines.kubernetes.resources import Resource

_NEEDS: Mapping[str, tuple[str, str]] = {
    "delete": ("delete", ""),
    "kill": ("delete", ""),
    "scale": ("patch", "scale"),
    "restart": ("patch", ""),
    "set-image": ("patch", ""),
    "rollback": ("patch", ""),
    "suspend": ("patch", ""),
    "unsuspend": ("patch", ""),
    "cordon": ("patch", ""),
    "uncordon": ("patch", ""),
    "edit": ("update", ""),
    "shell": ("create", "exec"),
    "port-forward": ("create", "portforward"),
    "reveal": ("get", ""),
}
"""Verb and subresource of the API that a verb needs on the kind's resource."""


def _needed(kind: Kind[Any]) -> dict[str, tuple[str, str]]:
    found = {verb: _NEEDS[verb] for verb in kind.actions if verb in _NEEDS}
    if kind.watched is None or (found and kind.name != "pods"):
        found.pop("port-forward", None)  # it needs a right on pods
    if kind.name == "pods":
        found["log"] = ("get", "log")
    return found


async def learn(clusters: Clusters, kind: Kind[Any], where: Sequence[Place]) -> None:
    """Ask what one may do to objects of this kind there; what is known lately is not asked."""
    if kind.watched is None:
        return
    resource = kind.watched.resource
    asked = {
        (place.context, place.namespace if resource.is_namespaced else "", verb, sub)
        for place in where
        for verb, sub in _needed(kind).values()
    }

    async def ask(context: str, namespace: str, verb: str, sub: str) -> None:
        with suppress(MltuiError):
            await clusters.cluster(context).may(verb, resource, namespace, sub)

    await asyncio.gather(*(ask(*each) for each in sorted(asked)))


def denied(clusters: Clusters, kind: Kind[Any], rows: Iterable[Any]) -> dict[str, str]:
    """Verbs that one is known not to be allowed on any of these rows, with a sentence."""
    if kind.watched is None:
        return {}
    resource, out = kind.watched.resource, {}
    for name, (verb, sub) in _needed(kind).items():
        said = [_no(clusters.cluster(row.context), resource, row, verb, sub) for row in rows]
        if said and all(said):
            out[name] = said[0]
    return out


def _no(cluster: Cluster, resource: Resource, row: Any, verb: str, sub: str) -> str:
    from mltui.engines.kubernetes.resources import Call

    namespace = row.namespace if resource.is_namespaced else ""
    if cluster.known_right(verb, resource, namespace, sub) is not False:
        return ""
    call = Call(verb, resource, namespace or None, "", "" if sub == "scale" else sub)
    return f"you may not {call.text} in {cluster.name}"
