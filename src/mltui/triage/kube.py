"""Rows of a cluster that rules look at, made of the API server's JSON by `kube_reading`.

Times are Unix seconds, sizes bytes, processors cores. Empty and None: not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    last_ended_at: float | None = None
    memory_limit_bytes: int | None = None
    probes: Mapping[str, str] = field(default_factory=dict)
    """liveness, readiness, startup → what is asked: `http :8080/healthz`."""
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

    @property
    def key(self) -> str:
        """`pod:ns/name`."""
        return f"pod:{self.namespace}/{self.name}"

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

    @property
    def key(self) -> str:
        """`node:name`."""
        return f"node:{self.name}"


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job."""

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

    @property
    def key(self) -> str:
        """`deployment:ns/name`."""
        return f"{self.kind.lower()}:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service and where it leads."""

    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Service:
    """A Service and the addresses behind it."""

    namespace: str
    name: str
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    ready: int | None = None
    """Addresses that get traffic; None: not known."""
    not_ready: int = 0
    created_at: float | None = None

    @property
    def key(self) -> str:
        """`service:ns/name`."""
        return f"service:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim."""

    namespace: str
    name: str
    phase: str = ""
    storage_class: str | None = None
    size: str = ""
    modes: tuple[str, ...] = ()
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
class Refused:
    """Something that the API server did not let us see or do."""

    verb: str
    resource: str
    namespace: str = ""
    user: str = ""
    message: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class KubeFacts:
    """What is known of a cluster; empty where none was looked at."""

    cluster: str = ""
    """In words: the kube-context."""
    pods: tuple[Pod, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    workloads: tuple[Workload, ...] = ()
    services: tuple[Service, ...] = ()
    claims: tuple[Claim, ...] = ()
    classes: tuple[StorageClass, ...] | None = None
    """None: not looked at."""
    scalers: tuple[Scaler, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    refused: tuple[Refused, ...] = ()
