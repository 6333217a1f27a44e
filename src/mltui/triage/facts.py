"""What rules look at: small plain rows, and nothing else.

Made outside of this package from the journal and the live tables; can be written as JSON and read
again (`recording`). Times are Unix seconds, sizes bytes. Empty and None: not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mltui.errors import Problem
from mltui.triage.kube import KubeFacts


@dataclass(frozen=True, slots=True)
class Written:
    """A value of `mltui.yaml` and where it stands."""

    path: tuple[str, ...]
    file: str
    line: int
    text: str
    """The line, without its indentation."""
    value: str = ""
    """The value as it is written; empty for a mapping."""

    @property
    def place(self) -> str:
        """`mltui.yaml:31`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of a gate, with its target resolved; None: it can't be."""

    metric: str
    op: str
    target: float | None


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gate asks for."""

    require: str
    written: Written
    terms: tuple[Term, ...] = ()
    restart: str = ""
    max_rounds: int = 1
    rounds_written: Written | None = None
    tries: int = 0
    otherwise: str = "fail"


@dataclass(frozen=True, slots=True)
class Declared:
    """A stage as `mltui.yaml` declares it now."""

    stage: str
    run: Written
    program: str = ""
    """The command's first word."""
    environment: str = ""
    requirements: str = ""
    """The environment's requirements file."""
    image: str = ""
    """The environment's image by name, or the folder that it is built from."""
    memory: Written | None = None
    memory_bytes: int | None = None
    timeout: Written | None = None
    timeout_s: float | None = None
    outputs: Written | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class RunFact:
    """A run that is not over, or the newest one."""

    number: int
    state: str
    reason: str = ""
    created_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    target: str = ""
    has_runner: bool = True

    @property
    def key(self) -> str:
        """`run:14`."""
        return f"run:{self.number}"


@dataclass(frozen=True, slots=True)
class StageFact:
    """A stage of such a run, in its newest attempt."""

    run: int
    stage: str
    label: str
    """With rounds and item: `train~2`."""
    state: str
    attempt: int = 1
    path: tuple[int, ...] = ()
    """Its rounds, the outermost loop first."""
    item: str = ""
    phase: str = ""
    engine: str = ""
    target: str = ""
    failure: str = ""
    reason: str = ""
    exit_code: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    object: str = ""
    """Pid, container or Job."""
    image: str = ""
    gate: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    is_stale: bool = False
    build: str = ""
    exception: str = ""
    """The line of its log that names the failure."""
    last_lines: tuple[str, ...] = ()
    quiet_s: float | None = None
    """How long it has written nothing, of one that runs."""
    earlier_s: tuple[float, ...] = ()
    """How long it took in earlier runs."""

    @property
    def round(self) -> int:
        """The innermost round; 1 outside loops."""
        return self.path[-1] if self.path else 1

    @property
    def key(self) -> str:
        """`stage:14:train~2`."""
        return f"stage:{self.run}:{self.label}"

    @property
    def words(self) -> str:
        """`train~2 of run 14`."""
        return f"{self.label} of run {self.run}"


@dataclass(frozen=True, slots=True)
class BuildFact:
    """A build of an environment that failed or is under way."""

    id: str
    environment: str
    state: str
    engine: str = ""
    run: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    reason: str = ""
    message: str = ""
    """The decisive line of its output."""
    file: str = ""
    line: int = 0
    text: str = ""
    """The Dockerfile's line."""
    requirement_file: str = ""
    requirement_line: int = 0
    requirement: str = ""
    """The line that its output is about."""
    step: str = ""
    """`step 6 of 9`."""
    last_lines: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`build:prep-3`."""
        return f"build:{self.id}"


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the host that a container was to see."""

    source: str
    target: str
    kind: str = "bind"
    is_missing: bool = False
    """The host has no such thing; only looked for on this machine."""


