"""Rows of the serving journal: deployments, versions, replicas, monitors and what they measured.

Read by the supervisor, the CLI and the screens alike. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mltui.pipeline.rows import Artifact


class Standing(StrEnum):
    """How a deployment stands, as `mltui ls services` says it."""

    STARTING = "starting"
    REPLACING = "replacing"
    READY = "ready"
    DEGRADED = "degraded"
    """Fewer replicas answer than are wanted."""
    FAILED = "failed"
    """Its version does not get healthy and there is none to return to."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """The supervisor is gone or the engine does not answer."""


class Course(StrEnum):
    """What has become of a version."""

    WAITING = "waiting"
    SERVING = "serving"
    REPLACED = "replaced"
    FAILED = "failed"


class Health(StrEnum):
    """How a replica is."""

    STARTING = "starting"
    READY = "ready"
    UNWELL = "unwell"
    """It runs, but its health path does not answer as it should; it gets no connections."""
    DRAINING = "draining"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A service on a target: what is wanted, and how far it is."""

    service: str
    target: str
    is_wanted: bool
    replicas: int
    version: int
    port: int | None
    restarted_at: float
    """Replicas made before are replaced."""
    state: Standing
    reason: str = ""
    ready: int = 0
    front: Mapping[str, Any] = field(default_factory=dict)
    """The front that holds the port: its number and its object. In a cluster: the `url`."""
    changed_at: float = 0.0

    @property
    def name(self) -> str:
        """`classifier@local`, unique in the project."""
        return deployment_name(self.service, self.target)

    @property
    def wish(self) -> tuple[object, ...]:
        """What is wanted of it, without how it stands."""
        return (self.is_wanted, self.version, self.replicas, self.port, self.restarted_at)

    @property
    def url(self) -> str | None:
        """Where clients ask: on this machine, or in the cluster that it is in."""
        if self.port is None or not self.is_wanted:
            return None
        return str(self.front.get("url") or f"http://127.0.0.1:{self.port}")

    @property
    def forward(self) -> str:
        """The command by which a port of this machine leads to it in its cluster; else empty."""
        if self.url is None or "url" not in self.front:
            return ""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        name, _, namespace = host.partition(".")
        return f"mltui forward svc/{name} {port} -n {namespace}"


def deployment_name(service: str, target: str) -> str:
    """The identity of a service on a target."""
    return f"{service}@{target}"


@dataclass(frozen=True, slots=True)
class Served:
    """One input of a version: which artifact, where from."""

    artifact: Artifact | None
    source: str
    """`train~4 of run 14`, or the project file."""
    items: Mapping[str, Artifact] = field(default_factory=dict)
    """Of a `for_each` stage: each item's artifact."""


@dataclass(frozen=True, slots=True)
class BuiltAs:
    """The environment of a version, once it is ready: the same wherever the version goes."""

    key: str
    resolved: str
    """Digest in the store of what is installed."""
    location: str


@dataclass(frozen=True, slots=True)
class Version:
    """What a deployment serves. Numbered from 1, never changed but for its course."""

    deployment: str
    number: int
    run: int | None
    at: float
    by: str
    why: str
    """`deployed`, `rolled back to version 2`, `promoted from dev (version 4)`, …"""
    spec: str
    """Digest of the text of `mltui.yaml`."""
    code: str
    """Digest of the code's manifest."""
    inputs: Mapping[str, Served]
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the run, as it accepted them."""
    engine: str = "process"
    built: BuiltAs | None = None
    course: Course = Course.WAITING
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """One process or container of a version."""

    deployment: str
    number: int
    version: int
    health: Health
    made_at: float
    host: str = "127.0.0.1"
    port: int | None = None
    object: str | None = None
    ready_at: float | None = None
    ended_at: float | None = None
    reason: str = ""

    @property
    def label(self) -> str:
        """`classifier@local/7`."""
        return f"{self.deployment}/{self.number}"


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """A monitor on a target: when it is due, and what it said last."""

    name: str
    target: str
    is_wanted: bool
    every_s: float
    next_at: float
    asked_at: float | None = None
    """A person wants it to run now."""
    running_since: float | None = None
    cronjob: str = ""
    """What keeps its times in a cluster, `digits-dev/digits-drift`; empty: the supervisor does."""
    note: str = ""
    """Why the supervisor does where a cluster could, or what is wrong with what is there."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One time that a monitor ran, and what followed."""

    id: int
    monitor: str
    target: str
    at: float
    ended_at: float | None
    """When it was judged: long after it was measured where no supervisor was there."""
    verdict: str
    """`passed`, `not-passed`, `unmeasured`, `failed`; empty while it runs."""
    rows: int
    metrics: Mapping[str, float]
    reason: str
    run: int | None = None
    """The run it started."""
    outcome: str = ""
    """What became of that run's model; empty while it is not known."""
    object: str = ""
    """The Job that a cluster measured by itself, `digits-dev/digits-drift-29384756`."""


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the journal of acts: who did what to which deployment."""

    at: float
    by: str
    deployment: str
    what: str
