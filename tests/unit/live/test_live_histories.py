"""After any history of a host, breaks and slow answers too, a feed shows what a fresh list does.

The daemon is a model of Docker's: what it answers is what was true at one moment while it was
asked, and its events come in order, after what they tell of.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mltui.errors import MltuiError, Unreachable
from mltui.live import feed as feed_module
from mltui.live import follow as follow_module
from mltui.live.daemon import Daemon
from mltui.live.feed import Feed


class NotFound(MltuiError):
    status = 404


class World:
    """Containers and images of a host that lives in this process."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.containers: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.listeners: list[Callable[[Any], None]] = []
        self.is_up = True
        self.asked: list[str] = []
        self.made = 0

    # what happens there

    def tell(self, kind: str, action: str, key: str) -> None:
        event = {"Type": kind, "Action": action, "Actor": {"ID": key, "Attributes": {}}}
        for listener in tuple(self.listeners):
            listener(event)

    def create(self) -> None:
        self.made += 1
        key = f"{self.made:064d}"
        volume = f"v{self.made % 3}"
        if volume not in self.volumes:
            self.volumes[volume] = {"Name": volume, "CreatedAt": "2026-11-24T13:00:00Z"}
            self.tell("volume", "create", volume)
        self.containers[key] = {
            "state": "created", "name": f"c{self.made}", "code": 0, "restarts": 0,
            "volume": volume, "project": f"p{self.made % 2}",
        }  # fmt: skip
        self.tell("container", "create", key)

    def change(self, what: str) -> None:
        if not self.containers:
            return
        key = self.chance.choice(sorted(self.containers))
        found = self.containers[key]
        if what == "start":
            found["state"] = "running"
        elif what == "die":
            found |= {"state": "exited", "code": self.chance.choice([0, 1, 137])}
        elif what == "rename":
            found["name"] += "x"
        elif what == "update":
            found["restarts"] += 1
        elif what == "destroy":
            del self.containers[key]
        self.tell("container", what, key)

    def drop_volume(self) -> None:
        used = {found["volume"] for found in self.containers.values()}
        for volume in sorted(self.volumes.keys() - used)[:1]:
            del self.volumes[volume]
            self.tell("volume", "destroy", volume)

    def break_off(self) -> None:
        listeners, self.listeners = self.listeners, []
        for listener in listeners:
            listener(Unreachable("it closed the connection"))

    # what it answers

    async def json(self, method: str, path: str, *rest: object) -> Any:
        self.asked.append(path)
        await self._wait()
        if not self.is_up or self.chance.random() < 0.03:
            raise Unreachable("nothing listens there")
        found = self._answer(path)
        await self._wait()  # the answer is on its way: what it says may be over
        if found is None:
            raise NotFound(path)
        return found

    async def _wait(self) -> None:
        for _ in range(self.chance.choice([0, 1, 2, 5, 20])):
            await asyncio.sleep(0)

    def _answer(self, path: str) -> Any:
        parts = path.strip("/").split("/")
        if path == "/containers/json":
            return [self._listed(key) for key in self.containers]
        if path == "/volumes":
            return {"Volumes": list(self.volumes.values())}
        if parts[0] == "volumes":
            return self.volumes.get(parts[1])
        return self._inspected(parts[1]) if parts[1] in self.containers else None

    def _listed(self, key: str) -> dict[str, Any]:
        found = self.containers[key]
        said = f"Exited ({found['code']}) 2 seconds ago" if found["state"] == "exited" else ""
        return {
            "Id": key, "Names": [f"/{found['name']}"], "Image": "i", "ImageID": "sha256:1",
            "State": found["state"], "Status": said, "Created": 1795000000,
            "Labels": {"com.docker.compose.project": found["project"]},
            "Mounts": [{"Type": "volume", "Name": found["volume"]}],
        }  # fmt: skip

    def _inspected(self, key: str) -> dict[str, Any]:
        found = self.containers[key]
        state = {"Status": found["state"], "ExitCode": found["code"]}
        return {
            "Id": key, "Name": f"/{found['name']}", "Image": "sha256:1", "State": state,
            "Created": "2026-11-18T14:13:20.5Z", "RestartCount": found["restarts"],
            "Config": {"Image": "i", "Labels": {"com.docker.compose.project": found["project"]}},
            "Mounts": [{"Type": "volume", "Name": found["volume"]}],
        }  # fmt: skip

    # as the engine's client

    @property
    def events(self) -> World:
        return self

    async def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        await self._wait()
        if not self.is_up:
            raise Unreachable("nothing listens there")
        self.listeners.append(listener)
        await self._wait()

        def end() -> None:
            if listener in self.listeners:
                self.listeners.remove(listener)

        return end

    async def close(self) -> None:
        self.listeners.clear()


