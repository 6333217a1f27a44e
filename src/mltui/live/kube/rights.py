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
_OF_PODS = ("exec", "portforward")
"""Those are of pods, whatever leads to them."""


def _needed(kind: Kind[Any]) -> dict[str, tuple[str, Resource, str]]:
    """Verb, resource and subresource by the verbs of a kind."""
    from mltui.engines.kubernetes.resources import PODS

    assert kind.watched is not None
    own = kind.watched.resource
    found: dict[str, tuple[str, Resource, str]] = {}
    for name in kind.actions:
        if name in _NEEDS:
            verb, part = _NEEDS[name]
            found[name] = (verb, PODS if part in _OF_PODS else own, part)
    if kind.name == "pods" or kind.watched.pods is not None:
        found["log"] = ("get", PODS, "log")
    return found


async def learn(clusters: Clusters, kind: Kind[Any], where: Sequence[Place]) -> None:
    """Ask what one may do to objects of this kind there; what is known lately is not asked."""
    if kind.watched is None:
        return
    needed = set(_needed(kind).values())

    async def ask(place: Place, verb: str, resource: Resource, part: str) -> None:
        namespace = place.namespace if resource.is_namespaced else ""
        with suppress(MltuiError):
            await clusters.cluster(place.context).may(verb, resource, namespace, part)

    await asyncio.gather(*(ask(place, *each) for place in where for each in needed))


def denied(clusters: Clusters, kind: Kind[Any], rows: Iterable[Any]) -> dict[str, str]:
    """Verbs that one is known not to be allowed on any of these rows, with a sentence."""
    if kind.watched is None:
        return {}
    out = {}
    for name, needed in _needed(kind).items():
        said = [_no(clusters.cluster(row.context), row, *needed) for row in rows]
        if said and all(said):
            out[name] = said[0]
    return out


def _no(cluster: Cluster, row: Any, verb: str, resource: Resource, part: str) -> str:
    from mltui.engines.kubernetes.errors import may_not
    from mltui.engines.kubernetes.resources import Call

    namespace = row.namespace if resource.is_namespaced else ""
    if cluster.known_right(verb, resource, namespace, part) is not False:
        return ""
    return may_not(Call(verb, resource, namespace or None, "", part), cluster.name)
