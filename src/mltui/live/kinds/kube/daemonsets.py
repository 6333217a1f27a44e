"""DaemonSets: `:ds`, `mltui ls daemonsets`."""

from __future__ import annotations

from mltui.engines.kubernetes.resources import DAEMON_SETS
from mltui.live.kind import Kind
from mltui.live.kinds.kube._keeping import keeping_kind
from mltui.live.kinds.kube._workload import WorkloadRow, read_daemon_set

KIND: Kind[WorkloadRow] = keeping_kind(
    "daemonset",
    "ds",
    DAEMON_SETS,
    read_daemon_set,
    ("restart", "set-image", "port-forward", "rollback", "edit", "delete"),
)
"""DaemonSets."""
