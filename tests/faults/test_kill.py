"""kill -9 of the runner at every boundary between the journal and the world, and at random."""

from __future__ import annotations

import random
import signal
import time
from contextlib import closing

import pytest

from mltui.pipeline.model import State
from mltui.runs import client
from mltui.runs.crash import POINTS
from mltui.runs.lock import runner_status

from .harness import World, check_consistent, check_outcome, exact, wait_for

ENVIRONMENT_POINTS = ("building", "built")
LATER = ("keyed", "starting", "spawned", "started", "running", "exited", "collected", "ended")


def test_without_a_crash(world: World) -> None:
    world.queue()
    assert world.finish() == 0
    check_outcome(world)
    assert exact(world.executions())


@pytest.mark.slow
@pytest.mark.parametrize("point", [p for p in POINTS if p not in (*ENVIRONMENT_POINTS, "asked")])
def test_killed_at(world: World, point: str) -> None:
    world.queue()
    assert world.finish(MLTUI_CRASH_AT=point) == -signal.SIGKILL
    seen = client.effective_state(world.row(), runner_status(world.project))
    expected = State.PENDING if point in ("queued",) else State.UNKNOWN
    assert seen.state is expected and "mltui resume" in seen.reason
    assert client.resume(world.project) == [1]
    wait_for("the end", 20, lambda: world.row().state.is_final)
    wait_for("the runner to go", 5, lambda: not runner_status(world.project).alive)
    check_outcome(world)
    assert exact(world.executions())


@pytest.mark.slow
@pytest.mark.parametrize("point", LATER)
@pytest.mark.parametrize("nth", [3, 6])
def test_killed_later_at(world: World, point: str, nth: int) -> None:
    """In the second round, and among the items that run side by side."""
    world.queue()
    assert world.finish(MLTUI_CRASH_AT=f"{point}:{nth}") == -signal.SIGKILL
    assert world.finish() == 0
    check_outcome(world)
    assert exact(world.executions())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_random(world: World, seed: int) -> None:
    """Four kills in one run, anywhere from the runner's first import to its last turn."""
    chance = random.Random(seed)
    world.queue()
    for _ in range(4):
        runner = world.start(FAULTS_SLEEP="0.2")
        time.sleep(chance.uniform(0.05, 0.9))
        runner.kill()
        runner.wait()
    assert world.finish() == 0
    check_outcome(world)
    assert exact(world.executions())


@pytest.mark.slow
def test_its_stages_end_while_nobody_is_there(world: World) -> None:
    world.queue()
    runner = world.start(MLTUI_CRASH_AT="started:2")
    assert runner.wait(180) == -signal.SIGKILL
    wait_for("the stages to end", 10, lambda: not world.processes())
    assert world.finish() == 0
    check_outcome(world)
    assert exact(world.executions())


def test_told_to_end_it_stops_nothing(world: World) -> None:
    world.queue()
    world.held.touch()
    runner = world.start()
    wait_for("the first command", 10, lambda: world.executions())
    runner.terminate()
    assert runner.wait(180) == 0
    assert world.processes()
    assert "go on" in world.log()
    world.held.unlink()
    assert world.finish() == 0
    check_outcome(world)
    assert exact(world.executions())


def test_two_runners_at_once(world: World) -> None:
    world.queue()
    runners = [world.start() for _ in range(3)]
    assert [runner.wait(180) for runner in runners] == [0, 0, 0]
    check_outcome(world)
    assert exact(world.executions())
    check_consistent(world)


BUILDS = """\
mltui: 1
name: builds
code: []
environments: {own: {requirements: own.txt}}
stages:
  one: {phase: data, environment: own, outputs: {x: x.txt}, run: "python -V > ${outputs.x}"}
  two: {phase: data, environment: own, run: "python -V"}
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ENVIRONMENT_POINTS)
def test_killed_at_a_build(world: World, point: str) -> None:
    """The build is done again (or found whole), its line says what became of the first."""
    (world.root / "mltui.yaml").write_text(BUILDS)
    (world.root / "own.txt").write_text("")
    cache = str(world.root.parent / "cache")
    world.queue()
    assert world.finish(MLTUI_CRASH_AT=point, MLTUI_CACHE=cache) == -signal.SIGKILL
    assert world.finish(MLTUI_CACHE=cache) == 0
    assert world.row().state is State.SUCCEEDED, world.row().reason
    with closing(world.journal()) as journal:
        builds = {build.id: build for build in journal.builds()}
    assert builds["own-1"].state is State.FAILED and "the runner ended" in builds["own-1"].reason
    if point == "building":  # both stages waited for one build
        assert set(builds) == {"own-1", "own-2"}
        assert builds["own-2"].state is State.SUCCEEDED and builds["own-2"].resolved
    else:
        assert set(builds) == {"own-1"}
    check_consistent(world)
