"""Pods: `:pods`, `mltui ls pods`."""

from __future__ import annotations

from mltui.engines.kubernetes.resources import POD_METRICS, PODS
from mltui.live.cells import Cell, Column, age_column
from mltui.live.kind import Kind, Measured, Watched
from mltui.live.kinds.kube._object import (
    columns,
    count_cell,
    dim,
    marked,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page import pod_sections
from mltui.live.kinds.kube._pod import (
    Pod,
    PodMetrics,
    PodRow,
    carry,
    read_pod,
    with_usage,
)
from mltui.live.kinds.kube._quantity import (
    format_cpu,
    format_memory,
    share,
    share_cell,
    used_cell,
)

_RANK = {"failed": 0, "warning": 1, "unknown": 2, "waiting": 3, "running": 4, "succeeded": 5}


def _ready(row: PodRow) -> Cell:
    text = f"{row.ready}/{len(row.containers)}"
    return Cell(text, "dim" if row.ready == len(row.containers) or row.ended_at else "")


def _cpu(row: PodRow) -> Cell:
    return used_cell(format_cpu(row.cpu), share(row.cpu, row.cpu_limit))


def _memory(row: PodRow) -> Cell:
    return used_cell(format_memory(row.memory), share(row.memory, row.memory_limit))


KIND: Kind[PodRow] = Kind(
    name="pods",
    title="pod",
    engine="kubernetes",
    aliases=("pod", "po"),
    columns=columns(
        name_column(),
        Column("ready", "READY", _ready, width=5, align="right", priority=170,
               sort=lambda r: r.ready - len(r.containers), help="containers that are ready"),
        Column("state", "STATUS", lambda r: marked(r.state, r.status), min=18, flex=1, max=26,
               priority=190, shorten="end", sort=lambda r: (_RANK.get(r.state, 9), r.status),
               help="kubectl's word for it"),
        Column("restarts", "↻", lambda r: count_cell(r.restarts, warns=True), width=4,
               align="right", priority=150, sort=lambda r: r.restarts, help="restarts"),
        Column("cpu", "CPU", _cpu, width=6, align="right", priority=140, sort=lambda r: r.cpu,
               help="in use, in thousandths of a processor"),
        Column("memory", "MEM", _memory, width=7, align="right", priority=141,
               sort=lambda r: r.memory, help="in use"),
        Column("cpu_share", "%CPU/L", lambda r: share_cell(share(r.cpu, r.cpu_limit)), width=6,
               align="right", priority=60, sort=lambda r: share(r.cpu, r.cpu_limit),
               help="of its limit"),
        Column("memory_share", "%MEM/L", lambda r: share_cell(share(r.memory, r.memory_limit)),
               width=6, align="right", priority=61, sort=lambda r: share(r.memory, r.memory_limit),
               help="of its limit"),
        place_column(priority=100),
        Column("node", "NODE", lambda r: dim(r.node), min=6, flex=1, max=24, priority=70),
        Column("ip", "IP", lambda r: dim(r.ip), width=15, priority=30),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    carry=carry,
    actions=("shell", "port-forward", "edit", "delete", "kill"),
    has_logs=True,
    has_stats=True,
    text=lambda r: f"{r.context} {r.namespace} {r.name} {r.status} {r.node} {r.ip} {r.place.text}",
    empty="no pods here",
    watched=Watched(
        PODS, Pod, read_pod, sections=pod_sections, measured=Measured(POD_METRICS, PodMetrics,
                                               lambda found: found.totals, with_usage)
    ),
)  # fmt: skip
"""Pods."""
