"""How a followed log of a container or pod stands, as screens and `mltui logs` say it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Following(StrEnum):
    """How a log stands."""

    READING = "reading"
    """What was written before is being fetched."""
    FOLLOWING = "following"
    ENDED = "ended"
    """The container does not run; a start goes on with it."""
    LOST = "lost"
    """The host does not answer; it is tried again."""
    GONE = "gone"
    """There is no such container any more."""
    REFUSED = "refused"
    """The host keeps no log of it, or can't read it."""


@dataclass(frozen=True, slots=True)
class LogState:
    """What to say beside a log."""

    following: Following
    why: str = ""
