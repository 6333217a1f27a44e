"""The seam between a monitor and an engine that keeps schedules by itself: a cluster.

An engine that has `schedules` measures at the times it is told, also with no mltui anywhere, and
keeps what came of it until it is collected (`serving.scheduled`). It decides nothing: what follows
from a measurement needs the project and its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mltui.engines.hosting import Hosting
from mltui.engines.protocol import Attempt, Exit


class Scheduling(NamedTuple):
    """Which monitor is meant, the same whoever asks."""

    monitor: str
    """`drift@prod`."""
    name: str
    """What its objects are called, as far as names go there: `digits-drift`."""
    mark: str
    """Which checkout of the project it is of: two must not tell the same objects."""


class Records(NamedTuple):
    """What a service recorded, given to the monitor's stage as an input."""

    path: str
    """In the working folder."""
    service: Hosting
    window_s: float
    """How far back."""
    since: float = 0.0
    """Unix time: what was recorded before is another's, who had a service of that name there."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is to be measured, and when."""

    scheduling: Scheduling
    attempt: Attempt
    """One measurement: command, variables, environment, a working folder with code and inputs."""
    every_s: float
    records: tuple[Records, ...]
    min_rows: int
    """With fewer records its command is not run."""
    version: int
    """The version that is measured."""
    model_at: float
    """Since when there is that version, Unix time."""
    sign: str
    """Another one: something else is to be measured."""


@dataclass(frozen=True, slots=True)
class Made:
    """One time that it was measured, or is, or could not be."""

    name: str
    at: float
    """When its window ended; the engine's clock."""
    version: int = 0
    is_over: bool = False
    is_kept: bool = False
    """It has left something, and be it a log."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a monitor stands at its engine."""

    object: str
    """`digits-dev/digits-drift`."""
    sign: str | None = None
    """Of what it was told; None: nothing is there."""
    is_paused: bool = False
    """A person suspended it there."""
    made_at: float = 0.0
    last_at: float | None = None
    """When it was last due and begun."""
    now: float = 0.0
    """The engine's own clock."""
    changed: int = 0
    """Grows with every change of what is told."""
    is_busy: bool = False
    """It is being measured."""
    made: tuple[Made, ...] = ()
    """The oldest first."""


class Schedules(Protocol):
    """What measures by itself. All methods: Unreachable, Forbidden, StartFailed."""

    def unfit(self, every_s: float) -> str:
        """Why it can't keep a period, a sentence; empty where it can."""
        ...

    async def look(self, scheduling: Scheduling) -> Seen:
        """How it stands now."""
        ...

    async def tell(self, wanted: Timetable) -> int:
        """Have it measure so; the same changes nothing. What `Seen.changed` is then.

        StartFailed when it can't be: a service is not there, its name is taken.
        """
        ...

    async def collect(self, made: Made, by: str, attempt: Attempt) -> tuple[Exit, int] | None:
        """Bring log and metrics of one into the attempt's folder; how it ended, over how many rows.

        None: somebody else has it; `by` says who asks.
        """
        ...

    async def forget(self, made: Made) -> None:
        """It was collected: nothing of it need be kept."""
        ...

    async def take_down(self, scheduling: Scheduling) -> None:
        """Measure no more; harmless when nothing is there."""
        ...
