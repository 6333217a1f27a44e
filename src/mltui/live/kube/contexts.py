"""The list of contexts: the clusters of the person's kubeconfig, and which are looked at."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mltui.live.cells import Cell, Column, plain
from mltui.live.kind import Kind
from mltui.live.kube.cluster import Clusters
from mltui.live.kube.place import Place
from mltui.live.table import Table, by_key
from mltui.text import glyph, unicode_ok


@dataclass(frozen=True, slots=True)
class ContextRow:
    """What is shown of a context."""

    name: str
    cluster: str
    user: str
    namespace: str
    server: str
    is_shown: bool

    @property
    def context(self) -> str:
        """Its name, as rows of clusters have it."""
        return self.name


def context_table(clusters: Clusters, where: tuple[Place, ...]) -> Table[ContextRow]:
    """All contexts; nothing is connected for it."""
    shown = {place.context for place in where}
    config = clusters.config
    rows = [
        ContextRow(
            each.name,
            each.cluster,
            each.user,
            each.namespace,
            str(config.clusters[each.cluster].values.get("server") or "")
            if each.cluster in config.clusters
            else "",
            each.name in shown,
        )
        for each in config.contexts.values()
    ]
    table: Table[ContextRow] = Table("kubeconfig", heard=time.time)
    table.replace(by_key(rows, lambda row: row.name))
    return table


def _mark(row: ContextRow) -> Cell:
    return Cell(glyph("running", unicode=unicode_ok()) if row.is_shown else " ", "accent")


CONTEXTS: Kind[ContextRow] = Kind(
    name="contexts",
    title="context",
    engine="kubernetes",
    aliases=("context", "ctx"),
    columns=(
        Column("shown", "", _mark, width=1, priority=210, help="it is looked at"),
        Column("name", "CONTEXT", lambda r: Cell(plain(r.name)), min=12, flex=3, max=60,
               priority=200),
        Column("namespace", "NAMESPACE", lambda r: Cell(plain(r.namespace)), min=8, flex=1,
               max=30, priority=120, help="its own namespace"),
        Column("cluster", "CLUSTER", lambda r: Cell(plain(r.cluster), "dim"), min=8, flex=1,
               max=40, priority=100),
        Column("user", "USER", lambda r: Cell(plain(r.user), "dim"), min=8, flex=1, max=40,
               priority=90),
        Column("server", "SERVER", lambda r: Cell(plain(r.server), "dim"), min=12, flex=2, max=48,
               priority=110),
    ),
    key=lambda row: row.name,
    label=lambda row: row.name,
    empty="the kubeconfig has no contexts",
)  # fmt: skip
"""Contexts."""
