"""Queueing, retry, cancel, decide: also with a project that changed, is wrong, or went away."""

from __future__ import annotations

import signal
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mltui.errors import JournalError, SpecError, UsageError
from mltui.pipeline.model import Instance, RunEnded, State
from mltui.runs import client
from mltui.runs.lock import runner_status
from mltui.runs.rows import RunRequest
from mltui.runs.warm import WHEN_TOLD

from .harness import World, check_consistent, wait_for

CHAIN = """\
mltui: 1
name: chain
code: []
params: {word: one, tail: x}
stages:
  a: {phase: data, params: [word], outputs: {x: x.txt}, run: "echo ${params.word} > ${outputs.x}"}
  b:
    phase: data
    inputs: {x: a.x}
    params: [tail]
    outputs: {y: y.txt}
    run: "test -e $FAULTS_COUNT.ok; (cat ${inputs.x}; echo ${params.tail}) > ${outputs.y}"
  c: {phase: data, inputs: {y: b.y}, outputs: {z: z.txt}, run: "cp ${inputs.y} ${outputs.z}"}
"""

GATED = """\
mltui: 1
name: gated
code: []
stages:
  train:
    phase: training
    outputs: {m: m.txt}
    run: "echo ${round} > ${outputs.m}; sleep 0.05"
  judge:
    phase: training
    inputs: {m: train.m}
    run: "echo \\"{\\\\\\"n\\\\\\": $(cat ${inputs.m})}\\" > ${metrics}"
    gate: {require: n > 5, restart: train, max_rounds: 2, otherwise: pause}
  use: {phase: inference, inputs: {m: train.m}, outputs: {o: o.txt},
    run: "cp ${inputs.m} ${outputs.o}"}
"""


def write(world: World, spec: str) -> None:
    (world.root / "mltui.yaml").write_text(spec)


def gone(world: World) -> None:
    wait_for("the runner to go", 10, lambda: not runner_status(world.project).alive)


def in_waiting(world: World) -> list[str]:
    """Runners of this project that wait to be told to begin."""
    words = f"{world.root}\0{WHEN_TOLD}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and words in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


def text(world: World, run: int, label: str, output: str) -> str:
    artifact = world.rows(run)[label].outputs[output]
    return world.project.store().read_bytes(artifact.digest).decode()


def test_errors_come_before_anything_is_queued(world: World) -> None:
    with pytest.raises(UsageError, match="no stage"):
        world.submit(RunRequest(stages=("chek",)))
    with pytest.raises(UsageError, match="no target"):
        world.submit(RunRequest(target="prod"))
    with pytest.raises(UsageError, match="no param"):
        world.submit(RunRequest(overrides={"limt": "3"}))
    write(world, "mltui: 1\nname: x\nstages: {a: {phase: nope, run: true}}\n")
    with pytest.raises(SpecError):
        world.submit()
    assert not world.project.folder.exists()
    wait_for("the runners in waiting to go", 10, lambda: not in_waiting(world))


def test_a_second_run_waits_behind_the_first(world: World) -> None:
    world.held.touch()
    assert world.queue() == 1
    second = world.submit(RunRequest(overrides={"limit": "1"}))
    assert second.behind == 1
    third = world.submit()
    assert third.behind == 2
    assert world.ask(client.cancel(world.project, third.run)) == ""
    assert world.row(third.run).state is State.CANCELLED
    world.held.unlink()
    assert world.wait_end(1).state is State.SUCCEEDED
    assert world.wait_end(2).state is State.SUCCEEDED
    assert world.row(2).started_at >= world.row(1).ended_at  # type: ignore[operator]
    assert world.row(2).params == {"limit": 1}
    gone(world)
    check_consistent(world, 1)
    check_consistent(world, 2)


def test_retry_with_a_changed_project(world: World) -> None:
    """The failed stage runs with the new file; what is kept although it differs is stale."""
    write(world, CHAIN)
    submitted = world.submit()
    assert submitted.behind is None
    run = submitted.run
    ended = world.wait_end(run)
    assert (ended.state, ended.exit_code) == (State.FAILED, 1)
    assert world.rows(run)["c"].state is State.SKIPPED
    gone(world)
    world.count.with_name("count.ok").touch()
    write(world, CHAIN.replace("word: one, tail: x", "word: two, tail: y"))
    assert world.ask(client.retry(world.project, run, None)) == ""
    wait_for("success", 10, lambda: world.row(run).state is State.SUCCEEDED)
    gone(world)
    rows = world.rows(run)
    assert rows["b"].attempt == 2 and rows["a"].attempt == 1
    assert text(world, run, "c", "z") == "one\ny\n"
    assert rows["a"].stale and "word" in rows["a"].reason
    assert not rows["b"].stale
    check_consistent(world, run)
    # Nobody worked on it between its end and the retry, which is no part of how long it took.
    with closing(world.journal()) as journal:
        events = [event for _, event in journal.events(run)]
    over = next(n for n, event in enumerate(events) if isinstance(event, RunEnded))
    row = world.row(run)
    assert row.started_at is not None and row.ended_at is not None
    assert row.idle_s == pytest.approx(events[over + 1].at - events[over].at, abs=1e-3)
    assert row.took_s() == pytest.approx(row.ended_at - row.started_at - row.idle_s, abs=1e-3)


