"""The containers of a Docker host whose logs `mltui logs` brings: by name, pattern or project.

Those that are named end with their containers; of a pattern or a Compose project others may always
come, and one that is started again goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, UsageError

if TYPE_CHECKING:
    from mltui.cli.logpumps import Pumps, Stream, Wish
    from mltui.live.daemon import Daemon
    from mltui.live.logstate import LogState

_ANSWER_S = 30.0
_NAMES = 5


class Containers:
    """The containers of these targets."""

    def __init__(self, pumps: Pumps, wish: Wish, targets: Sequence[str]) -> None:
        self._pumps, self._wish, self._targets = pumps, wish, targets

    async def run(self) -> None:
        """Bring their logs until they are over. MltuiError when none can be had."""
        if self._wish.previous:
            raise UsageError("Docker keeps one log a container, also over restarts: no --previous")
        if any(map(_may_grow, self._targets)):
            await self._all()
        else:
            await self._named()

    # --- by name --------------------------------------------------------------------------------

    async def _named(self) -> None:
        from mltui.live.daemon import opened

        async with opened() as daemon:
            work = [await self._container(daemon, _name(each)) for each in self._targets]
            await asyncio.gather(*work)

    async def _container(self, daemon: Daemon, name: str) -> Coroutine[Any, Any, None]:
        from mltui.live.daemon import status_of

        try:
            found = await daemon.get(f"/containers/{name}/json")
        except MltuiError as error:
            if status_of(error) == 404:
                raise await _none(daemon, name) from None
            raise
        shown = str(found.get("Name") or name).lstrip("/")
        stream = self._stream(shown)
        self._pumps.is_found.set()
        return self._bring(daemon, found["Id"], stream)

    def _stream(self, name: str) -> Stream:
        return self._pumps.new(name, {"container": name}, says_end=self._wish.follow)

    async def _bring(self, daemon: Daemon, key: str, stream: Stream) -> None:
        from mltui.live.logs import log_to

        try:
            state = await log_to(
                daemon,
                key,
                stream.path,
                follow=self._wish.follow,
                tail=self._wish.tail,
                notes=stream.notes,
                said=self._hear(stream),
            )
            self._pumps.hear(stream.label, state)
        finally:
            stream.is_over = True

    def _hear(self, stream: Stream) -> Callable[[LogState], None]:
        return lambda state: self._pumps.hear(stream.label, state)

    # --- those that are meant, and those that come -----------------------------------------------

    async def _all(self) -> None:
        from mltui.live.feed import CONTAINERS, open_feed

        feed = await open_feed()
        logs: dict[str, asyncio.Task[None]] = {}
        changed = asyncio.Event()
        try:
            table = await feed.loaded(CONTAINERS, _ANSWER_S)
            end = table.listen(lambda changes: changed.set())
            try:
                rows = [row for row in table.rows.values() if self._is_meant(row)]
                if not rows:
                    names = sorted(row.name for row in table.rows.values())
                    raise UsageError(
                        f"no containers of {', '.join(self._targets)} on {feed.daemon.name}"
                        + _there(names)
                    )
                while True:
                    for row in rows:
                        if row.id in logs:
                            continue
                        if self._pumps.is_found.is_set() and logs:
                            self._pumps.said(f"{row.name} joined")
                        stream = self._stream(row.name)
                        work = (
                            self._follow(feed, row.id, stream)
                            if self._wish.follow
                            else self._bring(feed.daemon, row.id, stream)
                        )
                        logs[row.id] = asyncio.create_task(work)
                    self._pumps.is_found.set()
                    if not self._wish.follow:
                        await asyncio.gather(*logs.values())
                        return
                    await changed.wait()
                    changed.clear()
                    for log in logs.values():
                        if log.done():
                            log.result()
                    rows = [row for row in table.rows.values() if self._is_meant(row)]
            finally:
                end()
        finally:
            for log in logs.values():
                log.cancel()
            await feed.close()

    async def _follow(self, feed: Any, key: str, stream: Stream) -> None:
        """Over restarts, until it is removed."""
        try:
            state = await feed.log_to(
                key, stream.path, tail=self._wish.tail, notes=stream.notes, said=self._hear(stream)
            )
            self._pumps.hear(stream.label, state)
        finally:
            stream.is_over = True

    def _is_meant(self, row: Any) -> bool:
        for target in self._targets:
            word, name = target.partition("/")[0], _name(target)
            if word == "compose":
                if fnmatchcase(row.place.compose or "", name):
                    return True
            elif fnmatchcase(row.name, name) or (len(name) >= _SHORT and row.id.startswith(name)):
                return True
        return False


_SHORT = 12
"""Of an id, as `docker ps` shows it."""


def _may_grow(target: str) -> bool:
    return target.startswith("compose/") or any(each in target for each in "*?[")


def _name(target: str) -> str:
    return target.partition("/")[2]


async def _none(daemon: Daemon, name: str) -> UsageError:
    """The error that says what there is."""
    from mltui.spec.spelling import nearest

    found = await daemon.get("/containers/json", {"all": "1"})
    names = sorted(str(each).lstrip("/") for raw in found for each in (raw.get("Names") or ())[:1])
    near = nearest(name, names)
    hint = f": did you mean `container/{near}`?" if near else _there(names)
    return UsageError(f"there is no container {name} on {daemon.name}{hint}")


def _there(names: Sequence[str]) -> str:
    if not names:
        return ": there are none"
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f": there is {', '.join(names[:_NAMES])}{more}"
