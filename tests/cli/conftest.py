"""The command line as tests use it: arguments in, exit code and both streams out."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mltui.cli.main import main
from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    Event,
    Failure,
    GateJudged,
    Instance,
    RunEnded,
    RunPlanned,
    StageRow,
    State,
    Verdict,
)
from mltui.runs.journal import FOLDER, Journal
from mltui.runs.lock import read_status
from mltui.runs.rows import RunRequest
from mltui.spec.model import FailureClass

SEEDED = """\
mltui: 1
name: seeded
code: []
params: {target: 0.98}
stages:
  acquire:
    phase: data
    outputs: {raw: raw.txt}
    run: echo raw > ${outputs.raw}
  train:
    phase: training
    inputs: {raw: acquire.raw}
    outputs: {model: model.txt}
    run: cp ${inputs.raw} ${outputs.model}
"""
BEGIN = 1_790_000_000.25


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Cli = Callable[..., Result]
MakeProject = Callable[[str], Path]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same letters and colours wherever the tests run; nothing written outside."""
    for name in ("NO_COLOR", "MLTUI_ASCII", "LC_ALL", "LC_CTYPE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def cli(capsysbinary: pytest.CaptureFixture[bytes]) -> Cli:
    """`cli("ls", "runs")` in this process."""

    def run(*argv: str) -> Result:
        capsysbinary.readouterr()
        code = main(argv)
        out, err = capsysbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return run


@pytest.fixture
def seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose journal has run 1 (two rounds, passed) and run 2 (failed); we are in it."""
    root = tmp_path / "seeded"
    folder = root / FOLDER
    folder.mkdir(parents=True)
    (root / "mltui.yaml").write_text(SEEDED)
    with closing(Journal.open(folder, write=True)) as journal:
        _passed(journal)
        _failed(journal)
    monkeypatch.chdir(root)
    return root


def _row(run: int, instance: Instance, order: int, begin: float, **more: Any) -> StageRow:
    values: dict[str, Any] = {
        "attempt": 1,
        "state": State.SUCCEEDED,
        "phase": "training" if instance.path else "data",
        "engine": "process",
        "target": "local",
        "started_at": begin,
        "ended_at": begin + 1.5,
        "order": order,
        "object": "4711",
    }
    return StageRow(run, instance.stage, instance.item, instance.path, **{**values, **more})


def _passed(journal: Journal) -> None:
    run = journal.queue_run(RunRequest(), BEGIN)
    acquire, first, second = Instance("acquire"), Instance("train", (1,)), Instance("train", (2,))
    events: list[Event] = [RunPlanned(BEGIN, "sha256:0", {})]
    rows = [_row(run, acquire, 0, BEGIN)]
    for number, (instance, accuracy) in enumerate(((first, 0.843), (second, 0.985)), start=1):
        at = BEGIN + 10 * number
        passed = number == 2
        verdict = Verdict.PASSED if passed else Verdict.NOT_PASSED
        metrics = {"accuracy": accuracy, "rows": 1797.0}
        events += [
            AttemptStarting(at, instance, 1, "process", "local"),
            AttemptStarted(at, instance, 1, "4711"),
            AttemptEnded(at + 1.5, instance, 1, exit_code=0, metrics=metrics),
            GateJudged(
                at + 1.5, instance, verdict, "accept" if passed else "again", 2 if passed else None
            ),
        ]
        rows.append(_row(run, instance, 1, at, metrics=metrics, gate=verdict, accepted=passed))
    events.append(RunEnded(BEGIN + 40, State.SUCCEEDED))
    journal.append(
        run,
        events,
        rows,
        update={
            "state": "succeeded",
            "started_at": BEGIN,
            "ended_at": BEGIN + 40,
            "exit_code": 0,
            "params": {"target": 0.98},
            "metrics": {"train.accuracy": 0.985},
        },
    )


def _failed(journal: Journal) -> None:
    run = journal.queue_run(RunRequest(trigger="monitor drift"), BEGIN + 100)
    acquire, train = Instance("acquire"), Instance("train")
    failure = Failure(FailureClass.PROGRAM, "ValueError: wrong shape")
    reason = "acquire failed"
    journal.append(
        run,
        [
            RunPlanned(BEGIN + 100, "sha256:0", {}),
            AttemptEnded(BEGIN + 102, acquire, 3, failure, exit_code=1),
            RunEnded(BEGIN + 102, State.FAILED, exit_code=1),
        ],
        [
            _row(
                run,
                acquire,
                0,
                BEGIN + 100,
                attempt=3,
                state=State.FAILED,
                failure=FailureClass.PROGRAM,
                reason=failure.message,
            ),
            _row(
                run,
                train,
                1,
                BEGIN,
                attempt=0,
                state=State.SKIPPED,
                started_at=None,
                ended_at=None,
                object=None,
                phase="training",
                reason=reason,
            ),
        ],
        update={
            "state": "failed",
            "started_at": BEGIN + 100,
            "ended_at": BEGIN + 102,
            "exit_code": 1,
        },
    )


@pytest.fixture
def make_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeProject]:
    """Write a `mltui.yaml`, go there; whatever still runs at the end is ended."""
    made: list[Path] = []

    def make(text: str) -> Path:
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        (root / "mltui.yaml").write_text(text)
        monkeypatch.chdir(root)
        made.append(root)
        return root

    yield make
    for root in made:
        end_runs(root)


def end_runs(root: Path) -> None:
    """Cancel what runs in a project and wait for its runner to go; ours, so it may be killed."""
    folder = root / FOLDER
    if not read_status(folder).alive:
        return
    with closing(Journal.open(folder, write=True)) as journal:
        for run in journal.unfinished():
            journal.ask(run.number, "cancel", {}, "test", time.time())
    until = time.monotonic() + 10
    while (status := read_status(folder)).alive:
        if time.monotonic() > until and status.pid is not None:
            os.kill(status.pid, signal.SIGKILL)
        time.sleep(0.02)


@pytest.fixture
def queued(seeded: Path) -> int:
    """A run of `seeded` that nobody has started."""
    with closing(Journal.open(seeded / FOLDER, write=True)) as journal:
        return journal.queue_run(RunRequest(), time.time())


class Pty:
    """`mltui` on a terminal of its own; what it wrote is in `out`."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._master = master
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")
        self.out = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ON_TERMINAL, *argv],
            cwd=cwd,
            env={**os.environ, **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def read_until(self, words: str, timeout_s: float = 60) -> None:
        """Until it has written this."""
        until = time.monotonic() + timeout_s
        while words not in self.out:
            if not self._read(until):
                raise AssertionError(f"{words!r} did not come in {self.out!r}")

    def type(self, keys: str) -> None:
        """As a person would."""
        os.write(self._master, keys.encode())

    def end(self, timeout_s: float = 60) -> int:
        """Wait until it has ended; its exit code."""
        until = time.monotonic() + timeout_s
        while self._read(until):
            pass
        return self.process.wait(timeout_s)

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self, until: float) -> bool:
        """More output; False when there will be none, or it took too long."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self._master], [], [], left)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self.out += self._letters.decode(data)  # a terminal cuts letters in two
        return bool(data)


# Take the terminal as ours, so that Ctrl-C is a signal; GRACE_S: how long a second one counts.
_ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv = ["mltui", *sys.argv[1:]]
if "GRACE_S" in os.environ:
    from mltui.cli import interrupts
    interrupts.GRACE_S = float(os.environ["GRACE_S"])
from mltui.__main__ import main
sys.exit(main())
"""

OpenPty = Callable[..., Pty]


@pytest.fixture
def on_terminal() -> Iterator[OpenPty]:
    """`on_terminal("run", cwd=root)`."""
    opened: list[Pty] = []

    def start(*argv: str, cwd: Path, **env: str) -> Pty:
        opened.append(Pty(argv, cwd, env))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
