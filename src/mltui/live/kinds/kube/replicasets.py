"""ReplicaSets: `:rs`, `mltui ls replicasets`."""

from __future__ import annotations

from mltui.engines.kubernetes.resources import REPLICA_SETS
from mltui.live.kind import Kind
from mltui.live.kinds.kube._keeping import keeping_kind
from mltui.live.kinds.kube._workload import WorkloadRow, read_replica_set

KIND: Kind[WorkloadRow] = keeping_kind(
    "replicaset",
    "rs",
    REPLICA_SETS,
    read_replica_set,
    ("scale", "edit", "delete"),
)
"""ReplicaSets."""
