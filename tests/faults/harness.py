"""A small real project, runners that can be killed, and what must hold however they ended.

The project has a loop of two rounds, a fan-out of three items and a join; every command writes a
line outside the project when it begins, so that a test can count what really ran.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarting,
    Instance,
    RunPlanned,
    StageRow,
    State,
    attempt_label,
)
from mltui.pipeline.scheduler import Scheduler
from mltui.runs import client
from mltui.runs.journal import Journal
from mltui.runs.lock import runner_status
from mltui.runs.planning import blueprint_of
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest, RunRow

COUNT = "FAULTS_COUNT"
SPEC = """\
mltui: 1
name: faults
code: [tool.sh]
params: {limit: 2}
stages:
  get:
    phase: data
    outputs: {raw: raw.txt}
    run: sh tool.sh get - ${round}; echo ${round} > ${outputs.raw}
  check:
    phase: data
    inputs: {raw: get.raw}
    outputs: {clean: out/clean.txt}
    run: |
      sh tool.sh check - $(cat ${inputs.raw}); cat ${inputs.raw} > ${outputs.clean}
      echo "{\\"n\\": $(cat ${inputs.raw})}" > ${metrics}
    gate: {require: "n >= ${params.limit}", restart: get, max_rounds: 3, otherwise: fail}
  list:
    phase: training
    inputs: {clean: check.clean}
    outputs: {items: items.json}
    run: sh tool.sh list - 1; echo '["a", "b", "c"]' > ${outputs.items}
  fit:
    phase: training
    for_each: {i: list.items}
    inputs: {clean: check.clean}
    outputs: {model: model.txt}
    run: sh tool.sh fit ${i} 1; echo ${i} | cat ${inputs.clean} - > ${outputs.model}
  join:
    phase: inference
    inputs: {models: fit.model}
    outputs: {all: all.txt}
    run: sh tool.sh join - 1; cd ${inputs.models}; cat a b c > ${outputs.all}
"""
TOOL = """\
echo "$1 $2 $3 $MLTUI_ATTEMPT" >> "$FAULTS_COUNT"
echo "a line of $1"
while [ -e "$FAULTS_COUNT.hold" ]; do sleep 0.05; done
sleep ${FAULTS_SLEEP:-0.1}
"""
ALL = "2\na\n2\nb\n2\nc\n"
EXECUTIONS = 9
"""get and check twice, list, three items, join."""


def wait_for(what: str, until_s: float, is_so: object) -> None:
    """Poll until `is_so()`; fails the test when it takes much longer than `until_s`.

    That is what it takes a calm machine and some; a busy one gets minutes.
    """
    assert callable(is_so)
    deadline = time.monotonic() + max(until_s, 180)
    while not is_so():
        assert time.monotonic() < deadline, f"waited {until_s} s for: {what}"
        time.sleep(0.01)


@dataclass
class World:
    """A project in a folder of its own, and the runners that a test started for it."""

    root: Path
    count: Path
    env: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, spec: str = SPEC) -> World:
        root = folder / "project"
        root.mkdir()
        (root / "mltui.yaml").write_text(spec)
        (root / "tool.sh").write_text(TOOL)
        count = folder / "count"
        count.touch()
        return cls(root, count, {**os.environ, COUNT: str(count)})

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def held(self) -> Path:
        """While this file is there, commands that have begun do not end."""
        return self.count.with_name("count.hold")

    def journal(self) -> Journal:
        return self.project.journal()

    # --- runs -----------------------------------------------------------------------------------

    def queue(self, request: RunRequest | None = None) -> int:
        """A run without a runner."""
        self.project.prepare()
        with closing(self.project.journal(write=True)) as journal:
            return journal.queue_run(request or RunRequest(jobs=2), time.time())

    def start(self, **env: str) -> subprocess.Popen[bytes]:
        """A runner as a child of the test, so that its death can be waited for."""
        log = self.project.folder / client.LOG
        with log.open("ab") as output:
            runner = subprocess.Popen(
                [sys.executable, "-P", "-m", "mltui.runs.runner", str(self.root)],
                env={**self.env, **env},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started.append(runner)
        return runner

    def finish(self, timeout_s: float = 180, **env: str) -> int:
        """Have a new runner do what is left; its exit code."""
        return self.start(**env).wait(timeout_s)

    def submit(self, request: RunRequest | None = None) -> client.Submitted:
        """A run with a runner, as a person asks for it."""
        return client.submit(self.project, request or RunRequest(jobs=2))

    def wait_end(self, run: int = 1, timeout_s: float = 90) -> RunRow:
        """Wait until a run is over; its line."""
        wait_for(f"the end of run {run}", timeout_s, lambda: self.row(run).state.is_final)
        return self.row(run)

    def ask(self, request: int) -> str:
        """The answer to a request."""
        answer = client.wait_answer(self.project, request, 180)
        assert answer is not None, self.log()
        return answer

    def row(self, run: int = 1) -> RunRow:
        with closing(self.journal()) as journal:
            found = journal.run(run)
        assert found is not None
        return found

    def rows(self, run: int = 1) -> dict[str, StageRow]:
        with closing(self.journal()) as journal:
            return {row.instance.label: row for row in journal.stages(run)[1]}

    def state(self, label: str, run: int = 1) -> State | None:
        """The state of an instance; None before the run has it."""
        row = self.rows(run).get(label)
        return None if row is None else row.state

    def log(self) -> str:
        return (self.project.folder / client.LOG).read_text(errors="replace")

    def executions(self) -> Counter[str]:
        """Each line that a command wrote when it began, with how often."""
        return Counter(self.count.read_text().splitlines())

    def stop(self) -> None:
        """End what the test started, by its own process objects, and what those left."""
        for runner in self.started:
            if runner.poll() is None:
                runner.kill()
            runner.wait()
        status = runner_status(self.project)
        if status.pid is not None:  # `client` started it for this project, which is ours alone
            _kill(status.pid, str(self.root))
        for pid in self.processes():
            _kill(pid, str(self.project.folder))

    def processes(self) -> list[int]:
        """Processes of this project's attempts."""
        mark = f"MLTUI_ATTEMPT_ID={self.project.folder}/".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    environ = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if any(part.startswith(mark) for part in environ.split(b"\0")):
                    found.append(int(entry.name))
        return found


