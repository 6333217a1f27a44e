"""An engine that does not answer: its attempts are unknown, never failed, and come back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Attempt, Built, Exit, Stopped
from mltui.errors import BuildFailed, StartFailed, Unreachable
from mltui.pipeline.model import AttemptStarted, AttemptUnknown, StageRow, State
from mltui.runs import engines, executing, preparing
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest, RunRow
from mltui.runs.runner import Runner
from mltui.spec.model import Environment, FailureClass

TEXT = """\
mltui: 1
name: away
code: []
environments: {own: {requirements: own.txt}}
stages:
  one: {phase: data, outputs: {x: x.txt}, run: "sleep 0.3; echo 1 > ${outputs.x}"}
  two: {phase: data, inputs: {x: one.x}, run: "cat ${inputs.x}"}
"""
WITH_ENVIRONMENT = TEXT.replace("{phase: data,", "{phase: data, environment: own,")


class Moody(ProcessEngine):
    """A process engine that fails as told: call → how often."""

    ends: Path | None = None
    """Made a while after a wait that is answered: the stage waits for it."""

    def __init__(self, moods: dict[str, int]) -> None:
        super().__init__()
        self.moods = dict(moods)
        self.calls: Counter[str] = Counter()
        self.building = 0
        self.most = 0

    def _maybe(self, call: str) -> None:
        self.calls[call] += 1
        if self.moods.get(call, 0) > 0:
            self.moods[call] -= 1
            raise Unreachable("the other side does not answer")

    async def built(self, environment: Environment, project: Path) -> Built | None:
        self._maybe("built")
        return None

    def build_key(self, environment: Environment, project: Path) -> str:
        return environment.name

    async def build(self, environment: Environment, project: Path, log: Path) -> Built:
        self.calls["build"] += 1
        log.write_text("building\n")
        await asyncio.sleep(0.05)
        if self.moods.get("build_fails"):
            raise BuildFailed("pip says no")
        return Built("k", "# CPython 3.11\nnumpy==2.0\n", str(project))

    async def start(self, attempt: Attempt) -> str:
        if self.moods.get("start_fails"):
            raise StartFailed("no such shell")
        self._maybe("start")
        return await super().start(attempt)

    async def wait(self, attempt: Attempt, obj: str) -> Exit:
        self._maybe("wait")
        if self.ends is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(10 * executing._ANSWERS_AGAIN_S, self.ends.touch)
        found = await super().wait(attempt, obj)
        if self.moods.get("lost", 0) > 0:
            self.moods["lost"] -= 1
            return Exit(Stopped.LOST, message="the node is gone")
        return found


def play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str = TEXT, **moods: int
) -> tuple[Project, Moody, RunRow, dict[str, StageRow]]:
    """Run the project with a moody engine, to its end."""
    engine = Moody(moods)
    monkeypatch.setattr(engines, "_make", lambda target: engine)
    monkeypatch.setattr(executing, "_FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(executing, "_ANSWERS_AGAIN_S", 0.05)
    monkeypatch.setattr(preparing, "_RETRY_S", 0.02)
    (tmp_path / "mltui.yaml").write_text(text)
    (tmp_path / "own.txt").write_text("numpy\n")
    project = Project(tmp_path)
    project.prepare()
    with closing(project.journal(write=True)) as journal:
        run = journal.queue_run(RunRequest(jobs=2), time.time())
        asyncio.run(Runner(project, journal).serve())
        row = journal.run(run)
        rows = {r.instance.label: r for r in journal.stages(run)[1]}
    assert row is not None
    return project, engine, row, rows


def test_away_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moody, "ends", tmp_path / "flag")
    waits = f"until [ -e {tmp_path}/flag ]; do sleep 0.02; done"
    project, engine, row, rows = play(
        tmp_path, monkeypatch, TEXT.replace("sleep 0.3", waits), wait=3
    )
    assert row.state is State.SUCCEEDED
    assert engine.calls["wait"] == 5
    assert rows["one"].attempt == 1
    with closing(project.journal()) as journal:
        events = [event for _, event in journal.events(1)]
    unknown = [event for event in events if isinstance(event, AttemptUnknown)]
    assert [event.reason for event in unknown] == ["the other side does not answer"]
    started = [e for e in events if isinstance(e, AttemptStarted) and e.instance.stage == "one"]
    assert len(started) == 2, "it answers again: shown as running"


def test_away_when_it_should_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, engine, row, rows = play(tmp_path, monkeypatch, start=2)
    assert row.state is State.SUCCEEDED
    assert engine.calls["start"] == 4
    assert rows["one"].attempt == 1


def test_away_when_it_is_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, engine, row, _ = play(tmp_path, monkeypatch, WITH_ENVIRONMENT, built=2)
    assert row.state is State.SUCCEEDED
    assert engine.calls["built"] == 3, "once it is known it is not asked for again"
    assert engine.calls["build"] == 1


def test_lost_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.replace('"sleep 0.3', '"true').replace("run:", "retry: {backoff: 10ms}, run:")
    _, _, row, rows = play(tmp_path, monkeypatch, text, lost=2)
    assert row.state is State.SUCCEEDED
    assert rows["one"].attempt == 3


def test_lost_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.replace('"sleep 0.3', '"true').replace("run:", "retry: {backoff: 10ms}, run:")
    _, _, row, rows = play(tmp_path, monkeypatch, text, lost=9)
    assert row.state is State.FAILED
    assert (rows["one"].failure, rows["one"].reason) == (
        FailureClass.INFRASTRUCTURE,
        "the node is gone",
    )
    assert rows["two"].state is State.SKIPPED


def test_a_build_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _, row, rows = play(tmp_path, monkeypatch, WITH_ENVIRONMENT, build_fails=1)
    assert row.state is State.FAILED
    assert (rows["one"].failure, rows["one"].reason) == (FailureClass.BUILD, "pip says no")
    assert rows["one"].build == "own-1"
    with closing(project.journal()) as journal:
        build = journal.build("own-1")
    assert build is not None and (build.state, build.reason) == (State.FAILED, "pip says no")
    assert (project.folder / build.log).read_text() == "building\n"


def test_a_start_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, row, rows = play(tmp_path, monkeypatch, start_fails=1)
    assert row.state is State.FAILED
    assert (rows["one"].failure, rows["one"].reason) == (FailureClass.CONFIG, "no such shell")


def test_a_fault_of_the_runner_leaves_the_run_to_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Moody, attempt: Attempt, obj: str) -> Exit:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Moody, "wait", broken)
    project, _, row, rows = play(tmp_path, monkeypatch)
    assert row.state is State.UNKNOWN
    assert "RuntimeError: a bug" in row.reason and "mltui resume" in row.reason
    assert rows["one"].state is State.RUNNING
    monkeypatch.undo()
    with closing(project.journal(write=True)) as journal:
        journal.ask(1, "resume", {}, "me", time.time())
        asyncio.run(Runner(project, journal).serve())
        assert journal.run(1).state is State.SUCCEEDED  # type: ignore[union-attr]
        assert journal.stages(1)[1][0].attempt == 1
