"""Whatever a watch does (breaks, repeats, lags, forgets), a table ends as a fresh list would be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mltui.engines.kubernetes import watch
from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.errors import ApiExpired
from mltui.engines.kubernetes.resources import PODS
from mltui.engines.kubernetes.watch import Typed, Watching
from mltui.errors import Unreachable
from mltui.live.kinds.kube.pods import KIND
from mltui.live.kube.part import Part
from mltui.live.kube.place import Place
from mltui.live.kube.table import PlacedTable

PLACE = Place("kind", "dev")


@dataclass
class World:
    """An API server with pods, and the trouble it makes."""

    version: int = 10
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    compacted: int = 0
    breaks: int = 0
    is_down: bool = False
    forgets_pages: int = 0
    repeats: int = 0
    lag: int = 0
    """Changes that a list from the server's memory does not tell yet."""
    as_event: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    lists: int = 0

    # what happens there

    def add(self, name: str) -> None:
        if name in {pod["metadata"]["name"] for pod in self.pods.values()}:
            return
        self._write("ADDED", f"uid-{self.version + 1}", name, "Pending")

    def change(self, index: int) -> None:
        if self.pods:
            uid = sorted(self.pods)[index % len(self.pods)]
            pod = self.pods[uid]
            phase = "Running" if pod["status"]["phase"] == "Pending" else "Pending"
            self._write("MODIFIED", uid, pod["metadata"]["name"], phase)

    def delete(self, index: int) -> None:
        if self.pods:
            uid = sorted(self.pods)[index % len(self.pods)]
            self._write("DELETED", uid, self.pods[uid]["metadata"]["name"], "Running")
            del self.pods[uid]

    def _write(self, kind: str, uid: str, name: str, phase: str) -> None:
        self.version += 1
        meta = {"name": name, "namespace": "dev", "uid": uid, "resourceVersion": str(self.version)}
        pod = {
            "metadata": meta,
            "spec": {"containers": [{"name": "c"}]},
            "status": {"phase": phase},
        }
        self.pods[uid] = pod
        self.history.append((self.version, kind, pod))
        self.news.set()

    def wake(self) -> None:
        self.news.set()

    # what a client is told

    name = "kind"

    def heard(self) -> None: ...

    async def pages(
        self, resource: Any, namespace: Any, *, at_once: bool, **_: Any
    ) -> AsyncIterator[bytes]:
        self.lists += 1
        if self.is_down:
            raise Unreachable("kind can't be reached")
        version, pods = self.version, list(self.pods.values())
        for start in range(0, max(len(pods), 1), 2):
            if start and self.forgets_pages:
                self.forgets_pages -= 1
                raise ApiExpired("forgotten", status=410)
            listed = {
                "metadata": {"resourceVersion": str(version)},
                "items": pods[start : start + 2],
            }
            yield json.dumps(listed).encode()
            await asyncio.sleep(0)
            if at_once and len(pods) > 2:
                yield self._in_memory()
                return

    def _in_memory(self) -> bytes:
        """The whole list as it was some changes ago."""
        version = max(self.version - self.lag, 10)
        known: dict[str, Any] = {}
        for number, kind, pod in self.history:
            if number <= version:
                known[pod["metadata"]["uid"]] = pod if kind != "DELETED" else None
        items = [pod for pod in known.values() if pod is not None]
        return json.dumps({"metadata": {"resourceVersion": str(version)}, "items": items}).encode()

    @asynccontextmanager
    async def watch(
        self, resource: Any, namespace: Any, version: str, **_: Any
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if self.is_down:
            raise Unreachable("kind can't be reached")
        if int(version) < self.compacted and not self.as_event:
            raise ApiExpired("too old", status=410)
        yield self._events(int(version))

    async def _events(self, version: int) -> AsyncIterator[bytes]:
        if version < self.compacted:
            yield _event("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})
            return
        mine, at = self.breaks, version
        while True:
            late = [each for each in self.history if each[0] <= at][-self.repeats :]
            for _, kind, pod in late if self.repeats else ():
                yield _event(kind, pod)
            for number, kind, pod in list(self.history):
                if number > at:
                    at = number
                    yield _event(kind, pod)
                if self.breaks != mine:
                    break
            if self.breaks != mine:
                if self.breaks % 3:
                    raise Unreachable("kind can't be reached: it closed the connection")
                return
            yield _event("BOOKMARK", {"metadata": {"resourceVersion": str(at)}})
            self.news.clear()
            await self.news.wait()


def _event(kind: str, found: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode()


@contextmanager
def no_pauses() -> Iterator[None]:
    known = (watch.FIRST_PAUSE_S, watch.LONGEST_PAUSE_S, watch.REFUSED_S)
    watch.FIRST_PAUSE_S = watch.LONGEST_PAUSE_S = watch.REFUSED_S = 0.0
    try:
        yield
    finally:
        watch.FIRST_PAUSE_S, watch.LONGEST_PAUSE_S, watch.REFUSED_S = known


STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(["a", "b", "c", "d", "e", "f"])),
    st.tuples(st.just("change"), st.integers(0, 5)),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.tuples(st.just("break"), st.just(0)),
    st.tuples(st.just("compact"), st.booleans()),
    st.tuples(st.just("down"), st.booleans()),
    st.tuples(st.just("forget"), st.integers(1, 2)),
    st.tuples(st.just("repeat"), st.integers(0, 3)),
    st.tuples(st.just("lag"), st.integers(0, 4)),
    st.tuples(st.just("wait"), st.integers(1, 8)),
)


async def play(steps: list[tuple[str, Any]]) -> None:
    world = World()
    table: PlacedTable[Any] = PlacedTable("pods", heard=lambda: None)
    table.add(PLACE)
    assert KIND.watched is not None
    part = Part(KIND, PLACE, table)
    watching: Watching[Any] = Watching(
        cast(Client, world), PODS, "dev", Typed(KIND.watched.item), part
    )
    task = asyncio.create_task(watching.run())
    for what, how in steps:
        if what in ("add", "change", "delete"):
            getattr(world, what)(how)
        elif what == "break":
            world.breaks += 1
        elif what == "compact":
            world.compacted, world.as_event = world.version, how
            world.breaks += 1
        elif what == "down":
            world.is_down = how
            world.breaks += how
        elif what == "forget":
            world.forgets_pages = how
        elif what == "repeat":
            world.repeats = how
        elif what == "lag":
            world.lag = how
        else:
            for _ in range(how):
                await asyncio.sleep(0)
        world.wake()
    world.is_down = False
    expected = {
        f"kind/{uid}": (pod["metadata"]["name"], pod["status"]["phase"])
        for uid, pod in world.pods.items()
    }

    def shown() -> dict[str, tuple[str, str]]:
        return {key: (row.name, row.phase) for key, row in table.rows.items()}

    for _ in range(2000):
        if shown() == expected and not table.why:
            break
        world.wake()
        await asyncio.sleep(0)
    assert shown() == expected
    assert not table.why
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@settings(max_examples=10 * settings().max_examples)
@given(st.lists(STEPS, max_size=60))
@example([("add", "a"), ("add", "b"), ("add", "c"), ("wait", 1), ("delete", 0)])
def test_after_any_history_the_table_is_as_a_fresh_list(steps: list[tuple[str, Any]]) -> None:
    with no_pauses():
        asyncio.run(play(steps))
