"""What is said between the lines of a log: losses, restarts, that its beginning is not all there.

Kept by `timedlog.TimedFile`, which knows at which byte it is to stand.
"""

from __future__ import annotations

import time

from mltui.live.gaps import Pace
from mltui.logs.timed import Note, time_of

LOSS = "possible loss"
LEFT_OUT = "earlier lines are not fetched yet: g on the first line fetches them"
RESTARTED = "container restarted"


class Told:
    """The notes of one log; the list is its caller's."""

    def __init__(self, notes: list[Note]) -> None:
        self.notes = notes
        self._begun_at: float | None = None
        self._asked_at = 0.0
        self._restart_at: float | None = None
        self._told_restart: float | None = None

    def loss(
        self, offset: int, from_at: float | None, to_at: float | None, pace: Pace | None
    ) -> None:
        """The host has thrown away what was before a line, and maybe more.

        What is said of that line already, after a broken connection, is not said once more.
        """
        if self.notes and (self.notes[-1].offset, self.notes[-1].words) == (offset, LOSS):
            return
        about = 0
        if pace is not None and from_at is not None and to_at is not None:
            if pace.has_no_room(to_at - from_at):
                return  # a line that was cut in two has two times
            about = pace.lines_in(to_at - from_at)
        self.notes.append(Note(offset, LOSS, from_at, to_at, about))

    def began(self, at: float | None) -> None:
        """When the container was first started: lines from then on are expected."""
        self._begun_at, self._asked_at = at, time.time()

    @property
    def awaits_first(self) -> bool:
        """It is not known yet whether the first line that came is the first of all."""
        return self._begun_at is not None

    def first(self, at: float | None, pace: Pace) -> None:
        """When the first line was written that could be had."""
        begun_at, self._begun_at = self._begun_at, None
        if begun_at is None or at is None or at >= self._asked_at:
            return
        if pace.begins_late(at - begun_at):
            self.loss(0, begun_at, at, pace)

    def restarted(self, at: float | None) -> None:
        """The container had ended at this time: that is said before its first line after it."""
        if at is not None and at != self._told_restart:
            self._restart_at = self._told_restart = at

    def look(self, whole: bytes, offset: int) -> None:
        """Lines that are about to be written at a byte."""
        if self._restart_at is None:
            return
        for line in whole.split(b"\n"):
            when = time_of(line[:40])
            if when is not None and when > self._restart_at:
                if offset:
                    self.notes.append(Note(offset, RESTARTED))
                self._restart_at = None
                return
            offset += len(line) + 1
