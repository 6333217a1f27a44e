"""Keeps the table of one kind true: a list once, then every named thing read by itself.

Called by `Feed`, which tells it of events and of gaps. Nothing is lost: the events of the time in
which the list was made are kept, and what they name is read after it. Nothing is brought back: a
reading that began before a removal does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from mltui.errors import MltuiError, Unreachable
from mltui.live.daemon import READERS, Daemon
from mltui.live.kind import Event, Kind, Reading
from mltui.live.table import by_key

R = TypeVar("R")

READ_S = 10.0
"""A daemon can hang on one thing and answer for all others: such a thing is read again later."""
AGAIN_S = 5.0


class Follower(Generic[R]):
    """The rows of a kind as the daemon has them, put into wherever `put` and `drop` lead."""

    def __init__(
        self,
        kind: Kind[R],
        daemon: Daemon,
        *,
        put: Callable[[str, R], object],
        drop: Callable[[str], object],
        put_all: Callable[[dict[str, R]], object],
        rows: Callable[[], Mapping[str, R]],
    ) -> None:
        self.kind = kind
        self._daemon = daemon
        self._put, self._drop, self._put_all, self._rows = put, drop, put_all, rows
        self._named: dict[str, None] = {}
        """Keys that events named: first."""
        self._unread: dict[str, None] = {}
        """Keys of the list that lack something: when nothing else is to be read."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._listing = True
        self._count = 0
        self._gone: dict[str, int] = {}

    @property
    def is_idle(self) -> bool:
        """Nothing is left to be read."""
        return not (self._listing or self._named or self._unread or self._tasks)

    async def list_all(self) -> None:
        """Read all; events that come meanwhile are kept. Unreachable, DockerError."""
        assert self.kind.list_rows is not None
        await self.pause()
        self._named.clear()
        self._unread.clear()
        listed = by_key(await self.kind.list_rows(self._daemon), self.kind.key)
        self._unread = {key: None for key, row in listed.items() if self.kind.unfinished(row)}
        known = self._rows()
        for key in listed.keys() & known.keys():
            listed[key] = self.kind.carry(known[key], listed[key])
        self._put_all(listed)
        self._listing = False
        self._pump()

    async def pause(self) -> None:
        """The connection is lost, or a list is about to be made: events are only kept."""
        self._listing = True
        for handle in self._later.values():
            handle.cancel()
        self._later.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._gone.clear()

    def hear(self, event: Event) -> None:
        """Something happened on the host."""
        heard = self.kind.heard(event, self._rows())
        for key in heard.gone:
            if self._listing:
                self._named[key] = None  # the list may still hold it
                continue
            self._forget(key)
            self._drop(key)
        for key in heard.again:
            self._named[key] = None
        if heard.again or heard.gone:
            self._pump()

    def read_again(self, keys: list[str]) -> None:
        """Have some keys read though no event named them."""
        if not self._listing:
            self._named.update(dict.fromkeys(keys))
            self._pump()

    def take(self, rows: Sequence[R]) -> None:
        """Rows that somebody else read."""
        known = self._rows()
        for row in rows:
            if self.kind.key(row) in known:
                self._put(self.kind.key(row), row)

    def _forget(self, key: str) -> None:
        self._named.pop(key, None)
        self._unread.pop(key, None)
        if self._tasks:
            self._count += 1
            self._gone[key] = self._count

    def _pump(self) -> None:
        if self._listing:
            return
        for waiting in (self._named, self._unread):
            for key in tuple(waiting):
                if len(self._tasks) >= READERS:
                    return
                if key in self._tasks:
                    continue
                del waiting[key]
                self._tasks[key] = asyncio.get_running_loop().create_task(self._read(key))

    async def _read(self, key: str) -> None:
        assert self.kind.read is not None
        began = self._count
        try:
            async with self._daemon.reading, asyncio.timeout(READ_S):
                reading = await self.kind.read(self._daemon, key, self._rows())
            self._take(reading, began)
        except Unreachable:
            self._retry(key)  # a lost connection makes a new list before that
        except (MltuiError, TimeoutError):
            self._retry(key)
        finally:
            if self._tasks.get(key) is asyncio.current_task():
                del self._tasks[key]
            if not self._tasks:
                self._gone.clear()
            self._pump()

    def _take(self, reading: Reading[R], began: int) -> None:
        known = self._rows()
        for row in reading.rows:
            key = self.kind.key(row)
            if self._gone.get(key, 0) > began:
                continue
            old = known.get(key)
            self._put(key, row if old is None else self.kind.carry(old, row))
        for key in reading.gone:
            self._drop(key)
        for key in reading.again:
            self._named[key] = None

    def _retry(self, key: str) -> None:
        def again() -> None:
            del self._later[key]
            self._named[key] = None
            self._pump()

        if key not in self._later and not self._listing:
            loop = asyncio.get_running_loop()
            self._later[key] = loop.call_later(AGAIN_S, again)


class Joined(Generic[R]):
    """Rows of a kind that depend on containers: own part and users, kept apart and put together."""

    def __init__(
        self,
        kind: Kind[R],
        put: Callable[[str, R], object],
        drop: Callable[[str], object],
        missing: Callable[[list[str]], object],
    ) -> None:
        """`missing` gets keys that a container uses and no event told of (BuildKit's images)."""
        self._kind = kind
        self._put, self._drop, self._missing = put, drop, missing
        self.own: dict[str, R] = {}
        self._users: dict[str, dict[str, Any]] = {}

    def put(self, key: str, row: R) -> None:
        """The own part of a row."""
        self.own[key] = row
        self._join(key)

    def drop(self, key: str) -> None:
        """The thing itself is gone."""
        self.own.pop(key, None)
        self._join(key)

    def all(self, own: dict[str, R]) -> dict[str, R]:
        """A whole list of own parts; the whole rows."""
        self.own = dict(own)
        made = {key: self._made(key) for key in {**own, **self._users}}
        return {key: row for key, row in made.items() if row is not None}

    def used(self, changes: Iterable[tuple[str, Any, Any]]) -> None:
        """Containers changed: identity, row before, row now (None: it is not there)."""
        assert self._kind.join is not None
        uses = self._kind.join.uses
        touched: set[str] = set()
        unknown: set[str] = set()
        for user, old, new in changes:
            before = set() if old is None else set(uses(old))
            after = set() if new is None else set(uses(new))
            for key in before - after:
                users = self._users.get(key, {})
                users.pop(user, None)
                if not users:
                    self._users.pop(key, None)
            for key in after:
                self._users.setdefault(key, {})[user] = new
            touched |= before | after
            unknown |= after - before - self.own.keys()
        for key in touched:
            self._join(key)
        if unknown:
            self._missing(sorted(unknown))

    def _made(self, key: str) -> R | None:
        assert self._kind.join is not None
        users = list(self._users.get(key, {}).values())
        return self._kind.join.with_users(key, self.own.get(key), users)

    def _join(self, key: str) -> None:
        row = self._made(key)
        if row is None:
            self._drop(key)
        else:
            self._put(key, row)
