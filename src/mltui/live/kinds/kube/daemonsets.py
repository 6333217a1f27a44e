"""DaemonSets: `:ds`, `mltui ls daemonsets`."""

from __future__ import annotations

from mltui.engines.kubernetes.resources import DAEMON_SETS
from mltui.live.cells import Column
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    age_column,
    columns,
    dim,
    marked,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page import workload_sections
from mltui.live.kinds.kube._workload import Workload, WorkloadRow, ready_cell, state_rank
from mltui.live.kinds.kube._workload import read_daemon_set as _read

KIND: Kind[WorkloadRow] = Kind(
    name="daemonsets",
    title="daemonset",
    engine="kubernetes",
    aliases=("daemonset", "ds"),
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
    actions=("restart", "set-image", "port-forward", "rollback", "edit", "delete"),
    has_logs=True,
    empty="no daemonsets here",
    watched=Watched(DAEMON_SETS, Workload, _read, pods=lambda row: row.selector,
                    sections=workload_sections),
)  # fmt: skip
"""DaemonSets."""
