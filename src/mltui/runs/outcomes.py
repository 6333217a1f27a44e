"""What the parts of the runner hand to its loop: facts to journal, and what to do once they are.

An outcome is journalled in one transaction with others of the same turn; only then is `after`
called. So nothing is removed or begun on the strength of something that might be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mltui.pipeline.model import Event
from mltui.runs.rows import BuildRow, Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """Facts that belong together."""

    events: tuple[Event, ...] = ()
    results: tuple[Result, ...] = ()
    builds: tuple[BuildRow, ...] = ()
    answers: tuple[tuple[int, str], ...] = ()
    """Request → "" (done) or why it could not be."""
    after: Callable[[], None] | None = None
    can_wait: bool = False
    """Nothing follows from it, and a crash loses nothing by it: journal it along with the next.
    All its events are about instances."""


@dataclass(slots=True)
class Batch:
    """The outcomes of one turn."""

    events: list[Event] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    builds: list[BuildRow] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add everything but the events: whoever applies those adds them."""
        self.results.extend(outcome.results)
        self.builds.extend(outcome.builds)
        self.answers.extend(outcome.answers)
        if outcome.after is not None:
            self.after.append(outcome.after)

    @property
    def is_empty(self) -> bool:
        """Nothing to journal and nothing to do."""
        return not (self.events or self.results or self.builds or self.answers or self.after)
