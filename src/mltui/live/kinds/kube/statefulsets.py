"""StatefulSets: `:sts`, `mltui ls statefulsets`."""

from __future__ import annotations

from mltui.engines.kubernetes.resources import STATEFUL_SETS
from mltui.live.kind import Kind
from mltui.live.kinds.kube._keeping import keeping_kind
from mltui.live.kinds.kube._workload import WorkloadRow, read_stateful_set

KIND: Kind[WorkloadRow] = keeping_kind(
    "statefulset",
    "sts",
    STATEFUL_SETS,
    read_stateful_set,
    ("scale", "restart", "set-image", "port-forward", "rollback", "edit", "delete"),
)
"""StatefulSets."""
