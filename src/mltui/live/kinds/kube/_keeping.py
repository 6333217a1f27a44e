"""The kind of what keeps pods running and is no Deployment: one declaration, three of them.

Used by `daemonsets`, `replicasets` and `statefulsets`, which add their names, verbs and meaning.
"""

from __future__ import annotations

from collections.abc import Callable

from mltui.engines.kubernetes.resources import Resource
from mltui.live.cells import Column, age_column
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    columns,
    dim,
    marked,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page import workload_sections
from mltui.live.kinds.kube._workload import Workload, WorkloadRow, ready_cell, state_rank


def keeping_kind(
    title: str,
    short: str,
    resource: Resource,
    read: Callable[[Workload, str], WorkloadRow],
    actions: tuple[str, ...],
) -> Kind[WorkloadRow]:
    """`title`: one of them, `statefulset`; `short`: as `kubectl` has it too, `sts`."""
    return Kind(
        name=f"{title}s",
        title=title,
        engine="kubernetes",
        aliases=(title, short),
        columns=columns(
            name_column(),
            Column("ready", "READY", ready_cell, width=7, align="right", priority=180,
                   sort=lambda r: r.ready - r.wanted, help="pods that are ready, of those wanted"),
            Column("state", "STATE", lambda r: marked(r.state, r.word), min=11, flex=1, max=24,
                   priority=190, shorten="end", sort=state_rank),
            Column("image", "IMAGE", lambda r: dim(r.image), min=10, flex=2, max=48, priority=100),
            Column("owner", "OWNER", lambda r: dim(r.owner), min=8, flex=1, max=40, priority=70),
            place_column(priority=95),
            age_column(),
        ),
        key=lambda row: row.key,
        label=lambda row: row.name,
        actions=actions,
        has_logs=True,
        empty=f"no {title}s here",
        watched=Watched(resource, Workload, read, pods=lambda row: row.selector,
                        sections=workload_sections),
    )  # fmt: skip
