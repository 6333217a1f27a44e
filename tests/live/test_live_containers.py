"""What happens to containers is seen from events, each by reading that one container."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

from mltui.live.cells import Cell
from mltui.live.feed import Feed
from mltui.live.kinds import kind_named

from .box import SOON_S, Box, soon
from .relay import Relay

LIST = r"/containers/json"


async def test_a_life_is_seen_without_another_list(feed: Feed, relay: Relay, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    listed = relay.count("GET", LIST)

    key = await box.create("life")
    await soon(lambda: key in table.rows)
    assert (table.rows[key].state, table.rows[key].name) == ("created", box.name("life"))

    await box.start(key)
    await soon(lambda: table.rows[key].state == "running")
    assert table.rows[key].started_at is not None

    await box.daemon.post(f"/containers/{key}/rename", {"name": box.name("other")})
    await soon(lambda: table.rows[key].name == box.name("other"))

    await box.daemon.post(f"/containers/{key}/pause")
    await soon(lambda: table.rows[key].state == "paused")
    await box.daemon.post(f"/containers/{key}/unpause")
    await soon(lambda: table.rows[key].state == "running")

    await box.daemon.post(f"/containers/{key}/kill")
    await soon(lambda: table.rows[key].state == "exited")
    await feed.settled()
    assert (table.rows[key].exit_code, table.rows[key].is_oom) == (137, False)
    assert table.rows[key].ended_at is not None

    await box.remove(key)
    await soon(lambda: key not in table.rows)
    assert relay.count("GET", LIST) == listed == 1
    assert relay.count("GET", "/events") == 1
    # create, start, rename, pause, unpause, die: one reading each, two where a network joins in
    assert 6 <= relay.count("GET", f"/containers/{key}/json") <= 9


async def test_a_row_says_how_soon_it_was_seen(feed: Feed, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    key = await box.create("soon")
    came = asyncio.Event()
    table.listen(lambda changes: came.set() if key in changes.removed else None)
    await soon(lambda: key in table.rows)
    await box.remove(key)
    await asyncio.wait_for(came.wait(), SOON_S)


async def test_health_and_exit_codes(feed: Feed, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    check = {
        "Test": ["CMD-SHELL", "echo looked; test -e /tmp/well"],
        "Interval": 200_000_000, "Timeout": 60_000_000_000, "Retries": 1,
    }  # fmt: skip
    script = "trap 'rm /tmp/well' USR1; touch /tmp/well; while :; do sleep 0.1; done"
    key = await box.run("health", "sh", "-c", script, Healthcheck=check)
    seen: list[str] = []
    table.listen(
        lambda changes: seen.append(changes.rows[key].health) if key in changes.rows else None
    )
    await soon(lambda: table.rows[key].health == "healthy" if key in table.rows else False)
    await box.signal(key, "USR1")
    await soon(lambda: table.rows[key].health == "unhealthy")
    kind = kind_named("containers")
    state = {column.key: column.cell_of(table.rows[key]) for column in kind.columns}
    assert state["state"] == Cell("✗ unhealthy", "state-failed")
    assert kind.describe is not None
    text = (await kind.describe(feed.daemon, key, False)).text
    assert "looked" in text and "unhealthy" in text
    await box.daemon.post(f"/containers/{key}/stop", {"t": "0"})
    await soon(lambda: table.rows[key].state == "exited")
    assert table.rows[key].health == ""

    failed = await box.run("fails", "sh", "-c", "exit 3")
    await soon(lambda: failed in table.rows and table.rows[failed].exit_code == 3)
    cells = {column.key: column.cell_of(table.rows[failed]) for column in kind.columns}
    assert cells["state"] == Cell("✗ exited 3", "state-failed")


async def test_memory_that_ran_out_is_named(feed: Feed, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    limit = {"Memory": 8 << 20, "MemorySwap": 8 << 20}
    # Docker does not hear of memory that runs out in the first moments (containerd watches late).
    script = "sleep 3; tail /dev/zero; code=$?; sleep 3; exit $code"
    key = await box.run("oom", "sh", "-c", script, HostConfig=limit)
    await soon(lambda: key in table.rows and table.rows[key].is_oom)
    await soon(lambda: table.rows[key].state == "exited")
    row = table.rows[key]
    assert row.is_oom and row.exit_code == 137 and row.memory_limit_bytes == 8 << 20
    column = next(c for c in kind_named("containers").columns if c.key == "state")
    assert column.cell_of(row) == Cell("✗ out of memory", "state-failed")


async def test_restarts_are_counted(feed: Feed, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    policy = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}}
    key = await box.run("again", "sh", "-c", "exit 1", HostConfig=policy)
    await soon(lambda: key in table.rows and table.rows[key].restarts == 2)


async def test_what_could_not_be_started_says_why(feed: Feed, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    key = await box.create("nothing", "/no/such/program")
    try:
        await box.start(key)
    except Exception as error:
        assert "no such file" in str(error)
    row = None

    def is_known() -> bool:
        nonlocal row
        row = table.get(key)
        return row is not None and bool(row.error)

    # Docker tells no event of a start that failed; the next thing that happens is read with it.
    await box.daemon.post(f"/containers/{key}/rename", {"name": box.name("nothing-2")})
    await soon(is_known)
    column = next(c for c in kind_named("containers").columns if c.key == "state")
    assert row is not None and column.cell_of(row) == Cell("✗ not started", "state-failed")


async def test_a_churn_of_fifty_ends_as_a_fresh_list_says(
    feed: Feed, relay: Relay, box: Box
) -> None:
    table = await feed.loaded("containers", SOON_S)
    for name in ("images", "networks", "volumes", "compose"):
        await feed.loaded(name, SOON_S)
    threads = threading.active_count()
    chance = random.Random(5)
    turns = asyncio.Semaphore(8)

    async def live(number: int) -> None:
        async with turns:
            labels = {"com.docker.compose.project": f"{box.prefix}-{number % 3}"}
            key = await box.create(f"c{number}", "sleep", "600", Labels=labels)
            if number % 4 == 0:
                await box.start(key)
            if chance.random() < 0.3:
                await box.daemon.post(f"/containers/{key}/rename", {"name": box.name(f"r{number}")})
            if number % 8 == 0:
                await box.daemon.post(f"/containers/{key}/kill")
            if chance.random() < 0.4:
                await box.remove(key)

    await asyncio.gather(*(live(number) for number in range(50)))
    assert relay.count("GET", LIST) == 1
    assert relay.count("GET", "/events") == 1
    assert threading.active_count() <= threads
    await _same_as_fresh(feed, box, relay)
    assert len([row for row in table.rows.values() if row.name.startswith(box.prefix)]) > 10


async def _same_as_fresh(feed: Feed, box: Box, relay: Relay) -> None:
    """Every table equals one that is made now, as far as this test's own things go."""
    from mltui.live.daemon import open_daemon

    def ours(table: Any) -> dict[str, Any]:
        return {k: r for k, r in table.rows.items() if box.prefix in str(r)}

    names = ("containers", "volumes", "networks", "compose", "images")
    fresh = Feed(open_daemon(None, relay.environ))
    try:
        for name in names:
            await fresh.loaded(name, SOON_S)
        await fresh.settled()

        def is_same() -> bool:
            return all(ours(feed.table(name)) == ours(fresh.table(name)) for name in names[:4])

        await soon(is_same)
        own = [key for key, row in ours(feed.table("containers")).items()]
        assert own
    finally:
        await fresh.close()


