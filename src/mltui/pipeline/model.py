"""What the rules speak of: instances of stages, what is known of them, what to do next.

Read by everyone who shows or runs a pipeline; imports only the spec's types. Times are seconds
since the Unix epoch (UTC), as floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mltui.pipeline.rows import Artifact as Artifact
from mltui.pipeline.rows import Failure as Failure
from mltui.pipeline.rows import Instance as Instance
from mltui.pipeline.rows import RoundPath as RoundPath
from mltui.pipeline.rows import StageRow as StageRow
from mltui.pipeline.rows import State as State
from mltui.pipeline.rows import Usage as Usage
from mltui.pipeline.rows import Verdict as Verdict
from mltui.pipeline.rows import attempt_label as attempt_label
from mltui.pipeline.rows import attempt_slug as attempt_slug


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may run at once. `jobs` counts attempts; None means unlimited."""

    jobs: int = 2
    cpu: float | None = None
    memory_bytes: int | None = None
    gpu: int | None = None


@dataclass(frozen=True, slots=True)
class InputValue:
    """What an input of an instance is, once known. Exactly one of the three is set."""

    artifact: Artifact | None = None
    items: Mapping[str, Artifact] | None = None
    """A `for_each` stage's output read without pairing: a folder with one entry an item."""
    path: str | None = None
    """A project file, relative to the project's folder; the runner hashes it."""


# --- events: what happened, in the journal's order -------------------------------------------


@dataclass(frozen=True, slots=True)
class RunPlanned:
    """The run's plan was made (first event of a run), or made anew by a retry."""

    at: float
    spec: str
    """Digest of the text of `mltui.yaml` in the store."""
    code: Mapping[str, str]
    """Stage → digest of its code manifest in the store."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    """Asked for; empty means all."""
    start_from: tuple[str, ...] = ()
    """These run even if cached."""
    target: str = "local"


@dataclass(frozen=True, slots=True)
class StageExpanded:
    """The items of a `for_each` stage became known. `instance.item` is None."""

    at: float
    instance: Instance
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageBuilding:
    """It waits for its environment; `build` is the build's id in the journal."""

    at: float
    instance: Instance
    environment: str
    build: str


@dataclass(frozen=True, slots=True)
class StageWaiting:
    """Its engine does not answer, so it can't be prepared; it is asked again until it does."""

    at: float
    instance: Instance
    reason: str


@dataclass(frozen=True, slots=True)
class StageKeyed:
    """Its cache key is known and no cached result fits: it may start when there is room."""

    at: float
    instance: Instance
    attempt: int
    key: str
    parts: Mapping[str, str]
    because: str = ""
    """Why it runs, in a sentence: "digits/train.py changed", "never ran with these inputs"."""


@dataclass(frozen=True, slots=True)
class StageCached:
    """An earlier result with the same key is taken."""

    at: float
    instance: Instance
    key: str
    parts: Mapping[str, str]
    outputs: Mapping[str, Artifact]
    metrics: Mapping[str, float]
    source: str
    """Which attempt made it: "run 12 train~3.1"."""


@dataclass(frozen=True, slots=True)
class AttemptStarting:
    """The intention to start, journaled before the act."""

    at: float
    instance: Instance
    attempt: int
    engine: str
    target: str


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """It runs as `object` (pid + start time + boot id, container id, Job)."""

    at: float
    instance: Instance
    attempt: int
    object: str
    image: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptUnknown:
    """Its engine does not answer; it may still run."""

    at: float
    instance: Instance
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class AttemptWaiting:
    """It was started and waits for what its engine lacks: a node, an image, room in a quota."""

    at: float
    instance: Instance
    attempt: int
    reason: str
    """Empty: it waits no more."""


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """It is over, its log and outputs are kept. `failure` None means it succeeded."""

    at: float
    instance: Instance
    attempt: int
    failure: Failure | None = None
    exit_code: int | None = None
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class GateJudged:
    """A gate's verdict on a round and what follows; by the rules or by a person.

    instance: the gated stage in that round. `action`: `accept` (with `accepted`), `again` (another
    round begins), `fail`, `pause`. `more_rounds`: rounds a person added with `again`.
    """

    at: float
    instance: Instance
    verdict: Verdict
    action: str
    accepted: int | None = None
    more_rounds: int = 0
    by: str = "gate"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StageRetried:
    """A person asked for another attempt. What follows it is decided anew by its key.

    `only_failed_items`: of a `for_each` stage, keep the items that succeeded.
    """

    at: float
    instance: Instance
    by: str = ""


@dataclass(frozen=True, slots=True)
class StageStale:
    """Kept by a retry although its key would differ now; `because` says which part."""

    at: float
    instance: Instance
    because: str


@dataclass(frozen=True, slots=True)
class StageFailed:
    """It failed before it could start: build, config, contract of an input."""

    at: float
    instance: Instance
    attempt: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """A person asked to cancel the run, or one instance of it."""

    at: float
    instance: Instance | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Nothing is left to do. state: succeeded, failed, cancelled, paused."""

    at: float
    state: State
    reason: str = ""
    exit_code: int = 0


Event: TypeAlias = (
    RunPlanned
    | StageExpanded
    | StageBuilding
    | StageWaiting
    | StageKeyed
    | StageCached
    | StageStale
    | StageFailed
    | StageRetried
    | AttemptStarting
    | AttemptStarted
    | AttemptUnknown
    | AttemptWaiting
    | AttemptEnded
    | GateJudged
    | RunCancelled
    | RunEnded
)


# --- decisions: what the rules want done ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expand:
    """Read the list of items and journal `StageExpanded` (or `StageFailed`, class config).

    `source` is the artifact with the JSON array. Literal lists and pairs never come here.
    """

    instance: Instance
    source: Artifact


@dataclass(frozen=True, slots=True)
class Prepare:
    """All inputs are known: have the environment, compute the key, look in the cache.

    Ends in `StageKeyed`, `StageCached` or `StageFailed`. With `force` the cache is not asked.
    """

    instance: Instance
    attempt: int
    force: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """There is room: journal `AttemptStarting`, then start it."""

    instance: Instance
    attempt: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End it (cancelled). Ends in `AttemptEnded` with class cancelled."""

    instance: Instance
    attempt: int


@dataclass(frozen=True, slots=True)
class Record:
    """A decision without an act: journal this event and apply it (a verdict, the run's end)."""

    event: Event


Decision: TypeAlias = Expand | Prepare | Start | Stop | Record


# --- what is shown ------------------------------------------------------------------------
