"""Rows of a cluster that rules look at, made of the API server's JSON by `kube_reading`.

Times are Unix seconds, sizes bytes, processors cores. Empty and None: not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mltui.triage.kube_routes import Ingress, IngressClass, Service

GATED = "ReadinessGatesNotReady"
"""Why a pod whose containers are all well gets no traffic."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What made an object and keeps it: a ReplicaSet, a Job."""

    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an object's status."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class PodContainer:
    """A container of a pod, as its status says."""

    name: str
    image: str = ""
    is_init: bool = False
    state: str = ""
    """waiting, running or terminated; empty: nothing is said yet."""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    is_ready: bool = False
    restarts: int = 0
    last_reason: str = ""
    last_exit_code: int | None = None
    last_message: str = ""
    last_started_at: float | None = None
    last_ended_at: float | None = None
    memory_limit_bytes: int | None = None
    probes: Mapping[str, str] = field(default_factory=dict)
    """liveness, readiness, startup → what is asked: `http :8080/healthz`."""
    patience_s: Mapping[str, float] = field(default_factory=dict)
    """liveness, startup → how long it has from its start before it is killed for it."""
    ports: tuple[str, ...] = ()
    """Names and numbers of its ports."""
    exception: str = ""
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod."""

    namespace: str
    name: str
    phase: str = ""
    reason: str = ""
    message: str = ""
    node: str = ""
    owner: Owner = field(default_factory=Owner)
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: float | None = None
    deleting_since: float | None = None
    grace_s: float = 30.0
    finalizers: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    containers: tuple[PodContainer, ...] = ()
    cpu: float = 0.0
    """Asked for by all of it."""
    memory_bytes: int = 0
    claims: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    """Volume → what it is filled from: `Secret tls`; only while the pod is pending."""
    scheduler: str = ""
    """Who is to find it a node; empty: the usual one."""
    account: str = ""
    """The ServiceAccount that it runs as."""
    uid: str = ""

    @property
    def key(self) -> str:
        """`pod:ns/name`."""
        return f"pod:{self.namespace}/{self.name}"

    @property
    def is_over(self) -> bool:
        """It ended, well or not, and won't go on."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def is_well(self) -> bool:
        """It runs, all of it is ready and was never restarted; or it is done."""
        if self.deleting_since is not None or self.reason:
            return False
        if self.phase == "Succeeded":
            return not any(each.last_lines for each in self.containers)
        if self.phase != "Running":
            return False
        if self.conditions and any(x.reason == GATED for x in self.conditions):
            return False
        for each in self.containers:
            is_up = each.state == "running" and each.is_ready
            if each.restarts or not (is_up or (each.is_init and not each.exit_code)):
                return False
        return True

    def condition(self, type_: str) -> Condition | None:
        """A condition by its type."""
        return next((each for each in self.conditions if each.type == type_), None)