def test_retry_with_a_wrong_project_changes_nothing(world: World) -> None:
    write(world, CHAIN)
    run = world.submit().run
    before = world.wait_end(run)
    gone(world)
    rows = world.rows(run)
    write(world, CHAIN.replace("phase: data", "phase: date"))
    answer = world.ask(client.retry(world.project, run, (Instance("b"),)))
    assert "mltui.yaml:6" in answer and "data" in answer
    write(world, CHAIN.replace("  b:", "  bb:").replace("b.y", "bb.y"))
    answer = world.ask(client.retry(world.project, run, (Instance("b"),)))
    assert "no stage `b`" in answer
    write(world, CHAIN)
    answer = world.ask(client.retry(world.project, run, (Instance("nope"),)))
    assert "no nope" in answer
    gone(world)
    assert (world.row(run), world.rows(run)) == (before, rows)
    check_consistent(world, run)


def test_retry_of_a_run_that_never_began(world: World) -> None:
    run = world.queue()
    write(world, "mltui: 1\nname: x\nstages: {a: {phase: nope, run: true}}\n")
    assert world.finish() == 0
    ended = world.row(run)
    assert (ended.state, ended.exit_code) == (State.FAILED, 2)
    assert "mltui.yaml:3" in ended.reason
    write(world, CHAIN)
    world.count.with_name("count.ok").touch()
    assert world.ask(client.retry(world.project, run, None)) == ""
    wait_for("success", 10, lambda: world.row(run).state is State.SUCCEEDED)


def test_retry_while_it_runs(world: World) -> None:
    """Of a stage that failed, beside others that go on."""
    slow = "while [ -e $FAULTS_COUNT.hold ]; do sleep 0.05; done"
    write(world, CHAIN + f'  slow: {{phase: data, run: "{slow}"}}\n')
    world.held.touch()
    run = world.submit().run
    wait_for("the failure", 10, lambda: world.state("b") is State.FAILED)
    world.count.with_name("count.ok").touch()
    assert world.ask(client.retry(world.project, run, (Instance("b"),))) == ""
    world.held.unlink()
    assert world.wait_end(run).state is State.SUCCEEDED
    assert world.rows(run)["slow"].attempt == 1
    gone(world)
    check_consistent(world, run)


def test_a_paused_gate_is_decided(world: World) -> None:
    write(world, GATED)
    run = world.submit().run
    ended = world.wait_end(run)
    assert (ended.state, ended.exit_code) == (State.PAUSED, 4)
    gone(world)
    gate = Instance("judge", (2,))
    assert "no round 7" in world.ask(client.decide(world.project, run, gate, "accept", round=7))
    assert world.ask(client.decide(world.project, run, gate, "again", more=1)) == ""
    wait_for("round 3", 10, lambda: world.state("judge~3") is not None)
    wait_for("a pause", 10, lambda: world.row(run).state is State.PAUSED)
    assert world.ask(client.decide(world.project, run, gate, "accept", round=1)) == ""
    wait_for("success", 10, lambda: world.row(run).state is State.SUCCEEDED)
    gone(world)
    assert text(world, run, "use", "o") == "1\n"
    assert world.row(run).metrics == {"judge.n": 1.0}
    check_consistent(world, run)


def test_killed_when_a_request_was_journalled(world: World) -> None:
    """It takes effect once: asked and answered are one transaction."""
    write(world, CHAIN)
    run = world.submit().run
    world.wait_end(run)
    gone(world)
    world.count.with_name("count.ok").touch()
    with closing(world.journal()) as journal:
        request = journal.ask(run, "retry", {}, "test", 1.0)
    assert world.finish(MLTUI_CRASH_AT="asked") == -signal.SIGKILL
    with closing(world.journal()) as journal:
        handled = journal.request(request)
    assert handled is not None and handled.handled_at is not None
    assert client.resume(world.project) == [run]
    wait_for("success", 10, lambda: world.row(run).state is State.SUCCEEDED)
    assert world.rows(run)["b"].attempt == 2


def test_requests_about_what_is_not_there(world: World) -> None:
    with pytest.raises(JournalError, match="no runs yet"):
        client.retry(world.project, 1, None)
    world.wait_end(world.submit().run)
    with pytest.raises(UsageError, match="there is no run 9"):
        client.cancel(world.project, 9)
    with pytest.raises(UsageError, match="can be decided as"):
        client.decide(world.project, 1, Instance("check"), "maybe")
    assert "no stage of this run failed" in world.ask(client.retry(world.project, 1, None))
    answer = world.ask(client.decide(world.project, 1, Instance("get"), "fail"))
    assert "no gate" in answer


def test_a_run_that_the_runner_could_not_go_on_with(world: World) -> None:
    """An error in the runner is never silent: unknown, a trace, and another try on request."""
    run = world.queue()
    assert world.finish(MLTUI_CRASH_AT="ended") == -signal.SIGKILL
    spec = world.row(run).spec
    assert spec is not None
    kept = world.project.store().path(spec)
    aside = kept.with_name("aside")
    kept.rename(aside)
    assert world.finish() == 0
    stuck = world.row(run)
    assert stuck.state is State.UNKNOWN and "mltui resume" in stuck.reason
    assert "Traceback" in world.log()
    aside.rename(kept)
    assert client.resume(world.project) == [run]
    wait_for("success", 20, lambda: world.row(run).state is State.SUCCEEDED)
    gone(world)
    check_consistent(world, run)
