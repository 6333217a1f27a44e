"""Nodes: `:nodes`, `mltui ls nodes`."""

from __future__ import annotations

from typing import Any

import msgspec

from mltui.engines.kubernetes.resources import NODE_METRICS, NODES
from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.kind import Kind, Measured, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    common,
    context_column,
    dim,
    marked,
    name_column,
)
from mltui.live.kinds.kube._page import node_sections
from mltui.live.kinds.kube._pod import Usage
from mltui.live.kinds.kube._quantity import (
    amount,
    format_cpu,
    format_memory,
    share,
    share_cell,
    used_cell,
)

_PREFIX = "node-role.kubernetes.io/"


class _Taint(msgspec.Struct, gc=False):
    key: str = ""
    value: str = ""
    effect: str = ""


class _Spec(msgspec.Struct, gc=False):
    unschedulable: bool = False
    taints: list[_Taint] | None = None


class _Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class _Info(msgspec.Struct, gc=False, rename="camel"):
    kubelet_version: str = ""
    architecture: str = ""
    os_image: str = ""
    container_runtime_version: str = ""


class _Address(msgspec.Struct, gc=False):
    type: str = ""
    address: str = ""


class _Status(msgspec.Struct, gc=False, rename="camel"):
    allocatable: dict[str, str] | None = None
    conditions: list[_Condition] | None = None
    node_info: _Info | None = None
    addresses: list[_Address] | None = None


class Node(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class NodeRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a node."""

    state: str = "unknown"
    word: str = ""
    reason: str = ""
    roles: tuple[str, ...] = ()
    kubelet: str = ""
    arch: str = ""
    address: str = ""
    taints: tuple[str, ...] = ()
    is_cordoned: bool = False
    cpu_total: float | None = None
    """What pods may use."""
    memory_total: float | None = None
    gpus: int = 0
    pods_total: int = 0
    cpu: float | None = None
    memory: float | None = None

    @property
    def error(self) -> str:
        """For the line about the row."""
        return self.reason


_PRESSURE = {
    "MemoryPressure": "low memory", "DiskPressure": "low disk", "PIDPressure": "many processes",
    "NetworkUnavailable": "no network",
}  # fmt: skip


def read_node(node: Node, context: str) -> NodeRow:
    """The row of a node."""
    status, spec = node.status, node.spec
    conditions = {each.type: each for each in status.conditions or ()}
    ready = conditions.get("Ready")
    state, word, reason = "running", "ready", ""
    if ready is None or ready.status != "True":
        lost = ready is not None and ready.status == "Unknown"
        state, word = ("unknown", "no word of it") if lost else ("failed", "not ready")
        reason = ready.message if ready is not None else ""
    else:
        pressed = [kind for kind in _PRESSURE if kind in conditions
                   and conditions[kind].status == "True"]  # fmt: skip
        if pressed:
            state, word = "warning", ", ".join(_PRESSURE[kind] for kind in pressed)
            reason = conditions[pressed[0]].message
    if spec.unschedulable:
        state, word = ("paused", "cordoned") if state == "running" else (state, f"cordoned, {word}")
    labels = node.metadata.labels or {}
    total = status.allocatable or {}
    info = status.node_info or _Info()
    gpus = sum(amount(value) or 0 for name, value in total.items() if name.endswith("/gpu"))
    return NodeRow(
        **common(node.metadata, context), state=state, word=word, reason=reason,
        roles=tuple(sorted(name[len(_PREFIX):] for name in labels if name.startswith(_PREFIX))),
        kubelet=info.kubelet_version, arch=info.architecture,
        address=next((a.address for a in status.addresses or () if a.type == "InternalIP"), ""),
        taints=tuple(f"{each.key}:{each.effect}" for each in spec.taints or ()),
        is_cordoned=spec.unschedulable, cpu_total=amount(total.get("cpu")),
        memory_total=amount(total.get("memory")), gpus=int(gpus),
        pods_total=int(amount(total.get("pods")) or 0),
    )  # fmt: skip


class NodeMetrics(msgspec.Struct, gc=False):
    """What metrics.k8s.io says of a node."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    usage: Usage = msgspec.field(default_factory=Usage)


def _with_usage(row: NodeRow, cpu: float | None, memory: float | None) -> NodeRow:
    found: NodeRow = msgspec.structs.replace(row, cpu=cpu, memory=memory)
    return found


def _carry(old: Any, new: Any) -> Any:
    return _with_usage(new, old.cpu, old.memory) if old.cpu is not None else new


_RANK = {"failed": 0, "unknown": 1, "warning": 2, "paused": 3, "running": 4}

KIND: Kind[NodeRow] = Kind(
    name="nodes",
    title="node",
    engine="kubernetes",
    aliases=("node", "no"),
    columns=(
        context_column(),
        name_column(),
        Column("state", "STATE", lambda r: marked(r.state, r.word), min=11, flex=1, max=24,
               priority=190, shorten="end", sort=lambda r: (_RANK.get(r.state, 9), r.word)),
        Column("cpu", "CPU", lambda r: used_cell(format_cpu(r.cpu), share(r.cpu, r.cpu_total)),
               width=6, align="right", priority=170, sort=lambda r: r.cpu),
        Column("cpu_share", "%CPU", lambda r: share_cell(share(r.cpu, r.cpu_total)), width=5,
               align="right", priority=150, sort=lambda r: share(r.cpu, r.cpu_total),
               help="in use, of what pods may use"),
        Column("memory", "MEM", lambda r: used_cell(
                   format_memory(r.memory), share(r.memory, r.memory_total)),
               width=7, align="right", priority=169, sort=lambda r: r.memory),
        Column("memory_share", "%MEM", lambda r: share_cell(share(r.memory, r.memory_total)),
               width=5, align="right", priority=149,
               sort=lambda r: share(r.memory, r.memory_total),
               help="in use, of what pods may use"),
        Column("cpus", "CPUS", lambda r: Cell(f"{r.cpu_total or 0:g}"), width=5, align="right",
               priority=120, sort=lambda r: r.cpu_total, help="processors for pods"),
        Column("mem_total", "TOTAL", lambda r: Cell(format_memory(r.memory_total)), width=7,
               align="right", priority=119, sort=lambda r: r.memory_total,
               help="memory for pods"),
        Column("gpus", "GPU", lambda r: Cell(str(r.gpus), "" if r.gpus else "dim"), width=3,
               align="right", priority=118, sort=lambda r: r.gpus),
        Column("roles", "ROLES", lambda r: dim(", ".join(r.roles)), min=13, flex=1, max=24,
               priority=100),
        Column("taints", "TAINTS", lambda r: Cell(plain(", ".join(r.taints)),
                                                  "state-warning" if r.taints else ""),
               min=6, flex=1, max=36, priority=60),
        Column("kubelet", "VERSION", lambda r: dim(r.kubelet), width=9, priority=110),
        Column("address", "ADDRESS", lambda r: dim(r.address), width=15, priority=50),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    carry=_carry,
    actions=("cordon", "uncordon", "edit", "delete"),
    has_stats=True,
    empty="no nodes here",
    watched=Watched(
        NODES, Node, read_node,
        sections=node_sections,
        measured=Measured(NODE_METRICS, NodeMetrics, lambda found: (
            amount(found.usage.cpu) or 0.0, amount(found.usage.memory) or 0.0), _with_usage),
    ),
)  # fmt: skip
"""Nodes."""