@dataclass(frozen=True, slots=True)
class ContainerFact:
    """A container that is not well; details are read only of those."""

    id: str
    name: str
    host: str
    image: str = ""
    state: str = ""
    health: str = ""
    health_output: str = ""
    """What its health check printed last."""
    health_test: str = ""
    health_failures: int = 0
    exit_code: int | None = None
    is_oom: bool = False
    error: str = ""
    """Why it could not be started, in the daemon's words."""
    restarts: int = 0
    restart_policy: str = ""
    created_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    memory_limit_bytes: int | None = None
    command: str = ""
    image_id: str = ""
    moved_to: str = ""
    """What the image's name stands for now, where that is another image."""
    was_asked: bool | None = None
    """Somebody stopped or killed it through Docker; None: not known any more."""
    is_init: bool = False
    """A process of Docker's own passes signals on."""
    mounts: tuple[Mount, ...] = ()
    ports: tuple[str, ...] = ()
    part_of: str = ""
    """`train~2 of digits 14`, `web of shop`."""
    project: str = ""
    run: int | None = None
    stage: str = ""
    """As people write it: `train~2.3`."""
    exception: str = ""
    last_lines: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`container:8f2c…`."""
        return f"container:{self.id}"


@dataclass(frozen=True, slots=True)
class HostFact:
    """A Docker host or a cluster: whether it answers."""

    name: str
    engine: str
    is_up: bool = True
    why: str = ""
    since: float | None = None
    disk_used: float | None = None
    """Of the disk that it keeps its things on, 0 to 1."""
    looked: str = ""
    """What was looked at there, in words."""

    @property
    def key(self) -> str:
        """`host:docker`."""
        return f"host:{self.name}"


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of a service: before, and in the last minutes."""

    name: str
    kind: str
    """rate (a second), mean, quantile or value."""
    past: tuple[float, ...] = ()
    now: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceFact:
    """A service on a target."""

    name: str
    """`classifier@prod`."""
    state: str
    reason: str = ""
    ready: int = 0
    replicas: int = 0
    version: int = 0
    changed_at: float | None = None
    metrics_problem: str = ""
    curves: tuple[Curve, ...] = ()

    @property
    def key(self) -> str:
        """`served:classifier@prod`."""
        return f"served:{self.name}"


@dataclass(frozen=True, slots=True)
class MonitorFact:
    """What a monitor said last."""

    name: str
    """`drift@prod`."""
    verdict: str
    """passed, not-passed, unmeasured or failed; empty where it has said nothing yet."""
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    at: float | None = None
    run: int | None = None
    """That it started."""
    outcome: str = ""
    trouble: str = ""
    """What is wrong with its times where a cluster keeps them."""

    @property
    def key(self) -> str:
        """`monitor:drift@prod`."""
        return f"monitor:{self.name}"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known at one moment."""

    at: float
    project: str = ""
    declared: Mapping[str, Declared] = field(default_factory=dict)
    runs: tuple[RunFact, ...] = ()
    stages: tuple[StageFact, ...] = ()
    builds: tuple[BuildFact, ...] = ()
    containers: tuple[ContainerFact, ...] = ()
    hosts: tuple[HostFact, ...] = ()
    clusters: tuple[KubeFacts, ...] = ()
    services: tuple[ServiceFact, ...] = ()
    monitors: tuple[MonitorFact, ...] = ()
    engines: tuple[str, ...] = ()
    """Engines that the project's targets and stages use."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at, and why, in sentences."""
    problems: tuple[Problem, ...] = ()
    """Faults of `mltui.yaml`; what it declares is not known then."""

    @property
    def is_blind(self) -> bool:
        """Not all could be looked at."""
        return bool(self.unseen) or not all(host.is_up for host in self.hosts)

    def with_cluster(
        self, host: HostFact, kube: KubeFacts | None = None, unseen: tuple[str, ...] = ()
    ) -> Facts:
        """With what is known of a cluster; one that is down is no fault where nobody needs it.

        Other clusters stay; `kube` is left out where it is examined beside these facts.
        """
        if not host.is_up and self.project and "kubernetes" not in self.engines:
            return replace(self, unseen=(*self.unseen, f"{host.name}: {host.why}"))
        hosts = (*(each for each in self.hosts if each.key != host.key), host)
        clusters = tuple(each for each in self.clusters if each.cluster != host.name)
        if kube is not None:
            clusters = (*clusters, kube)
        return replace(self, hosts=hosts, clusters=clusters, unseen=(*self.unseen, *unseen))

    def with_host(
        self, host: HostFact, containers: tuple[ContainerFact, ...], *, is_wanted: bool = False
    ) -> Facts:
        """With what is known of a Docker host; one that is down and not needed is no fault."""
        is_wanted = is_wanted or not self.project or "docker" in self.engines
        if not host.is_up and not is_wanted:
            return self
        hosts = (*(each for each in self.hosts if each.key != host.key), host)
        others = tuple(each for each in self.containers if each.host != host.name)
        return replace(self, hosts=hosts, containers=(*others, *containers))