class Model(Daemon):
    """A daemon that is a model."""

    def __init__(self, world: World) -> None:
        super().__init__(cast(Any, world))

    @property
    def name(self) -> str:
        return "docker"


QUICK = "MLTUI_QUICK" in os.environ
"""`make quick` looks at fewer examples; `make test` and CI at all."""
WORDS = st.sampled_from(
    ["create", "create", "start", "die", "rename", "update", "destroy", "volume",
     "break", "down", "up", "pause", "stats"]
)  # fmt: skip
KINDS = ("containers", "volumes", "compose")


async def _calm(feed: Feed) -> None:
    """Wait until nothing is left to be read, also of what could not be read the first time."""
    await feed.settled(*KINDS)
    while any(follower._later for follower in feed._followers.values()):
        await asyncio.sleep(0.001)
        await feed.settled(*KINDS)


async def _play(seed: int, words: list[str]) -> None:
    world = World(seed)
    feed = Feed(Model(world))
    tables = {kind: feed.table(kind) for kind in KINDS[: 1 + seed % 3]}
    shown: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}

    def listen(kind: str) -> None:
        def hear(changes: Any) -> None:
            shown[kind].update(changes.rows)
            for key in changes.removed:
                shown[kind].pop(key, None)

        shown[kind].update(feed.table(kind).rows)
        feed.table(kind)._frame_s = 0.0
        feed.table(kind).listen(hear)

    for kind in tables:
        listen(kind)
    for word in words:
        if word == "create":
            world.create()
        elif word == "volume":
            world.drop_volume()
        elif word == "break":
            world.break_off()
        elif word == "down":
            world.is_up = False
            world.break_off()
        elif word == "up":
            world.is_up = True
        elif word == "pause":
            await asyncio.sleep(0.001)
        elif word != "stats":
            world.change(word)
        await world._wait()
    world.is_up = True
    for kind in set(KINDS) - tables.keys():
        feed.table(kind)
        listen(kind)
    fresh = Feed(Model(world))
    try:
        async with asyncio.timeout(60):
            for kind in KINDS:
                await feed.loaded(kind)
                await fresh.loaded(kind)
            await _calm(feed)
            await _calm(fresh)
        for kind in KINDS:
            assert dict(feed.table(kind).rows) == dict(fresh.table(kind).rows), kind
            async with asyncio.timeout(60):
                while shown[kind] != dict(feed.table(kind).rows):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            assert not feed.table(kind).is_stale
    finally:
        await feed.close()
        await fresh.close()


