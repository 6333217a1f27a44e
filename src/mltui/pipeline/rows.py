"""What is shown of a pipeline: an instance, its state, and the row of it.

Apart from `model` (events and decisions) so that whoever only shows a run loads little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from mltui.spec.choices import FailureClass

RoundPath: TypeAlias = tuple[int, ...]
"""The round of each loop around a stage, outermost first; empty outside loops."""


class State(StrEnum):
    """The states that scripts may rely on."""

    PENDING = "pending"
    READY = "ready"
    BUILDING = "building"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    PAUSED = "paused"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Nothing more happens to it by itself."""
        return self in _FINAL

    @property
    def is_done(self) -> bool:
        """It has outputs that others may use."""
        return self in (State.SUCCEEDED, State.CACHED)


_FINAL = frozenset(
    {State.SUCCEEDED, State.CACHED, State.FAILED, State.CANCELLED, State.SKIPPED, State.PAUSED}
)


class Verdict(StrEnum):
    """What a gate said of a round."""

    PASSED = "passed"
    NOT_PASSED = "not-passed"
    ACCEPTED_BEST = "accepted-best"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Instance:
    """One passage of a stage: in which round of which loops, for which `for_each` item.

    A `for_each` stage has one instance with `item` None (the whole) and one per item.
    """

    stage: str
    path: RoundPath = ()
    item: str | None = None

    @property
    def round(self) -> int:
        """The innermost round; 1 outside loops."""
        return self.path[-1] if self.path else 1

    @property
    def label(self) -> str:
        """As people write it: `train`, `train~3`, `train~2:3`, `translate[en-es]~2`."""
        item = f"[{self.item}]" if self.item is not None else ""
        rounds = f"~{':'.join(map(str, self.path))}" if self.path else ""
        return f"{self.stage}{item}{rounds}"

    @property
    def slug(self) -> str:
        """As a file name and an object's name: `train~2-3`, `translate@en-es~2`."""
        item = f"@{self.item}" if self.item is not None else ""
        rounds = f"~{'-'.join(map(str, self.path))}" if self.path else ""
        return f"{self.stage}{item}{rounds}"


def attempt_label(instance: Instance, attempt: int) -> str:
    """`train~3.2`: round 3, second attempt."""
    return f"{instance.label}.{attempt}"


def attempt_slug(instance: Instance, attempt: int) -> str:
    """The attempt's folder under `.mltui/runs/N/`, unique within its run."""
    return f"{instance.slug}.{attempt}"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt did not succeed. `message` is one plain sentence without a final stop."""

    kind: FailureClass
    message: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt used; None where it could not be measured."""

    cpu_s: float | None = None
    peak_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A kept output: `digest` is `sha256:…` of a file or of a folder's manifest."""

    digest: str
    size_bytes: int
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class StageRow:
    """One line of `mltui ls stages`: the newest state of an instance.

    The fields up to `reason` are those of docs/reference (JSON output); the rest is for the
    screens. `attempt` is 0 before the first.
    """

    run: int
    stage: str
    item: str | None
    path: RoundPath
    attempt: int
    state: State
    phase: str
    failure: FailureClass | None = None
    engine: str | None = None
    target: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    accepted: bool | None = None
    """In a loop: whether this round's outputs are the ones used outside. None: not in a loop."""
    gate: Verdict | None = None
    object: str | None = None
    image: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    key: str | None = None
    order: int = 0
    """Position of the stage in the plan, for sorting."""
    build: str | None = None
    stale: bool = False
    exit_code: int | None = None
    usage: Usage = field(default_factory=Usage)
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    source: str | None = None
    """For a cached one: which attempt made the result."""

    @property
    def instance(self) -> Instance:
        """Its identity within the run."""
        return Instance(self.stage, self.path, self.item)

    @property
    def round(self) -> int:
        """The innermost round; 1 outside loops."""
        return self.path[-1] if self.path else 1
