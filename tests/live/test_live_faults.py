"""A daemon that goes, hangs and comes back: said at once, rows kept, true again by itself."""

from __future__ import annotations

import asyncio

import pytest

from mltui.engines.http import pool as pool_module
from mltui.errors import Unreachable
from mltui.live import feed as feed_module
from mltui.live.feed import Feed

from .box import SOON_S, Box, soon
from .relay import Relay


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life are asked for often, and tries are made often."""
    monkeypatch.setattr(pool_module, "_CALM_BEAT_S", 0.5)
    monkeypatch.setattr(feed_module, "LONGEST_PAUSE_S", 0.5)


@pytest.fixture
def patience_s() -> float:
    """Little: a daemon that is only late is missed, too, and found again."""
    return 1.0


async def test_a_daemon_that_was_gone_is_caught_up_with(feed: Feed, relay: Relay, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    stays, goes, changes = [await box.create(name) for name in ("stays", "goes", "changes")]
    await soon(lambda: {stays, goes, changes} <= table.rows.keys())
    await feed.settled()
    told: list[bool] = []
    table.listen(lambda happened: told.append(table.is_stale) if happened.is_status else None)

    await relay.stop()
    await soon(lambda: table.is_stale)
    assert {stays, goes, changes} <= table.rows.keys()
    assert table.status().startswith("no answer from docker for ")
    assert table.status().endswith("s, retrying")
    await soon(lambda: "no such socket" in table.why)
    await box.remove(goes)
    await box.start(changes)
    made = await box.create("made")
    await asyncio.sleep(0.3)
    assert goes in table.rows and table.rows[changes].state == "created"

    await relay.start()
    await soon(lambda: not table.is_stale)
    await soon(lambda: told[0] and not told[-1])
    await feed.settled()
    assert goes not in table.rows and made in table.rows and stays in table.rows
    assert table.rows[changes].state == "running"
    await soon(lambda: table.status() == "")

    await box.remove(made)
    await soon(lambda: made not in table.rows)


async def test_a_hung_daemon_is_noticed_though_nothing_is_asked(
    feed: Feed, relay: Relay, box: Box
) -> None:
    table = await feed.loaded("containers", SOON_S)
    await feed.settled()
    relay.hang()
    await soon(lambda: "accepts connections but does not answer" in table.why)
    assert table.is_stale
    key = await box.create("hidden")
    await asyncio.sleep(1.5)
    assert table.is_stale and key not in table.rows
    relay.resume()
    await soon(lambda: not table.is_stale)
    await soon(lambda: key in table.rows)


async def test_a_daemon_that_hangs_from_the_start(feed: Feed, relay: Relay) -> None:
    relay.hang()
    table = feed.table("containers")
    await soon(lambda: table.is_stale)
    with pytest.raises(Unreachable, match="does not answer"):
        await feed.loaded("containers", 0.2)
    relay.resume()
    assert await feed.loaded("containers", SOON_S) is table


async def test_many_short_breaks_lose_and_double_nothing(
    feed: Feed, relay: Relay, box: Box
) -> None:
    table = await feed.loaded("containers", SOON_S)
    keys = []
    for number in range(12):
        keys.append(await box.create(f"b{number}"))
        if number % 3 == 0:
            relay.cut()
        if number % 4 == 3:
            await box.remove(keys.pop(0))
    await soon(lambda: feed.is_live)

    def ours() -> set[str]:
        return {key for key, row in table.rows.items() if row.name.startswith(box.prefix)}

    await soon(lambda: ours() == set(keys))


async def test_never_there_and_then_there(relay: Relay, feed: Feed) -> None:
    await relay.stop()
    table = feed.table("images")
    await soon(lambda: table.is_stale)
    assert "no such socket" in table.why
    assert not table.is_loaded
    await relay.start()
    await feed.loaded("images", SOON_S)
    await soon(lambda: not table.is_stale)


async def test_tables_asked_for_late_are_stale_like_the_others(relay: Relay, feed: Feed) -> None:
    await feed.loaded("containers", SOON_S)
    await relay.stop()
    await soon(lambda: feed.table("containers").is_stale)
    late = feed.table("networks")
    assert late.is_stale
    await relay.start()
    await feed.loaded("networks", SOON_S)
    await soon(lambda: not late.is_stale)
