"""Rows of one kind by key, which know what changed since a screen last looked.

A feed applies rows, a pane listens. An equal row is no change; changes are gathered and handed over
at most ten times a second, by one timer that exists only while there is something to hand over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from mltui.text import format_age

R = TypeVar("R")

FRAME_S = 0.1
"""Shortest time between two hand-overs."""
_SHARE = 5
"""So many times as long as one takes: listeners of a long list have a fifth of the time."""


@dataclass(frozen=True)
class Changes(Generic[R]):
    """What happened since the last hand-over."""

    rows: Mapping[str, R]
    """New rows and rows that read otherwise."""
    removed: frozenset[str]
    is_status: bool
    """The connection was lost or came back: `is_stale` and `status` say which."""


Listener = Callable[[Changes[R]], None]


class Table(Generic[R]):
    """Keyed rows of one kind on one host. Belongs to one event loop.

    `name` is the host's in sentences: `docker`, `docker@build-7`; `heard` says when it last was.
    """

    def __init__(
        self,
        name: str = "",
        *,
        heard: Callable[[], float | None] = lambda: None,
        frame_s: float = FRAME_S,
    ) -> None:
        self.name = name
        self.version = 0
        """Grows with every change of a row."""
        self.is_loaded = False
        """The first list has come."""
        self._heard = heard
        self._frame_s = frame_s
        self._rows: dict[str, R] = {}
        self._changed: set[str] = set()
        self._status_changed = False
        self._listeners: list[Listener[R]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next_at = float("-inf")
        self._lost_at: float | None = None
        self._why = self._said = ""

    # rows

    @property
    def rows(self) -> Mapping[str, R]:
        """All rows, as they are now."""
        return MappingProxyType(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> R | None:
        """The row of this key, if there is one."""
        return self._rows.get(key)

    def apply(self, key: str, row: R) -> bool:
        """Put a row; whether that changed anything."""
        if self._rows.get(key) == row:
            return False
        self._rows[key] = row
        self._touch(key)
        return True

    def remove(self, key: str) -> bool:
        """Take a row away; whether there was one."""
        if self._rows.pop(key, None) is None:
            return False
        self._touch(key)
        return True

    def replace(self, rows: Mapping[str, R]) -> None:
        """Make these all the rows, in this order; only real differences are changes."""
        old = self._rows
        self._rows = {}
        for key, row in rows.items():
            before = old.get(key)
            if before == row:
                assert before is not None
                self._rows[key] = before
            else:
                self._rows[key] = row
                self._touch(key)
        for key in old.keys() - rows.keys():
            self._touch(key)
        if not self.is_loaded:
            self.is_loaded = True
            self._say_status()

    # how true they are

    @property
    def is_settled(self) -> bool:
        """The first list has come, or is known not to come now."""
        return self.is_loaded or self.is_stale

    @property
    def fresh_at(self) -> float | None:
        """When the host last gave a sign of life (seconds since the epoch); None: never yet."""
        return self._heard()

    @property
    def is_stale(self) -> bool:
        """The connection is lost: rows are as they were when it was."""
        return self._lost_at is not None

    def is_stale_row(self, row: object) -> bool:
        """The same of one row: a table may be of several hosts."""
        return self.is_stale

    @property
    def why(self) -> str:
        """Why it is stale, as the connection's own sentence; empty while it is not."""
        return self._why

    def status(self, at: float | None = None) -> str:
        """`no answer from docker for 12s, retrying`; empty while the connection is there."""
        if self._lost_at is None:
            return ""
        lasted = format_age((time.time() if at is None else at) - self._lost_at)
        said = self._said or f"no answer from {self.name}"
        return f"{said} for {lasted}, retrying"

    def lost(self, why: str, at: float, said: str = "") -> None:
        """The connection broke, or can't be made; repeated calls keep the first time.

        `said` begins the status where it is not silence: `docker does not list its volumes`.
        """
        if self._lost_at is None or self._why != why:
            self._say_status()
        if self._lost_at is None:
            self._lost_at = at
        self._why, self._said = why, said

    def live(self) -> None:
        """The connection is there, and the rows are true."""
        if self._lost_at is not None:
            self._lost_at, self._why = None, ""
            self._say_status()

    # handing over

    def listen(self, listener: Listener[R]) -> Callable[[], None]:
        """Call `listener` with what changed, from now on; returns what ends it.

        It is called in the event loop. Rows that are there already are not handed over.
        """
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners:
                self._drop()

        return end

    def close(self) -> None:
        """Nobody listens any more."""
        self._listeners.clear()
        self._drop()

    def _drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._changed.clear()
        self._status_changed = False

    def _touch(self, key: str) -> None:
        self.version += 1
        if self._listeners:
            self._changed.add(key)
            self._schedule()

    def _say_status(self) -> None:
        if self._listeners:
            self._status_changed = True
            self._schedule()

    def _schedule(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._next_at - loop.time()), self._hand_over)

    def _hand_over(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        began = loop.time()
        keys, self._changed = self._changed, set()
        is_status, self._status_changed = self._status_changed, False
        rows = self._rows
        changes = Changes(
            {key: rows[key] for key in keys if key in rows},
            frozenset(key for key in keys if key not in rows),
            is_status,
        )
        for listener in tuple(self._listeners):
            listener(changes)
        self._next_at = began + max(self._frame_s, _SHARE * (loop.time() - began))


def by_key(rows: Iterable[R], key: Callable[[R], str]) -> dict[str, R]:
    """Rows as a mapping, in their order; of two with one key the later."""
    return {key(row): row for row in rows}
