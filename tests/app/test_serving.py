"""Services and monitors in the pipeline: how they stand, and what keys do to them.

The serving journal is written as a supervisor would; its lock is held, so none is started.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mltui.app.logcommand import command_of
from mltui.app.widgets.logpane import LogPane
from mltui.serving import series
from mltui.serving.replicas import folder_of
from mltui.serving.rows import Health, Standing

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


async def test_the_page_of_a_service_grows_older(supervised: Supervised) -> None:
    deployed = time.time()
    async with Driver.open(supervised.project, now=deployed + 5) as screen:
        await select(screen, "classifier")
        assert "ada@lab · <1m ago" in " ".join(screen.pane.split())
        screen.app.session.now = lambda: deployed + 7 * 3_600 + 60
        screen.app.workbench.ticking.tick()
        await screen.until(lambda: "7h ago" in screen.pane, "the age of the version")


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


def _says(supervised: Supervised, number: int, text: str) -> None:
    log = folder_of(supervised.project, NAME) / str(number) / "log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(text)


async def test_what_the_replicas_of_a_service_say_is_one_log(supervised: Supervised) -> None:
    """`l` on it; a replica that comes joins, one that goes is told; Esc shows its page again."""
    _says(supervised, 1, "2026-11-25T14:00:01Z first of 1\n2026-11-25T14:00:03Z second of 1\n")
    _says(supervised, 2, "2026-11-25T14:00:02Z first of 2\n")
    async with Driver.open(supervised.project, size=(120, 40)) as screen:
        await select(screen, "classifier")
        await screen.press("l")
        await screen.sees("second of 1")
        places = [screen.text.index(each) for each in ("first of 1", "first of 2", "second of 1")]
        assert places == sorted(places)
        assert f"{NAME}/1" in screen.text and "all replicas" in screen.text
        log = screen.app.workbench.detail.log_tab.log_pane
        assert command_of(log) == f"mltui logs service/{NAME} -f"
        with closing(supervised.ledger()) as ledger:
            version = ledger.version(NAME, 1)
            assert version is not None
            row = ledger.next_replica(version, 40_000, time.time())
            _says(supervised, row.number, "2026-11-25T14:00:04Z first of 3\n")
            ledger.put_replica(replace(row, health=Health.READY, object="1:2:3"))
        await screen.sees("first of 3")
        assert f"{NAME}/{row.number} joined" in screen.text
        await screen.press("tab", "a")  # of a stage: neither empties its pane
        assert "first of 3" in screen.text and log.has_focus
        with closing(supervised.ledger()) as ledger:
            ledger.put_replica(replace(row, health=Health.GONE))
        await screen.until(lambda: f"{NAME}/{row.number} left" in _last_words(log), "it left")
        with closing(supervised.ledger()) as ledger:
            for one in ledger.replicas(NAME):
                ledger.put_replica(replace(one, health=Health.GONE))
        await screen.until(lambda: len(_last_words(log)) == 3, "all left")
        assert "first of 1" in screen.text and "first of 3" in screen.text
        screen.app.workbench.stages.focus()
        await screen.press("escape")
        await screen.until(lambda: "all replicas" not in screen.text, "its page")
        assert "version     1 · run 1" in screen.pane


def _last_words(log: LogPane) -> Sequence[str]:
    """What is said after the last line."""
    assert log.scene is not None
    return log.scene.index.marks(log.scene.index.end)


def test_replicas_join_and_leave_on_the_command_line(supervised: Supervised) -> None:
    _says(supervised, 1, "first of 1\n")
    folder = supervised.project.root
    out, err = folder / "out", folder / "err"
    with out.open("wb") as output, err.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "mltui", "logs", "service/classifier", "-f"],
            cwd=folder, stdout=output, stderr=said,
        )  # fmt: skip
    try:
        _until(lambda: "first of 1" in out.read_text())
        with closing(supervised.ledger()) as ledger:
            version = ledger.version(NAME, 1)
            assert version is not None
            row = ledger.next_replica(version, 40_000, time.time())
            _says(supervised, row.number, "first of 3\n")
            ledger.put_replica(replace(row, health=Health.READY, object="1:2:3"))
            _until(lambda: f"{NAME}/{row.number}  first of 3" in out.read_text())
            _until(lambda: f"{NAME}/{row.number} joined" in err.read_text())
            ledger.put_replica(replace(row, health=Health.GONE))
            _until(lambda: f"{NAME}/{row.number} left" in err.read_text())
            assert process.poll() is None  # others may come, as long as it is wanted
            for one in ledger.replicas(NAME):
                ledger.put_replica(replace(one, health=Health.GONE))
            ledger.change(NAME, "ada@lab", "stopped", is_wanted=False)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
