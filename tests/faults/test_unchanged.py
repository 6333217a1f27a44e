"""A run that could only repeat the last one does so without a runner; anything else takes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mltui.pipeline.model import Instance, RunPlanned, State
from mltui.pipeline.scheduler import Scheduler
from mltui.runs import client
from mltui.runs.journal import Journal
from mltui.runs.planning import blueprint_of
from mltui.runs.rows import RunRequest

from .harness import COUNT, EXECUTIONS, SPEC, World, wait_for

READS_FILE = SPEC.replace(
    "  list:\n    phase: training\n    inputs: {clean: check.clean}",
    "  list:\n    phase: training\n    inputs: {clean: check.clean, names: ./names.txt}",
)


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A project after a run that did everything and one that took it all from the cache."""
    world = World.make(tmp_path, READS_FILE)
    monkeypatch.setenv(COUNT, str(world.count))
    monkeypatch.setenv("FAULTS_SLEEP", "0")
    (world.root / "names.txt").write_text("a b c\n")
    for run in (1, 2):
        submitted = world.submit()
        assert submitted.repeats is None
        assert world.wait_end(run).state is State.SUCCEEDED, world.log()
    return world


def again(world: World, request: RunRequest | None = None) -> int | None:
    """Ask for another run, wait for its end; which run it repeats."""
    submitted = world.submit(request)
    assert world.wait_end(submitted.run).state.is_final
    return submitted.repeats


def test_nothing_changed_means_no_runner_and_the_same_story(settled: World) -> None:
    before = settled.rows(2)
    assert again(settled) == 2
    assert again(settled) == 3
    assert sum(settled.executions().values()) == EXECUTIONS
    row = settled.row(4)
    assert (row.state, row.exit_code) == (State.SUCCEEDED, 0)
    assert row.metrics == settled.row(2).metrics
    for label, repeated in settled.rows(4).items():
        old = before[label]
        assert (repeated.state, repeated.outputs, repeated.gate) == (
            old.state,
            old.outputs,
            old.gate,
        )
        assert repeated.run == 4


def test_its_events_rebuild_its_rows(settled: World) -> None:
    assert again(settled) == 2
    with closing(settled.journal()) as journal:
        events = [event for _, event in journal.events(3)]
        rows = journal.stages(3)[1]
    store = settled.project.store()

    def plan_for(event: RunPlanned) -> object:
        return blueprint_of(event, store).plan

    rebuilt = Scheduler.replay(3, plan_for, events)  # type: ignore[arg-type]
    assert {row.instance: row for row in rebuilt.rows()} == {row.instance: row for row in rows}


def test_a_repeated_run_can_be_retried(settled: World) -> None:
    assert again(settled) == 2
    request = client.retry(settled.project, 3, (Instance("join"),))
    assert settled.ask(request) == ""
    wait_for("another attempt", 20, lambda: settled.state("join", 3) is State.SUCCEEDED)
    assert settled.wait_end(3).state is State.SUCCEEDED
    assert settled.executions().total() == EXECUTIONS + 1


def _change(path: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        file = world.root / path
        file.write_text(file.read_text() + "\n")

    return change


def _lose_an_output(world: World) -> None:
    digest = world.rows(1)["join"].outputs["all"].digest
    world.project.store().remove(digest)


def _another_kept_result(world: World) -> None:
    """A forced run makes a newer result of the same key."""
    assert again(world, RunRequest(start_from=("get",), jobs=2)) is None


def _remove_input(world: World) -> None:
    (world.root / "names.txt").unlink()


@pytest.mark.parametrize(
    "difference",
    [
        _change("tool.sh"),
        _change("names.txt"),
        _change("mltui.yaml"),
        _lose_an_output,
        _another_kept_result,
        _remove_input,
    ],
    ids=["code", "project-file", "spec", "lost-output", "forced-run", "missing-file"],
)
def test_whatever_differs_takes_a_runner(
    settled: World, difference: Callable[[World], None]
) -> None:
    difference(settled)
    assert again(settled) is None


def test_other_wishes_take_a_runner(settled: World) -> None:
    assert again(settled, RunRequest(overrides={"limit": "1"}, jobs=2)) is None
    assert again(settled, RunRequest(stages=("check",), jobs=2)) is None
    assert again(settled, RunRequest(start_from=("join",), jobs=2)) is None


def test_a_touched_file_with_the_same_bytes_is_no_difference(settled: World) -> None:
    os.utime(settled.root / "names.txt")
    os.utime(settled.root / "tool.sh")
    assert again(settled) == 2


def test_results_that_grow_old_or_are_never_kept_are_not_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = READS_FILE.replace("  join:\n", "  join:\n    cache: 7d\n")
    world = World.make(tmp_path, spec)
    monkeypatch.setenv(COUNT, str(world.count))
    monkeypatch.setenv("FAULTS_SLEEP", "0")
    (world.root / "names.txt").write_text("a\n")
    for run in (1, 2, 3):
        assert world.submit().repeats is None
        world.wait_end(run)


def test_a_seal_goes_with_its_run(settled: World) -> None:
    with closing(Journal.open(settled.project.folder, write=True)) as journal:
        journal.forget([2], [])
    assert again(settled) is None