async def test_odd_names_and_labels_are_shown_harmlessly(feed: Feed, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    labels = {
        "evil": "\x1b]52;c;ZXZpbA==\x07\x1b[2J", "lines": "a\nb\r\nc\td", "ünï": "値 \u202eabc",
        "com.docker.compose.project": "\x1b[31mred", "com.docker.compose.service": "s\x07",
        "mltui.run": "99999999999999999999", "": "empty", "quote": '"\\',
    }  # fmt: skip
    env = ["WEIRD=\x1b[1mbold\x07", "NOVALUE", "LÄNGE=1"]
    key = await box.create("odd_n.a-me", Labels=labels, Env=env)
    await soon(lambda: key in table.rows)
    await feed.settled()
    kind = kind_named("containers")
    for column in kind.columns:
        assert column.cell_of(table.rows[key]).text.isprintable()
    assert kind.describe is not None and kind.inspect is not None
    text = (await kind.describe(feed.daemon, key, False)).text
    assert all(line.isprintable() for line in text.split("\n"))
    assert "値 abc" in text
    shown = await kind.inspect(feed.daemon, key, True)
    assert all(line.isprintable() for line in shown.split("\n"))
    project = await feed.loaded("compose", SOON_S)
    assert "\x1b[31mred" in project.rows