@pytest.fixture(scope="module", autouse=True)
def brisk() -> Any:
    """Nobody waits for a model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_module, "FIRST_PAUSE_S", 0.0)
        patch.setattr(feed_module, "LONGEST_PAUSE_S", 0.001)
        patch.setattr(follow_module, "AGAIN_S", 0.001)
        yield


@settings(max_examples=30 if QUICK else 150, deadline=None)
@given(st.integers(0, 10_000), st.lists(WORDS, max_size=40))
@example(1, ["create", "break", "destroy", "create", "down", "die", "up", "create", "destroy"])
def test_any_history_ends_as_a_fresh_list_says(seed: int, words: list[str]) -> None:
    asyncio.run(_play(seed, words))


@pytest.fixture
async def calm() -> AsyncIterator[tuple[World, Feed]]:
    """A world that answers at once and never fails, and a feed on it."""
    world = World(1)
    world.chance.random = lambda: 1.0  # type: ignore[method-assign]
    feed = Feed(Model(world))
    try:
        yield world, feed
    finally:
        await feed.close()


Calm = tuple[World, Feed]


async def test_an_event_is_one_reading_and_no_list(calm: Calm) -> None:
    world, feed = calm
    for _ in range(5):
        world.create()
    table = await feed.loaded("containers")
    await feed.settled()
    world.asked.clear()
    world.change("start")
    await asyncio.sleep(0)
    await feed.settled()
    assert len(world.asked) == 1 and world.asked[0].endswith("/json")
    assert "/containers/json" not in world.asked
    assert sum(row.is_running for row in table.rows.values()) == 1
    world.asked.clear()
    world.change("destroy")
    await feed.settled()
    assert world.asked == [] and len(table.rows) == 4


async def test_a_flood_of_events_about_one_thing_is_few_readings(calm: Calm) -> None:
    world, feed = calm
    world.create()
    await feed.loaded("containers")
    await feed.settled()
    world.asked.clear()
    for _ in range(100):
        world.change("update")
    await feed.settled()
    assert len(world.asked) <= 2
    assert next(iter(feed.table("containers").rows.values())).restarts == 100


async def test_what_happens_while_the_list_is_on_its_way_counts(calm: Calm) -> None:
    world, feed = calm
    for _ in range(3):
        world.create()
    answered, go = asyncio.Event(), asyncio.Event()
    real = world.json

    async def slow(method: str, path: str, *rest: object) -> Any:
        found = await real(method, path, *rest)
        if path == "/containers/json":
            answered.set()
            await go.wait()
        return found

    world.json = slow  # type: ignore[method-assign]
    table = feed.table("containers")
    await answered.wait()
    world.change("destroy")
    world.change("start")
    world.create()
    go.set()
    await feed.settled("containers")
    assert len(table.rows) == 3 and table.rows.keys() == world.containers.keys()
    assert sum(row.is_running for row in table.rows.values()) == 1


async def test_a_volume_that_goes_while_the_list_is_on_its_way_is_gone(calm: Calm) -> None:
    world, feed = calm
    world.volumes = {name: {"Name": name} for name in ("stays", "goes")}
    real = world.json

    async def late(method: str, path: str, *rest: object) -> Any:
        found = await real(method, path, *rest)
        if path == "/volumes":
            found = {"Volumes": list(found["Volumes"])}
            del world.volumes["goes"]
            world.tell("volume", "destroy", "goes")
            await asyncio.sleep(0)
        return found

    world.json = late  # type: ignore[method-assign]
    table = await feed.loaded("volumes")
    await feed.settled("volumes")
    assert list(table.rows) == ["stays"]


async def test_what_no_event_told_is_found_by_its_user_or_when_asked(calm: Calm) -> None:
    """BuildKit in Docker 20.10 makes images and says nothing."""
    world, feed = calm
    table = await feed.loaded("volumes")
    await feed.settled()
    world.volumes |= {name: {"Name": name} for name in ("v1", "idle")}
    await asyncio.sleep(0.01)
    assert not table.rows
    world.create()  # uses v1
    await feed.settled()
    assert list(table.rows) == ["v1"] and table.rows["v1"].users == ("c1",)
    feed.refresh("volumes")
    async with asyncio.timeout(60):
        while "idle" not in table.rows:  # noqa: ASYNC110 - the outside world is looked at
            await asyncio.sleep(0.001)


async def test_a_fault_of_our_own_is_said_and_got_over(calm: Calm) -> None:
    world, feed = calm
    world.create()
    loop = asyncio.get_running_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    table = await feed.loaded("containers")
    for listener in tuple(world.listeners):
        listener({"Type": "container", "Action": "start", "Actor": "odd"})
    world.change("start")
    async with asyncio.timeout(60):
        while not any(row.is_running for row in table.rows.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await feed.settled()
    assert not table.is_stale
    assert [type(fault["exception"]) for fault in faults] == [AttributeError]
    loop.set_exception_handler(None)
