"""The types of a project: what `mltui.yaml` means once it has been read and found right.

Made by `mltui.spec.reader`, read by everything else. All immutable. Durations are seconds, sizes
bytes, names as written in the file. The vocabulary is that of docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mltui.spec.choices import FailureClass as FailureClass
from mltui.spec.choices import Otherwise as Otherwise
from mltui.spec.choices import Phase as Phase
from mltui.spec.condition import And as And
from mltui.spec.condition import Best as Best
from mltui.spec.condition import Compare as Compare
from mltui.spec.condition import Expr as Expr
from mltui.spec.condition import Metric as Metric
from mltui.spec.condition import Not as Not
from mltui.spec.condition import Operand as Operand
from mltui.spec.condition import Or as Or
from mltui.spec.condition import Param as Param
from mltui.spec.condition import Round as Round

ParamValue: TypeAlias = "bool | int | float | str | list[ParamValue] | dict[str, ParamValue] | None"
"""A value of YAML's JSON-compatible core; `None` means unset."""

YamlPath: TypeAlias = tuple[str | int, ...]
"""The way to a value from the top of the file, e.g. `("stages", "train", "gate", "require")`."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in the file; both count from 1."""

    line: int
    column: int


# --- text with ${…} in it -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ref:
    """One `${…}`: `${inputs.raw}` is `Ref("inputs", "raw")`, `${round}` is `Ref("round")`.

    kind: inputs, outputs, params, metrics, round, port, records, or item (the name of the stage's
    `for_each` variable, e.g. `${pair}` is `Ref("item", "pair")`).
    """

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A string with its references found; `parts` alternate freely between text and `Ref`.

    `$${x}` has already become the literal `${x}` and other `$` are left alone (the shell's).
    """

    source: str
    parts: tuple[str | Ref, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The references in it, in order."""
        return tuple(part for part in self.parts if isinstance(part, Ref))


@dataclass(frozen=True, slots=True)
class Command:
    """What a stage runs. `shell` is one template for `sh -eu -c`; `argv` is executed as it is.

    Exactly one of the two is set.
    """

    shell: Template | None = None
    argv: tuple[Template, ...] = ()

    @property
    def templates(self) -> tuple[Template, ...]:
        """Every template in it."""
        return (self.shell,) if self.shell is not None else self.argv


# --- gates ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunTrigger:
    """A monitor's `otherwise: {run: acquire, at_most: 1 per day}`."""

    run_from: str
    at_most: int | None = None
    per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on a stage's metrics that decides whether the pipeline goes on."""

    require: Expr
    require_text: str
    restart: str | None = None
    """First stage of the loop's body; None means there is no loop (one round)."""
    tries: tuple[Mapping[str, ParamValue], ...] = ()
    """`try`: the configuration of each round, in order; empty means none."""
    best: Best | None = None
    max_rounds: int = 1
    """Already the smaller of `max_rounds` and the number of tries."""
    otherwise: Otherwise = Otherwise.FAIL
    trigger: RunTrigger | None = None
    """Monitors only."""

    @property
    def metrics(self) -> frozenset[str]:
        """Names of the metrics that the gate can't be judged without (require and best)."""
        names: set[str] = set()
        todo: list[Expr] = [self.require]
        while todo:
            expr = todo.pop()
            if isinstance(expr, Compare):
                names.update(x.name for x in (expr.left, expr.right) if isinstance(x, Metric))
            elif isinstance(expr, Not):
                todo.append(expr.term)
            else:
                todo.extend(expr.terms)
        if self.best is not None:
            names.add(self.best.metric)
        return frozenset(names)


# --- stages ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Input:
    """Where an input comes from: another stage's output, a project file, a service's records.

    Exactly one of (`stage` and `output`), `path`, `service` is set.
    """

    stage: str | None = None
    output: str | None = None
    path: str | None = None
    """Relative to the project's folder, as written (`./data/x.csv`)."""
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A declared output: its path in the working folder. A trailing slash declares a folder."""

    path: str
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class ForEach:
    """Fan-out over a literal list, over a JSON array output, or item by item with another stage.

    Exactly one of `items`, (`stage` and `output`), `pairs_with` is set.
    """

    variable: str
    items: tuple[str, ...] | None = None
    stage: str | None = None
    output: str | None = None
    pairs_with: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Automatic attempts after a failure. `attempts` counts the first one too.

    The n-th retry waits `backoff_s * 2**(n-1)` seconds, at most 300.
    """

    attempts: int = 3
    backoff_s: float = 2.0
    on: frozenset[FailureClass] = frozenset({FailureClass.INFRASTRUCTURE})


@dataclass(frozen=True, slots=True)
class Resources:
    """What an attempt asks for; None means not said. CPUs may be fractions."""

    cpu: float | None = None
    memory_bytes: int | None = None
    gpu: int = 0


@dataclass(frozen=True, slots=True)
class Cache:
    """Whether a result may be taken from an earlier run; `max_age_s` None means for ever."""

    enabled: bool = True
    max_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret's value is read from when an attempt starts. Exactly one is set."""

    env: str | None = None
    file: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """What an environment is on engines with containers: a build or the name of an image."""

    name: str | None = None
    build: str | None = None
    dockerfile: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    build_target: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """The isolated dependencies a stage runs in. `name` may be a template (`apertium-${pair}`)."""

    name: str
    requirements: str | None = None
    image: Image | None = None
    python: str | None = None
    """A version specifier (PEP 440) for the interpreter, e.g. `>=3.11`."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the pipeline: a command in an environment, from inputs to outputs."""

    name: str
    phase: Phase
    run: Command
    environment: Template | None = None
    """None: the person's own PATH (process engine), an error on the others."""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    uses_round: bool = False
    """`${round}` in its text, or `round` among its params."""
    gate: Gate | None = None
    for_each: ForEach | None = None
    retry: Retry = field(default_factory=Retry)
    timeout_s: float | None = None
    resources: Resources = field(default_factory=Resources)
    cache: Cache = field(default_factory=Cache)
    code: tuple[str, ...] | None = None
    """Globs; None: the project's."""
    target: str | None = None
    secrets: tuple[str, ...] = ()
    network: bool = False
    """Engines with containers give no network unless asked."""


@dataclass(frozen=True, slots=True)
class Service:
    """A deployed model: image + artifact, replicas, health, metrics."""

    name: str
    run: Command
    environment: Template | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    port: int | None = None
    health: str | None = None
    metrics: str | None = None
    replicas: int = 1
    resources: Resources = field(default_factory=Resources)
    target: str | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Monitor:
    """A stage that runs on a schedule over what a service recorded."""

    name: str
    stage: Stage
    every_s: float
    window_s: float | None = None
    min_rows: int = 0


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint of nodes that stages put up with (Kubernetes). Empty fields mean any."""

    key: str = ""
    value: str = ""
    effect: str = ""
    seconds: int | None = None
    """How long a pod stays once such a taint appears; None: for ever."""


@dataclass(frozen=True, slots=True)
class Pods:
    """What every stage's pod on a target gets (Kubernetes)."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    gpu: str = "nvidia.com/gpu"
    """The resource that `resources: {gpu: N}` asks for."""
    service_account: str = ""
    pull_secrets: tuple[str, ...] = ()
    patience_s: float = 300.0
    """How long a stage may wait for a node, a quota or an image before it fails."""


@dataclass(frozen=True, slots=True)
class ClusterStore:
    """Where the artifacts of a namespace are kept in its cluster."""

    size_bytes: int = 10 << 30
    storage_class: str = ""
    """Empty: the cluster's default."""


@dataclass(frozen=True, slots=True)
class Target:
    """A named place to run."""

    name: str
    engine: str
    host: str | None = None
    context: str | None = None
    namespace: str | None = None
    registry: str | None = None
    read_only: bool = False
    production: bool = False
    pods: Pods = field(default_factory=Pods)
    store: ClusterStore = field(default_factory=ClusterStore)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole project. Mappings keep the file's order."""

    file: str
    text: str
    name: str
    code: tuple[str, ...] | None
    params: Mapping[str, ParamValue]
    environments: Mapping[str, Environment]
    secrets: Mapping[str, Secret]
    stages: Mapping[str, Stage]
    services: Mapping[str, Service]
    monitors: Mapping[str, Monitor]
    targets: Mapping[str, Target]
    marks: Mapping[YamlPath, Mark]
    """Where each value starts in `text`."""

    def mark(self, *path: str | int) -> Mark:
        """Where the value at `path`, or its nearest written ancestor, starts."""
        for end in range(len(path), -1, -1):
            found = self.marks.get(path[:end])
            if found is not None:
                return found
        return Mark(1, 1)
