"""Where Enter leads from a row of Kubernetes: into a namespace, a context, or to its pods. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import selector_text
from mltui.live.kube.place import ALL, Place, Where, contexts_of, normal

_INTO = ("deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "services")


def into(kind: Kind[Any], chosen: Sequence[Any], where: Where) -> tuple[Where, str] | None:
    """The places to look at and the list to show there ("": the one before); None: neither."""
    if kind.name == "namespaces":
        return normal(Place(row.context, row.name) for row in chosen), ""
    if kind.name == "contexts":
        known = contexts_of(where)
        places: list[Place] = []
        for row in chosen:
            kept = [place for place in where if place.context == row.name]
            places += kept if row.name in known and kept else [Place(row.name, row.namespace)]
        return normal(places), ""
    if kind.name in _INTO and len(chosen) == 1 and kind.watched is not None:
        row = chosen[0]
        labels = kind.watched.pods(row) if kind.watched.pods is not None else ()
        if labels:
            return where, f"pods?{selector_text(dict(labels))}"
    if kind.name == "nodes" and len(chosen) == 1:
        node = chosen[0]
        return (Place(node.context, ALL),), f"pods?spec.nodeName={node.name}"
    return None
