"""Services and monitors in the pipeline: how they stand, and what keys do to them.

The serving journal is written as a supervisor would; its lock is held, so none is started.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mltui.serving import series
from mltui.serving.rows import Standing

from .driver import Driver
from .seed import Seed
from .supervised import NAME, Supervised
from .worlds import digits, world


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    seed = Seed.project_of(tmp_path / "digits", digits())
    seed.run(world(), began=time.time() - 300)
    made = Supervised(seed.project)
    made.deploy(1, 0.987)
    made.settle()
    yield made
    made.lock.release()


async def select(screen: Driver, name: str) -> None:
    facts = screen.app.session.facts
    await screen.until(lambda: facts.serving is not None, "what is served")
    await screen.until(lambda: bool(screen.stage(name)), f"the line of {name}")
    await screen.press("end")
    if name == "classifier":
        await screen.press("up")
    assert screen.selected == name


async def test_the_pipeline_says_how_services_and_monitors_stand(supervised: Supervised) -> None:
    async with Driver.open(supervised.project) as screen:
        await screen.sees("2/2 ready")
        assert "● classifier" in screen.stage("classifier")
        assert re.search(r"in (\d+m|1h)", screen.stage("drift"))
        await select(screen, "classifier")
        assert "version     1 · run 1 · ada@lab" in screen.pane
        assert "http://127.0.0.1:8080" in screen.pane
        with closing(supervised.ledger()) as ledger:
            ledger.set_state(NAME, Standing.DEGRADED, "it ended with exit code 3", 1)
        await screen.sees("1/2 degraded")
        assert "it ended with exit code 3" in screen.pane


async def test_the_curve_of_a_service_is_drawn(supervised: Supervised) -> None:
    now = time.time()
    with closing(supervised.ledger()) as ledger:
        for n in range(60):
            values = {"digits_total": ("rate", float(n % 20)), "evil\x1b[31m": ("value", 1.0)}
            series.record(ledger, NAME, now - 3_000 + 50 * n, values)
    async with Driver.open(supervised.project, size=(160, 50)) as screen:
        await select(screen, "classifier")
        assert "digits_total" in screen.pane
        assert any(0x2801 <= ord(letter) <= 0x28FF for letter in screen.pane), "no curve"
        assert "\x1b" not in screen.pane


async def test_s_scales_and_the_line_says_so_until_it_is_done(supervised: Supervised) -> None:
    async with Driver.open(supervised.project) as screen:
        await select(screen, "classifier")
        assert "Scale" in screen.line("footer")
        await screen.press("s")
        await screen.sees("How many replicas? Now 2.")
        await screen.press("backspace", "3", "enter")
        with closing(supervised.ledger()) as ledger:
            wanted = ledger.deployment(NAME)
            assert wanted is not None
            assert wanted.replicas == 3
        supervised.settle()
        await screen.sees("3/3 ready")


async def test_a_service_is_deployed_by_name_from_wherever_the_cursor_is(
    supervised: Supervised,
) -> None:
    """`:deploy` alone lists Deployments, as in other tools; with a service it is the command."""
    async with Driver.open(supervised.project) as screen:
        await screen.press("home")
        await screen.command("deploy classifier")
        await screen.until(lambda: "Deploy classifier?" in screen.text, "it asks")


async def test_stopping_asks_and_says_what_it_means(supervised: Supervised) -> None:
    async with Driver.open(supervised.project) as screen:
        await select(screen, "classifier")
        await screen.press("ctrl+k")
        await screen.sees("port 8080 any more")
        await screen.press("escape")
        with closing(supervised.ledger()) as ledger:
            assert ledger.is_needed()
            found = ledger.deployment(NAME)
            assert found is not None
            assert found.is_wanted
        await screen.press("ctrl+k", "y")
        await screen.until(lambda: not _wanted(supervised), "that it is stopped")


async def test_back_to_the_version_before(supervised: Supervised) -> None:
    supervised.deploy(1, 0.7, "a worse one")
    supervised.settle()
    async with Driver.open(supervised.project) as screen:
        await select(screen, "classifier")
        await screen.press("B")
        await screen.sees("0.7 → 0.987")
        await screen.press("y")
        await screen.until(lambda: _version(supervised) == 3, "version 3")
        await screen.until(lambda: "rolled back to version 1" in screen.pane, "that it is said")


async def test_a_monitor_is_asked_and_says_what_came_of_it(supervised: Supervised) -> None:
    async with Driver.open(supervised.project) as screen:
        await select(screen, "drift")
        await screen.press("m")
        with closing(supervised.ledger()) as ledger:
            row = ledger.monitor("drift", "local")
            assert row is not None
            assert row.asked_at is not None
            number = ledger.begin_measurement(row, time.time(), row.next_at)
        await screen.sees("measuring")
        with closing(supervised.ledger()) as ledger:
            ledger.end_measurement(
                row, number, verdict="not-passed", rows=600, metrics={"psi": 3.9},
                reason="psi 3.9, needs < 0.2", run=2,
            )  # fmt: skip
        await screen.sees("run 2 at work")
        assert "psi 3.9, needs < 0.2; run 2 started" in screen.pane
        with closing(supervised.ledger()) as ledger:
            ledger.set_outcome(number, "version 2: accuracy 0.965 > 0.697 of what serves")
        await screen.sees("accuracy 0.965 > 0.697")


async def test_without_a_supervisor_that_is_said(supervised: Supervised) -> None:
    supervised.lock.release()
    async with Driver.open(supervised.project) as screen:
        await select(screen, "classifier")
        assert "2/2 unknown" in screen.stage("classifier") or "unknown" in screen.text
        assert "mltui resume" in screen.pane


def _wanted(supervised: Supervised) -> bool:
    with closing(supervised.ledger()) as ledger:
        found = ledger.deployment(NAME)
    return found is not None and found.is_wanted


def _version(supervised: Supervised) -> int:
    with closing(supervised.ledger()) as ledger:
        found = ledger.deployment(NAME)
    return 0 if found is None else found.version
