"""CPU and memory in use, from metrics.k8s.io, while a list that shows them is looked at.

The kubelet measures every 15 s or so, and nothing tells of new figures: they are asked for. Of a
long list only what is on screen is asked for, object by object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from mltui.errors import MltuiError
from mltui.live.kind import Kind
from mltui.live.kube.cluster import Clusters, status_of
from mltui.live.kube.place import Place
from mltui.live.kube.table import PlacedTable

EVERY_S = 15.0
ABSENT_S = 60.0
"""A cluster without metrics-server is asked again after this."""
LONG_LIST = 2000
_AT_ONCE = 8


class Metrics:
    """The figures of one view."""

    def __init__(self, kind: Kind[Any], table: PlacedTable[Any], clusters: Clusters) -> None:
        self._measured = kind.watched.measured if kind.watched is not None else None
        self._table, self._clusters = table, clusters
        self._where: Sequence[Place] = ()
        self._keys: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self.absent: dict[str, str] = {}
        """Contexts that have no figures, and why."""

    def go(self, where: Sequence[Place]) -> None:
        """These places are looked at."""
        self._where = list(where)

    def watch(self, keys: Iterable[str]) -> None:
        """These rows are on screen; none: nobody looks."""
        self._keys = list(keys)
        if self._measured is None:
            return
        if self._keys and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif not self._keys and self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """Nobody looks any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def once(self) -> None:
        """Ask all places now."""
        if self._measured is not None:
            await asyncio.gather(*(self._ask(place) for place in self._where))

    async def _run(self) -> None:
        while True:
            await self.once()
            contexts = {place.context for place in self._where}
            await asyncio.sleep(ABSENT_S if contexts <= self.absent.keys() else EVERY_S)

    async def _ask(self, place: Place) -> None:
        assert self._measured is not None
        try:
            async with asyncio.timeout(EVERY_S):
                if len(self._table) > LONG_LIST:
                    await self._ask_some(place)
                else:
                    await self._ask_all(place)
            self.absent.pop(place.context, None)
        except TimeoutError:
            pass
        except MltuiError as error:
            if status_of(error) in (403, 404, 503):
                self.absent[place.context] = str(error)
        except msgspec.MsgspecError as error:
            self.absent[place.context] = f"{place.context} sends odd metrics: {error}"

    async def _ask_all(self, place: Place) -> None:
        from mltui.engines.kubernetes.watch import Typed

        assert self._measured is not None
        measured = self._measured
        shape: Typed[Any] = Typed(measured.item)
        client = self._clusters.cluster(place.context).client
        found: dict[tuple[str, str], tuple[float, float]] = {}
        async for raw in client.pages(measured.resource, place.namespace or None):
            for item in shape.page(raw)[0]:
                meta = item.metadata
                found[meta.namespace, meta.name] = measured.usage(item)
        for key, row in list(self._table.rows.items()):
            if row.context == place.context and place.namespace in ("", row.namespace):
                usage = found.get((row.namespace, row.name))
                if usage is not None:
                    self._table.apply(key, measured.with_usage(row, *usage))

    async def _ask_some(self, place: Place) -> None:
        assert self._measured is not None
        measured = self._measured
        client = self._clusters.cluster(place.context).client
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> None:
            row = self._table.get(key)
            if row is None or row.context != place.context:
                return
            async with limit:
                with suppress(MltuiError):
                    found = await client.get(measured.resource, row.namespace or None, row.name)
                    item = msgspec.convert(found, measured.item)
                    row = self._table.get(key)
                    if row is not None:
                        self._table.apply(key, measured.with_usage(row, *measured.usage(item)))

        await asyncio.gather(*(one(key) for key in self._keys))
