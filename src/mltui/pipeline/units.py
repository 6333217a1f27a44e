"""The scheduler's memory: units (instances being worked on), tokens (what they wait for), loops.

Mutable, private to `mltui.pipeline`; the rest of mltui sees rows and decisions. A unit counts how
many of its tokens are not good yet, so an event costs as much as the unit it touches has edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from mltui.pipeline.model import Instance, RoundPath, StageRow, State, Verdict
from mltui.pipeline.plan import PlanLoop
from mltui.spec.model import Stage


class Step(Enum):
    """Where a unit is on its way."""

    WAIT = "wait"
    """For its inputs; shown as skipped when one of them will not come."""
    EXPAND = "expand"
    """A `for_each` whole: its list is there, the items are to be read from it."""
    OPEN = "open"
    """A `for_each` whole with items; its state is theirs."""
    BACKOFF = "backoff"
    PREPARE = "prepare"
    READY = "ready"
    LIVE = "live"
    """Starting, running or unknown: something may exist outside."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"
    """Forgotten, no longer part of the run."""


WORKING = frozenset({Step.EXPAND, Step.BACKOFF, Step.PREPARE, Step.READY, Step.LIVE})
"""While any unit is here, the run is not over."""


class Fate(Enum):
    """What becomes of a live unit that is being stopped."""

    CANCEL = "cancel"
    RESET = "reset"
    FORGET = "forget"


class Status(Enum):
    """What a token says to those who wait for it."""

    OPEN = "open"
    GOOD = "good"
    BAD = "bad"


class Token:
    """Something that units wait for: a result, a list of items, a settled gate."""

    __slots__ = ("consumers", "owner", "reason", "status")

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.status = Status.OPEN
        self.reason = ""
        """When bad: the cause, as those skipped by it will name it."""
        self.consumers: dict[Owner, None] = {}


class Waiter:
    """Whoever waits for tokens: keeps count, so that nothing is scanned when one changes."""

    __slots__ = ("bad", "deps", "missing", "queued", "upset")

    def __init__(self) -> None:
        self.deps: tuple[Token, ...] = ()
        self.missing = 0
        self.bad = 0
        self.upset = False
        """A token that was good is good no longer: what was made of it does not hold."""
        self.queued = False


class Unit(Waiter):
    """One instance of a stage: plain, the whole of a `for_each`, or one of its items."""

    __slots__ = (
        "abandoned",
        "by_run",
        "counts",
        "done",
        "done_state",
        "due",
        "fate",
        "force",
        "instance",
        "items",
        "known",
        "order",
        "row",
        "stage",
        "step",
        "ticket",
        "tries",
        "whole",
    )

    def __init__(self, instance: Instance, stage: Stage, order: int, row: StageRow) -> None:
        super().__init__()
        self.instance = instance
        self.stage = stage
        self.order = order
        self.row = row
        self.step = Step.WAIT
        self.done = Token(self)
        self.known: Token | None = None
        """A whole's: its items are known."""
        self.items: dict[str, Unit] = {}
        self.counts: dict[State, int] = {}
        """A whole's: how many of its items are in each state."""
        self.whole: Unit | None = None
        self.tries = 0
        """Attempts of the present set that ended."""
        self.force = False
        """A person wants it to run even if a cached result fits."""
        self.fate: Fate | None = None
        self.due = 0.0
        self.ticket = 0
        """Changes whenever a backoff begins, so that an older alarm is ignored."""
        self.done_state = State.SUCCEEDED
        self.by_run = False
        """Cancelled along with the run, not by its own name."""
        self.abandoned = ""
        """Why its round was given up; empty while it counts."""

    @property
    def is_whole(self) -> bool:
        """It stands for all items of a `for_each` stage."""
        return self.known is not None


class LoopStatus(Enum):
    """What has become of one passage of a gate's loop."""

    OPEN = "open"
    SETTLED = "settled"
    FAILED = "failed"
    PAUSED = "paused"


class LoopRun(Waiter):
    """One passage of a gate's loop: its rounds within one round of the loops around it."""

    __slots__ = (
        "accepted",
        "asked",
        "given_up",
        "inner",
        "limit",
        "loop",
        "members",
        "prefix",
        "reason",
        "round",
        "status",
        "token",
        "verdicts",
    )

    def __init__(self, loop: PlanLoop, prefix: RoundPath) -> None:
        super().__init__()
        self.loop = loop
        self.prefix = prefix
        self.round = 1
        self.limit = loop.max_rounds
        self.status = LoopStatus.OPEN
        self.accepted: int | None = None
        self.reason = ""
        self.verdicts: dict[int, Verdict] = {}
        self.token = Token(self)
        self.members: dict[int, list[Unit]] = {}
        """Round → the units made when it began (inner loops': their round 1)."""
        self.inner: dict[int, list[LoopRun]] = {}
        self.given_up: set[int] = set()
        """Rounds that a person's decision left unfinished."""
        self.asked = False
        """The verdict on the present round was handed out."""

    def gate_instance(self, number: int) -> Instance:
        """The gated stage in a round."""
        path = (*self.prefix, number) if self.loop.is_loop else self.prefix
        return Instance(self.loop.gate_stage, path)


Owner: TypeAlias = Unit | LoopRun
LoopKey: TypeAlias = tuple[str, RoundPath]
Metrics: TypeAlias = Mapping[str, float]