def _kill(pid: int, folder: str) -> None:
    """End an attempt's process or a runner of ours, if it still is that."""
    import signal

    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        about = Path(f"/proc/{pid}/environ").read_bytes()
        about += Path(f"/proc/{pid}/cmdline").read_bytes()
        if folder.encode() in about:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def check_consistent(world: World, run: int = 1) -> None:
    """The rows are what the events say; nothing of a run that is over is left behind."""
    wait_for("the runner to go", 10, lambda: not runner_status(world.project).alive)
    with closing(world.journal()) as journal:
        events = [event for _, event in journal.events(run)]
        _, rows = journal.stages(run)
    store = world.project.store()

    def plan_for(event: RunPlanned):  # type: ignore[no-untyped-def]
        return blueprint_of(event, store).plan

    replayed = Scheduler.replay(run, plan_for, events)
    by_instance = {row.instance: row for row in replayed.rows()}
    assert by_instance == {row.instance: row for row in rows}
    wait_for("what was killed to be gone", 10, lambda: not world.processes())


def check_outcome(world: World, run: int = 1) -> None:
    """What must hold after any number of crashes: as if there had been none."""
    row = world.row(run)
    assert (row.state, row.exit_code) == (State.SUCCEEDED, 0), f"{row.reason}\n{world.log()}"
    assert row.metrics == {"check.n": 2.0}
    check_consistent(world, run)
    rows = world.rows(run)
    store = world.project.store()
    assert store.read_bytes(rows["join"].outputs["all"].digest).decode() == ALL
    assert rows["check~1"].gate == "not-passed" and rows["check~2"].gate == "passed"
    with closing(world.journal()) as journal:
        events = [event for _, event in journal.events(run)]
        results = [journal.result(row.key) for row in rows.values() if row.key]
    kept = Counter(
        (event.instance, event.attempt)
        for event in events
        if isinstance(event, AttemptEnded) and event.failure is None
    )
    assert all(count == 1 for count in kept.values()), kept
    assert Counter(instance for instance, _ in kept) == Counter(
        instance for instance in {instance for instance, _ in kept}
    ), "one instance has two kept results"
    intended = Counter(
        (event.instance, event.attempt) for event in events if isinstance(event, AttemptStarting)
    )
    assert all(count == 1 for count in intended.values()), "an attempt was begun twice"
    ran = world.executions()
    for instance, attempt in kept:
        assert ran[_line(instance, attempt)] == 1, (attempt_label(instance, attempt), ran)
    assert all(result is not None for result in results)
    left = list(world.project.work_folder(run).rglob("*"))
    assert not left, left


def _line(instance: Instance, attempt: int) -> str:
    return f"{instance.stage} {instance.item or '-'} {instance.round} {attempt}"


def exact(counted: Mapping[str, int]) -> bool:
    """Every command began exactly once."""
    return len(counted) == EXECUTIONS and all(count == 1 for count in counted.values())
