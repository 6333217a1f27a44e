"""The seam between a service's keeper and an engine that keeps services by itself: a cluster.

An engine that runs single processes has its replicas started, watched and replaced by
`serving.keeper`. One that has a `host` is told what is wanted and looked at (`serving.hosted`):
replacing, spreading and restarting are its own business, and go on without any of mltui.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from mltui.engines.protocol import Attempt


class Hosting(NamedTuple):
    """Which deployment is meant, the same whoever asks."""

    deployment: str
    """`classifier@prod`."""
    name: str
    """What its objects are called, as far as names go there: `digits-classifier`."""
    mark: str
    """Which checkout of the project it is of: two must not tell the same objects."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be there of a deployment."""

    hosting: Hosting
    attempt: Attempt
    """A replica of it: command, variables, environment, a working folder with code and inputs."""
    version: int
    restarted_at: float
    """Replicas made before are replaced."""
    replicas: int
    port: int | None
    """Where clients ask; replicas listen on the attempt's."""
    health: str | None
    ready_s: float
    """How long a replica may take until it is healthy."""


@dataclass(frozen=True, slots=True)
class Member:
    """A replica as the host has it."""

    object: str
    version: int
    restarted_at: float
    """Of what was wanted when it was made."""
    made_at: float
    address: str
    """Where it is in the host's network; may be out of reach from here."""
    is_ready: bool
    """It gets requests."""
    is_going: bool
    started_at: float | None = None
    """Since when its process runs; None: it does not."""
    ends: int = 0
    """How often its process has ended by itself."""
    problem: str = ""
    """Why it is not ready, a sentence."""
    is_stuck: bool = False
    """It waits for what may never come."""
    is_hopeless: bool = False
    """No waiting helps."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a deployment stands at its host."""

    members: tuple[Member, ...] = ()
    told: tuple[int, float, int] | None = None
    """Version, restart and replicas that it was told last; None: nothing is there."""
    is_done: bool = False
    """All replicas are as they were told, and ready."""
    problem: str = ""
    """What is wrong beside its replicas: a quota, connections that go elsewhere."""
    url: str = ""
    """Where clients in the host's network ask; empty: nowhere."""


class Said(NamedTuple):
    """A replica's answer. `status` 0: there was none, `problem` says why."""

    status: int
    body: bytes
    problem: str


class Host(Protocol):
    """What keeps services by itself. All methods: Unreachable, Forbidden, StartFailed."""

    patience_s: float
    """How long a replica may be stuck."""

    async def look(self, hosting: Hosting) -> Look:
        """How it stands now."""
        ...

    async def changed(self, hosting: Hosting, limit_s: float) -> None:
        """Until it stands differently than when it was looked at last, or `limit_s` has passed."""
        ...

    async def tell(self, wanted: Wanted) -> None:
        """Have it replace its replicas by such, one after the other; the same changes nothing.

        StartFailed when it can't be: its image is gone, its name is taken by something else.
        """
        ...

    async def scale(self, hosting: Hosting, replicas: int) -> None:
        """Have another number of the replicas that there are."""
        ...

    async def take_down(self, hosting: Hosting) -> None:
        """End all of it; harmless when nothing is there. Replicas may take a while to end."""
        ...

    async def ask(self, hosting: Hosting, obj: str, port: int, path: str) -> Said:
        """GET a path of a replica. Never raises but for being cancelled."""
        ...

    async def follow_log(self, hosting: Hosting, obj: str, log: Path) -> None:
        """Add what a replica prints to a file, from where the file ends, until it is gone."""
        ...

    async def follow_records(self, hosting: Hosting, obj: str, records: Path) -> None:
        """Add what a replica records to a file, from where the file ends, until it is gone."""
        ...

    async def forget_records(self, hosting: Hosting, obj: str, records: Path) -> None:
        """Of a replica that is gone: bring the rest of its records, then forget them."""
        ...