@dataclass(frozen=True, slots=True)
class Event:
    """What the cluster noted about an object."""

    kind: str
    namespace: str
    name: str
    reason: str
    message: str
    type: str = "Warning"
    count: int = 1
    first_at: float | None = None
    last_at: float | None = None
    id: str = ""
    """Its own name; several may say the same."""

    @property
    def about(self) -> tuple[str, str, str]:
        """Kind, namespace and name of the object."""
        return (self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster."""

    name: str
    conditions: tuple[Condition, ...] = ()
    is_cordoned: bool = False
    taints: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    cpu: float = 0.0
    memory_bytes: int = 0
    resources: tuple[str, ...] = ()
    """Names of all that it offers: `nvidia.com/gpu`."""

    @property
    def key(self) -> str:
        """`node:name`."""
        return f"node:{self.name}"


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob."""

    kind: str
    namespace: str
    name: str
    owner: Owner = field(default_factory=Owner)
    desired: int = 0
    ready: int = 0
    available: int = 0
    failed: int = 0
    conditions: tuple[Condition, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of its pods."""
    created_at: float | None = None
    deadline_s: float | None = None
    is_paused: bool = False
    made_at: float | None = None
    """For when a CronJob last made a Job."""
    has_earlier: bool = False
    """There is a revision before this one to go back to."""
    uid: str = ""
    generation: int = 0
    """How often what is wanted of it was changed."""

    @property
    def is_complete(self) -> bool:
        """A Job that did its work."""
        return any(x.type == "Complete" and x.status == "True" for x in self.conditions)

    @property
    def key(self) -> str:
        """`deployment:ns/name`."""
        return f"{self.kind.lower()}:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Budget:
    """A PodDisruptionBudget: how many pods must stay while nodes are emptied."""

    namespace: str
    name: str
    selector: Mapping[str, str] = field(default_factory=dict)
    is_plain: bool = True
    """The selector is labels alone; of others it is not said whom they choose."""
    demands: str = ""
    """`minAvailable 1`, `maxUnavailable 0`."""
    allowed: int = 0
    """So many may go now."""
    healthy: int = 0
    desired: int = 0
    expected: int = 0
    created_at: float | None = None
    uid: str = ""

    @property
    def key(self) -> str:
        """`budget:ns/name`."""
        return f"budget:{self.namespace}/{self.name}"

    def chooses(self, pod: Pod) -> bool:
        """Whether a pod is one of those that must stay."""
        same = self.is_plain and pod.namespace == self.namespace
        return same and all(pod.labels.get(name) == x for name, x in self.selector.items())


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and when it ends: of a TLS Secret, or the one we log in with."""

    namespace: str
    name: str
    begins_at: float | None = None
    ends_at: float | None = None
    is_login: bool = False
    """The kubeconfig's own: without it nothing is seen at all."""

    @property
    def key(self) -> str:
        """`certificate:ns/name`."""
        return f"certificate:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim."""

    namespace: str
    name: str
    phase: str = ""
    storage_class: str | None = None
    size: str = ""
    modes: tuple[str, ...] = ()
    volume: str = ""
    """By name, where it asks for a certain one, or has one."""
    created_at: float | None = None

    @property
    def key(self) -> str:
        """`claim:ns/name`."""
        return f"claim:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A kind of volume that the cluster can make."""

    name: str
    is_default: bool = False
    waits: bool = False
    """Volumes are made when the first pod that needs them has its node."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """A HorizontalPodAutoscaler."""

    namespace: str
    name: str
    target: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def key(self) -> str:
        """`scaler:ns/name`."""
        return f"scaler:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Any other object that is being deleted: a namespace, a claim, a custom resource."""

    kind: str
    namespace: str
    name: str
    since: float
    finalizers: tuple[str, ...] = ()
    message: str = ""

    @property
    def key(self) -> str:
        """`leaving:Namespace:x/`."""
        return f"leaving:{self.kind}:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Hidden:
    """Objects that could not be listed: of none of them can it be said that it is not there."""

    kind: str
    namespace: str = ""
    """Empty: in none."""


@dataclass(frozen=True, slots=True)
class KubeFacts:
    """What is known of one cluster."""

    cluster: str = ""
    """In words: the kube-context."""
    pods: tuple[Pod, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    workloads: tuple[Workload, ...] = ()
    services: tuple[Service, ...] = ()
    claims: tuple[Claim, ...] = ()
    classes: tuple[StorageClass, ...] = ()
    scalers: tuple[Scaler, ...] = ()
    budgets: tuple[Budget, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    ingresses: tuple[Ingress, ...] = ()
    ingress_classes: tuple[IngressClass, ...] = ()
    hidden: tuple[Hidden, ...] = ()

    def rows(self) -> Iterator[Any]:
        """All rows; those first that others are looked up in."""
        for name in _ORDER:
            yield from getattr(self, name)

    @classmethod
    def of(
        cls,
        cluster: str,
        rows: Iterable[Any],
        *,
        hidden: Sequence[Hidden] = (),
    ) -> KubeFacts:
        """Rows of any kinds, each in its place."""
        found: dict[str, list[Any]] = {name: [] for name in _ORDER}
        for row in rows:
            found[_PLACES[type(row)]].append(row)
        values: dict[str, Any] = {name: tuple(each) for name, each in found.items()}
        return cls(cluster, **values, hidden=tuple(hidden))


_PLACES: Mapping[type, str] = {
    StorageClass: "classes",
    Event: "events",
    Node: "nodes",
    Workload: "workloads",
    Pod: "pods",
    Service: "services",
    Claim: "claims",
    Scaler: "scalers",
    Budget: "budgets",
    Certificate: "certificates",
    Leaving: "leaving",
    IngressClass: "ingress_classes",
    Ingress: "ingresses",
}
_ORDER = tuple(_PLACES.values())
_KEYS = {
    "PersistentVolumeClaim": "claim", "HorizontalPodAutoscaler": "scaler",
    "PodDisruptionBudget": "budget",
}  # fmt: skip
"""Kinds whose rows are called otherwise."""


def key_of(kind: str, namespace: str, name: str) -> str:
    """The key of an object's row: `pod:ns/name`, `node:name`."""
    place = f"{namespace}/" if namespace and kind != "Node" else ""
    return f"{_KEYS.get(kind, kind.lower())}:{place}{name}"
