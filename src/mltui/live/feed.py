"""`Feed`: all live tables of one Docker daemon, kept true by one event stream.

Made by the app's session and by `mltui ls`; panes ask it for tables and listen to them. It survives
a daemon that is stopped, hangs or is restarted: tables say so, keep their rows, and are made anew
from a fresh list when it answers again. Subscribing comes before listing, so nothing that happens
in between is missed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, Unreachable
from mltui.live.daemon import Daemon, message_of, open_daemon
from mltui.live.follow import Follower, Joined
from mltui.live.kind import Kind
from mltui.live.kinds import kind_named
from mltui.live.stats import Stats, Usage
from mltui.live.table import Table

if TYPE_CHECKING:
    from mltui.live.logstate import LogState
    from mltui.logs.timed import Note
    from mltui.spec.model import Target

CONTAINERS = "containers"
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
"""Between two tries to reach a daemon that does not answer."""
LIST_S = 30.0
"""A list that takes longer is given up and asked for again: a volume's driver may hang."""


class Feed:
    """The live tables of a daemon. Belongs to the event loop in which the first is asked for."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.stats = Stats(daemon, self._runs, self._measured)
        self._tables: dict[str, Table[Any]] = {}
        self._followers: dict[str, Follower[Any]] = {}
        self._joined: dict[str, Joined[Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self._broken: asyncio.Future[MltuiError] | None = None
        self._starting: set[asyncio.Task[None]] = set()
        self._why: tuple[str, float] | None = None
        self.is_live = False
        """The daemon's events come in now, and what it has was listed."""

    # what a screen asks for

    def table(self, kind: str) -> Table[Any]:
        """The table of a kind, followed from now on. KeyError for an unknown name."""
        found = kind_named(kind)
        name = found.name
        if name in self._tables:
            return self._tables[name]
        if found.join is not None and name != CONTAINERS:
            self.table(CONTAINERS)
        table: Table[Any] = Table(self.daemon.name, heard=lambda: self.daemon.heard_at)
        self._tables[name] = table
        self._add(found, table)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif self._why is not None:
            table.lost(*self._why)
        elif self.is_live:
            self._start(self._list_later(name, 0.0))
        return table

    def seed(self, kind: str, rows: Iterable[Any]) -> None:
        """Rows that were listed a moment ago; they hold until the first list is in."""
        found, table = kind_named(kind), self.table(kind)
        if not table.is_loaded:
            self.daemon.heard()
            put_all = self._put_all if found.name == CONTAINERS else table.replace
            put_all({found.key(row): row for row in rows})

    async def loaded(
        self, kind: str, timeout_s: float | None = None, *, patient: bool = True
    ) -> Table[Any]:
        """The table once its first list is in.

        Unreachable after `timeout_s` without one; not `patient`: at once when a try fails.
        """
        name = kind_named(kind).name
        table = self.table(name)
        tried = asyncio.Event()
        end = table.listen(lambda changes: tried.set())
        try:
            async with asyncio.timeout(timeout_s):
                while not table.is_loaded and (patient or not table.is_stale):
                    tried.clear()
                    await tried.wait()
        except TimeoutError:
            pass
        finally:
            end()
        if not table.is_loaded:
            raise Unreachable(table.why or f"{self.daemon.name} does not answer")
        return table

    async def settled(self, *kinds: str) -> None:
        """Wait until nothing that is known to be different is left to be read."""
        names = [kind_named(kind).name for kind in kinds] or list(self._followers)
        while not (  # noqa: ASYNC110 - for scripts and tests, and soon over
            self.is_live and all(self._is_idle(name) for name in names)
        ):
            await asyncio.sleep(0.01)

    async def measure(self, kind: str) -> None:
        """Find out what costs the daemon much: sizes of volumes. DockerError, Unreachable."""
        found = kind_named(kind)
        table = await self.loaded(found.name)
        if found.measure is not None:
            self._followers[found.name].take(await found.measure(self.daemon, table.rows))

    def refresh(self, kind: str) -> None:
        """List a kind anew: something happened to it that this daemon tells no events of."""
        name = kind_named(kind).name
        if self.is_live and name in self._followers:
            self._start(self._list_later(name, 0.0))

    def watch_stats(self, keys: Collection[str]) -> None:
        """Measure these containers, and no others: the ones that are on screen."""
        self.table(CONTAINERS)
        self.stats.watch(keys)

    async def until(self, key: str, is_so: Callable[[Any], bool]) -> Any:
        """Wait until a container's row is as asked; `is_so` gets None when there is no row."""
        table = self.table(CONTAINERS)
        came = asyncio.Event()
        end = table.listen(lambda changes: came.set())
        try:
            while not (table.is_loaded and not table.is_stale and is_so(table.get(key))):
                came.clear()
                await came.wait()
        finally:
            end()
        return table.get(key)

    async def log_to(
        self,
        key: str,
        path: Path,
        *,
        reads_first: bool = False,
        tail: int | None = None,
        notes: list[Note] | None = None,
        said: Callable[[LogState], None] = lambda state: None,
    ) -> LogState:
        """Write a container's log to a file and follow it; see `live.logs.log_to`."""
        from mltui.live.logs import log_to

        async def runs_again(key: str) -> bool:
            return await self.until(key, lambda row: row is None or row.is_running) is not None

        return await log_to(
            self.daemon, key, path, runs_again=runs_again, reads_first=reads_first,
            tail=tail, notes=notes, said=said,
        )  # fmt: skip

    async def close(self) -> None:
        """End everything; tables keep their last rows and say nothing more."""
        await self.stats.close()
        tasks = [*self._starting, *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None
        for follower in self._followers.values():
            await follower.pause()
        for table in self._tables.values():
            table.close()
        await self.daemon.close()

    # tables and what they are made of

    def _is_idle(self, name: str) -> bool:
        follower = self._followers.get(name)
        return self._tables[name].is_loaded and (follower is None or follower.is_idle)

    def _add(self, kind: Kind[Any], table: Table[Any]) -> None:
        put: Callable[[str, Any], object] = table.apply
        drop: Callable[[str], object] = table.remove
        put_all: Callable[[dict[str, Any]], object] = table.replace
        rows: Callable[[], Mapping[str, Any]] = lambda: table.rows  # noqa: E731
        if kind.join is not None:
            joined = Joined(kind, table.apply, table.remove, lambda keys: self._reread(kind, keys))
            self._joined[kind.name] = joined
            rows_now = self._tables[CONTAINERS].rows
            joined.used((key, None, row) for key, row in rows_now.items())
            put, drop = joined.put, joined.drop
            put_all = lambda own: table.replace(joined.all(own))  # noqa: E731
            rows = lambda: joined.own  # noqa: E731
        elif kind.name == CONTAINERS:
            put, drop, put_all = self._put, self._drop, self._put_all
        if kind.list_rows is not None:
            self._followers[kind.name] = Follower(
                kind, self.daemon, put=put, drop=drop, put_all=put_all, rows=rows
            )

    def _reread(self, kind: Kind[Any], keys: list[str]) -> None:
        follower = self._followers.get(kind.name)
        if follower is not None:
            follower.read_again(keys)

    def _put(self, key: str, row: Any) -> None:
        table = self._tables[CONTAINERS]
        old = table.get(key)
        if table.apply(key, row):
            for joined in self._joined.values():
                joined.used([(key, old, row)])

    def _drop(self, key: str) -> None:
        table = self._tables[CONTAINERS]
        old = table.get(key)
        if old is not None:
            table.remove(key)
            self.stats.forget(key)
            for joined in self._joined.values():
                joined.used([(key, old, None)])

    def _put_all(self, rows: dict[str, Any]) -> None:
        table = self._tables[CONTAINERS]
        old = dict(table.rows)
        table.replace(rows)
        changed = [
            (key, old.get(key), rows.get(key))
            for key in old.keys() | rows.keys()
            if old.get(key) != rows.get(key)
        ]
        for joined in self._joined.values():
            joined.used(changed)

    def _runs(self, key: str) -> bool:
        row = self._tables[CONTAINERS].get(key)
        return self.is_live and row is not None and bool(row.is_running)

    def _measured(self, key: str, usage: Usage) -> None:
        row = self._tables[CONTAINERS].get(key)
        if row is not None and row.is_running:
            self._tables[CONTAINERS].apply(key, row.with_usage(usage))  # no other kind shows it

    # the connection

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                error = await self._follow()
                pause_s = FIRST_PAUSE_S
            except MltuiError as refused:
                error = refused
            except Exception as fault:  # a fault of ours must not leave tables that look true
                error = _of_ours(fault)
            self.is_live = False
            self._why = (str(error), time.time())
            for task in self._starting:
                task.cancel()
            for table in self._tables.values():
                table.lost(*self._why)
            for follower in list(self._followers.values()):  # one may be added meanwhile
                await follower.pause()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _follow(self) -> MltuiError:
        """One connection, from subscribing to its break; why it broke.

        Unreachable when it can't be made.
        """
        broken: asyncio.Future[MltuiError] = asyncio.get_running_loop().create_future()
        self._broken = broken
        end = await self.daemon.client.events.subscribe(self._hear)
        self.daemon.heard()
        try:
            listed: set[str] = set()
            while missing := [name for name in self._tables if name not in listed]:
                listed.update(missing)
                if CONTAINERS in missing:  # joined kinds need it: their rows are whole at once
                    await self._list(CONTAINERS)
                    missing.remove(CONTAINERS)
                await asyncio.gather(*(self._list(name) for name in missing))
            self.is_live, self._why = True, None
            await asyncio.wait([broken])
            return broken.result()
        finally:
            end()

    async def _list(self, name: str) -> None:
        """List one kind. Unreachable; what the daemon refuses concerns this kind only."""
        table = self._tables[name]
        try:
            if name in self._followers:
                async with asyncio.timeout(LIST_S):
                    await self._followers[name].list_all()
            else:
                table.replace(self._joined[name].all({}))
        except Unreachable:
            raise
        except (MltuiError, TimeoutError) as error:
            why = message_of(error) if isinstance(error, MltuiError) else f"{LIST_S:.0f}s passed"
            said = f"{self.daemon.name} does not list its {name}"
            table.lost(why, time.time(), said)
            self._start(self._list_later(name, LONGEST_PAUSE_S))
        else:
            table.live()

    async def _list_later(self, name: str, pause_s: float) -> None:
        """List a kind while the events come in; one call may fail by itself and is tried again."""
        while True:
            await asyncio.sleep(pause_s)
            try:
                return await self._list(name)
            except Unreachable as error:
                self._tables[name].lost(str(error), time.time())
                pause_s = LONGEST_PAUSE_S

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    def _hear(self, event: Mapping[str, Any] | Unreachable) -> None:
        if isinstance(event, Unreachable):
            if self._broken is not None and not self._broken.done():
                self._broken.set_result(event)
            return
        try:
            self.daemon.note(event)
            for follower in self._followers.values():
                follower.hear(event)
        except Exception as fault:  # it must not end the stream of all: list anew
            if self._broken is not None and not self._broken.done():
                self._broken.set_result(_of_ours(fault))


def _of_ours(fault: Exception) -> MltuiError:
    """A fault of mltui's own, told to the loop's handler, as what a table can say."""
    said = {"message": "a feed broke", "exception": fault}
    asyncio.get_running_loop().call_exception_handler(said)
    return MltuiError(f"mltui has a fault: {type(fault).__name__}: {fault}")


async def open_feed(target: Target | None = None, environ: Mapping[str, str] | None = None) -> Feed:
    """A feed on a target's daemon; the engine is loaded in a thread, as that takes a while.

    UsageError for an unknown context or an address of another kind.
    """
    return Feed(await asyncio.to_thread(open_daemon, target, environ))
