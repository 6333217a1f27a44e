"""The same screen on runs that really happen: a detached runner, shell stages, one second each."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mltui.pipeline.model import State
from mltui.runs import client
from mltui.runs.lock import runner_status
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest, RunRow

from .driver import DEADLINE_S, Driver

pytestmark = pytest.mark.slow

FLAKY = """\
mltui: 1
name: real
stages:
  fetch:
    phase: data
    run: echo 1 > ${outputs.raw}
    outputs: {raw: raw.txt}
  train:
    phase: training
    cache: false
    inputs: {raw: fetch.raw}
    run: |
      echo "looking for it"
      test -e FLAG || { echo "ValueError: nothing is right" >&2; exit 3; }
      echo model > ${outputs.model}
    outputs: {model: model.txt}
"""

BROKEN = """\
mltui: 1
name: real
stages:
  work:
    phase: data
    run: PYTHON work.py
"""

GATED = """\
mltui: 1
name: real
stages:
  evaluate:
    phase: training
    run: |
      echo '{"accuracy": 0.5}' > ${metrics}
    gate: {require: accuracy >= 0.9, otherwise: pause}
  publish:
    phase: inference
    inputs: {}
    run: "true"
"""

SLOW = """\
mltui: 1
name: real
stages:
  wait:
    phase: data
    run: echo waiting; sleep SECONDS
"""


def project_of(root: Path, text: str) -> Project:
    (root / "mltui.yaml").write_text(text, encoding="utf-8")
    return Project(root)


def wait_for(project: Project, run: int, *states: State) -> RunRow:
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        journal = project.journal()
        row = journal.run(run)
        journal.close()
        if row is not None and row.state in states:
            return row
        time.sleep(0.05)
    raise AssertionError(f"run {run} did not become {states}")


def wait_for_runner(project: Project) -> None:
    until = time.monotonic() + DEADLINE_S
    while runner_status(project).alive:
        assert time.monotonic() < until, "its runner does not end"
        time.sleep(0.05)


async def test_a_failed_stage_is_retried_by_one_key(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    project = project_of(tmp_path, FLAKY.replace("FLAG", str(flag)))
    run = client.submit(project, RunRequest()).run
    wait_for(project, run, State.FAILED)
    async with Driver.open(project) as screen:
        assert screen.selected == "train"
        assert "ValueError: nothing is right" in screen.card
        flag.touch()
        await screen.press("r")
        await screen.until(lambda: "✓ succeeded" in screen.line("header"), "the retry succeeds")
        assert "train.2" in screen.text or "second attempt" in screen.text
        assert "run 1" in screen.line("header")
    wait_for_runner(project)


async def test_the_line_of_the_project_that_failed_is_shown(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("def work():\n    return [][0]\n\n\nwork()\n")
    project = project_of(tmp_path, BROKEN.replace("PYTHON", sys.executable))
    run = client.submit(project, RunRequest()).run
    wait_for(project, run, State.FAILED)
    async with Driver.open(project) as screen:
        await screen.until(lambda: "work.py:2" in screen.card, "the line that failed is shown")
        assert "return [][0]" in screen.card
        assert "mltui.yaml:6" in screen.card
        assert "1 edit work.py:2" in screen.card
    wait_for_runner(project)


async def test_a_run_is_started_and_followed(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    project = project_of(tmp_path, FLAKY.replace("FLAG", str(flag)))
    async with Driver.open(project) as screen:
        await screen.press("r")
        await screen.sees("Start the run")
        await screen.press("enter")
        await screen.until(lambda: "✓ succeeded" in screen.line("header"), "the run succeeds")
        assert "0.0s" in screen.stage("fetch") or "s" in screen.stage("fetch")
        assert "run 1 succeeded" in screen.notice
    wait_for_runner(project)


async def test_a_paused_gate_is_decided(tmp_path: Path) -> None:
    project = project_of(tmp_path, GATED)
    run = client.submit(project, RunRequest()).run
    wait_for(project, run, State.PAUSED)
    wait_for_runner(project)
    async with Driver.open(project) as screen:
        assert screen.selected == "evaluate"
        await screen.press("d")
        await screen.press("down", "enter")
        await screen.until(lambda: "✓ succeeded" in screen.line("header"), "it goes on")
    assert wait_for(project, run, State.SUCCEEDED).exit_code == 0
    wait_for_runner(project)


async def test_a_run_is_cancelled_after_a_question(tmp_path: Path) -> None:
    project = project_of(tmp_path, SLOW.replace("SECONDS", "300"))
    run = client.submit(project, RunRequest()).run
    async with Driver.open(project) as screen:
        await screen.until(lambda: "●" in screen.stage("wait"), "it runs")
        await screen.sees("waiting")
        await screen.press("ctrl+k")
        assert "Cancel wait of run 1?" in screen.text
        await screen.press("enter")
        assert "Cancel wait" not in screen.text
        assert "running" in screen.line("header")
        await screen.press("ctrl+k", "right", "enter")
        await screen.until(lambda: "running" not in screen.line("header"), "it is cancelled")
    assert wait_for(project, run, State.CANCELLED, State.FAILED)
    wait_for_runner(project)


async def test_closing_the_screen_changes_nothing(tmp_path: Path) -> None:
    project = project_of(tmp_path, SLOW.replace("SECONDS", "1"))
    run = client.submit(project, RunRequest()).run
    async with Driver.open(project) as screen:
        await screen.sees("waiting")
        await screen.press("q")
    assert wait_for(project, run, State.SUCCEEDED).exit_code == 0
    wait_for_runner(project)


async def test_the_cursor_follows_a_run_until_it_is_taken(tmp_path: Path) -> None:
    text = SLOW.replace("SECONDS", "0.5") + (
        "  then:\n    phase: training\n    run: echo then; sleep 1; echo '1' > ${outputs.o}\n"
        "    outputs: {o: o.txt}\n"
    )
    text = text.replace("sleep 0.5", "sleep 0.5; echo 1 > ${outputs.w}\n    outputs: {w: w.txt}")
    text = text.replace("  then:\n", "  then:\n    inputs: {w: wait.w}\n")
    project = project_of(tmp_path, text)
    run = client.submit(project, RunRequest()).run
    async with Driver.open(project) as screen:
        await screen.until(lambda: screen.selected == "then", "the cursor follows")
        await screen.press("up")
        wait_for(project, run, State.SUCCEEDED)
        await screen.until(lambda: "✓ succeeded" in screen.line("header"), "the run ends")
        assert screen.selected == "wait"
    wait_for_runner(project)
