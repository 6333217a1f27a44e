"""Deployments: `:deploy`, `mltui ls deployments`."""

from __future__ import annotations

from mltui.engines.kubernetes.resources import DEPLOYMENTS
from mltui.live.cells import Column, age_column
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    columns,
    count_cell,
    dim,
    marked,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page import workload_sections
from mltui.live.kinds.kube._workload import Workload, WorkloadRow, ready_cell, state_rank
from mltui.live.kinds.kube._workload import read_deployment as _read

KIND: Kind[WorkloadRow] = Kind(
    name="deployments",
    title="deployment",
    engine="kubernetes",
    aliases=("deployment", "deploy", "dp"),
    columns=columns(
        name_column(),
        Column("ready", "READY", ready_cell, width=7, align="right", priority=180,
               sort=lambda r: r.ready - r.wanted, help="replicas that are ready, of those wanted"),
        Column("state", "STATE", lambda r: marked(r.state, r.word), min=11, flex=1, max=24,
               priority=190, shorten="end", sort=state_rank,
               help="as `kubectl rollout status` judges it"),
        Column("updated", "UPDATED", lambda r: count_cell(r.updated), width=7, align="right",
               priority=110, sort=lambda r: r.updated, help="replicas of the newest revision"),
        Column("available", "AVAIL", lambda r: count_cell(r.available), width=5, align="right",
               priority=80, sort=lambda r: r.available),
        Column("image", "IMAGE", lambda r: dim(r.image), min=18, flex=2, max=48, priority=100),
        place_column(priority=95),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("scale", "restart", "set-image", "port-forward", "rollback", "edit", "delete"),
    has_logs=True,
    empty="no deployments here",
    watched=Watched(DEPLOYMENTS, Workload, _read, pods=lambda row: row.selector,
                    sections=workload_sections),
)  # fmt: skip
"""Deployments."""
