"""How what keeps pods running stands: Deployments, StatefulSets, DaemonSets, ReplicaSets. Pure.

Judged as `kubectl rollout status` does (its source: `rollout_status.go`), so that "done" means the
same in both.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mltui.live.cells import Cell
from mltui.live.kinds.kube._object import Meta, Row, common


class _Template(msgspec.Struct, gc=False):
    spec: _PodSpec | None = None


class _PodSpec(msgspec.Struct, gc=False):
    containers: list[_Container] | None = None


class _Container(msgspec.Struct, gc=False):
    name: str = ""
    image: str = ""


class _Selector(msgspec.Struct, gc=False, rename="camel"):
    match_labels: dict[str, str] | None = None
    match_expressions: list[Any] | None = None


class _Strategy(msgspec.Struct, gc=False):
    type: str = ""


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    replicas: int | None = None
    paused: bool = False
    selector: _Selector | None = None
    template: _Template | None = None
    update_strategy: _Strategy | None = None


class _Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class _Status(msgspec.Struct, gc=False, rename="camel"):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    updated_number_scheduled: int = 0
    conditions: list[_Condition] | None = None


class Workload(msgspec.Struct, gc=False):
    """The fields that are shown, of all four kinds."""

    metadata: Meta = msgspec.field(default_factory=Meta)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class WorkloadRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of one."""

    state: str = "unknown"
    word: str = ""
    reason: str = ""
    wanted: int = 0
    ready: int = 0
    updated: int = 0
    available: int = 0
    is_paused: bool = False
    image: str = ""
    images: tuple[tuple[str, str], ...] = ()
    """Container and image."""
    revision: str = ""
    selector: tuple[tuple[str, str], ...] = ()
    """The labels of its pods."""

    @property
    def error(self) -> str:
        """For the line about the row."""
        return self.reason


def _fields(found: Workload, context: str) -> dict[str, Any]:
    spec = found.spec
    template = spec.template.spec if spec.template is not None else None
    containers = (template.containers if template is not None else None) or []
    images = tuple([(each.name, each.image) for each in containers])
    labels = (spec.selector.match_labels if spec.selector is not None else None) or {}
    return {
        **common(found.metadata, context),
        "image": ", ".join(dict.fromkeys(image for _, image in images)),
        "images": images,
        "is_paused": spec.paused,
        "revision": (found.metadata.annotations or {}).get("deployment.kubernetes.io/revision", ""),
        "selector": tuple(sorted(labels.items())),
    }


def _is_seen(found: Workload) -> bool:
    """The controller has looked at the newest spec."""
    return (found.metadata.generation or 0) <= found.status.observed_generation


def read_deployment(found: Workload, context: str) -> WorkloadRow:
    """The row of a Deployment."""
    spec, status = found.spec, found.status
    wanted = 1 if spec.replicas is None else spec.replicas
    conditions = {each.type: each for each in status.conditions or ()}
    progress, failure = conditions.get("Progressing"), conditions.get("ReplicaFailure")
    state, word, reason = "running", "ready", ""
    if failure is not None and failure.status == "True":
        state, word, reason = "failed", "can't make pods", failure.message
    elif progress is not None and progress.reason == "ProgressDeadlineExceeded":
        state, word, reason = "failed", "stuck", progress.message
    elif spec.paused:
        state, word = "paused", "paused"
    elif not _is_seen(found) or status.updated_replicas < wanted:
        state, word = "waiting", "updating"
    elif status.replicas > status.updated_replicas:
        state, word = "waiting", "ending old pods"
    elif status.available_replicas < status.updated_replicas:
        state, word = "waiting", "starting"
        available = conditions.get("Available")
        if available is not None and available.status == "False":
            reason = available.message
    elif wanted == 0:
        state, word = "pending", "scaled to 0"
    return WorkloadRow(
        **_fields(found, context), state=state, word=word, reason=reason, wanted=wanted,
        ready=status.ready_replicas, updated=status.updated_replicas,
        available=status.available_replicas,
    )  # fmt: skip


def read_stateful_set(found: Workload, context: str) -> WorkloadRow:
    """The row of a StatefulSet."""
    spec, status = found.spec, found.status
    wanted = 1 if spec.replicas is None else spec.replicas
    state, word = "running", "ready"
    if not _is_seen(found):
        state, word = "waiting", "updating"
    elif status.ready_replicas < wanted:
        state, word = "waiting", "starting"
    elif status.update_revision != status.current_revision:
        state, word = "waiting", "updating"
    elif wanted == 0:
        state, word = "pending", "scaled to 0"
    return WorkloadRow(
        **_fields(found, context), state=state, word=word, wanted=wanted,
        ready=status.ready_replicas, updated=status.updated_replicas,
        available=status.available_replicas,
    )  # fmt: skip


def read_daemon_set(found: Workload, context: str) -> WorkloadRow:
    """The row of a DaemonSet: one pod on each node that fits."""
    status = found.status
    wanted = status.desired_number_scheduled
    state, word = "running", "ready"
    if not _is_seen(found) or status.updated_number_scheduled < wanted:
        state, word = "waiting", "updating"
    elif status.number_available < wanted:
        state, word = "waiting", "starting"
    elif wanted == 0:
        state, word = "pending", "no node fits"
    return WorkloadRow(
        **_fields(found, context), state=state, word=word, wanted=wanted,
        ready=status.number_ready, updated=status.updated_number_scheduled,
        available=status.number_available,
    )  # fmt: skip


def read_replica_set(found: Workload, context: str) -> WorkloadRow:
    """The row of a ReplicaSet; an old revision of a Deployment wants none."""
    spec, status = found.spec, found.status
    wanted = 1 if spec.replicas is None else spec.replicas
    failure = next((c for c in status.conditions or () if c.type == "ReplicaFailure"), None)
    state, word, reason = "running", "ready", ""
    if failure is not None and failure.status == "True":
        state, word, reason = "failed", "can't make pods", failure.message
    elif wanted == 0 and status.replicas == 0:
        state, word = "pending", "old" if found.metadata.owner_references else "scaled to 0"
    elif status.ready_replicas < wanted:
        state, word = "waiting", "starting"
    return WorkloadRow(
        **_fields(found, context), state=state, word=word, reason=reason, wanted=wanted,
        ready=status.ready_replicas, updated=status.replicas, available=status.available_replicas,
    )  # fmt: skip


_RANK = {"failed": 0, "waiting": 1, "paused": 2, "running": 3}


def state_rank(row: WorkloadRow) -> tuple[int, str]:
    """What needs a person first."""
    return _RANK.get(row.state, 9), row.word


def ready_cell(row: WorkloadRow) -> Cell:
    """`2/3`."""
    is_calm = row.ready == row.wanted
    return Cell(f"{row.ready}/{row.wanted}", ("dim" if not row.wanted else "") if is_calm
                else "state-warning")  # fmt: skip
