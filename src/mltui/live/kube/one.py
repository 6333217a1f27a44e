"""One object by kind and name, without a list of it: for `mltui describe`, `exec`, `forward`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import Meta, Row, common
from mltui.live.kube.cluster import Cluster, Clusters
from mltui.live.kube.listing import kind_for, places_of
from mltui.live.verbs._verb import Ref, ref_of


@dataclass(frozen=True)
class One:
    """An object as it is."""

    clusters: Clusters
    cluster: Cluster
    kind: Kind[Any]
    row: Row
    """What all rows have, none of the kind's own."""
    raw: Mapping[str, Any]

    @property
    def full(self) -> Any:
        """The row as the kind's list has it."""
        assert self.kind.watched is not None
        return self.kind.watched.row(
            msgspec.convert(self.raw, self.kind.watched.item), self.row.context
        )

    @property
    def ref(self) -> Ref:
        """For verbs on it."""
        return ref_of(self.kind, self.row)


async def find_one(
    clusters: Clusters, word: str, name: str, *, context: str = "", namespace: str = ""
) -> One:
    """The object of this name; where nothing is said, in the current context and its namespace.

    UsageError for a kind that there is not, ApiNotFound, Forbidden, Unreachable.
    """
    where = places_of(clusters, [context] if context else [], [namespace] if namespace else [])
    place = where[0]
    cluster = clusters.cluster(place.context)
    kind = await kind_for(clusters, where, word)
    assert kind.watched is not None
    resource = kind.watched.resource
    found = await cluster.client.get(
        resource, place.namespace if resource.is_namespaced else None, name
    )
    meta = msgspec.convert(found.get("metadata") or {}, Meta)
    return One(clusters, cluster, kind, Row(**common(meta, place.context)), found)
