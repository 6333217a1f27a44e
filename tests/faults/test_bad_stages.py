"""Stages that misbehave: each gets its class and a sentence, and harms nobody else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mltui.pipeline.model import Instance, State
from mltui.runs import client
from mltui.runs.lock import runner_status
from mltui.runs.rows import RunRequest
from mltui.spec.model import FailureClass

from .harness import World, check_consistent, wait_for

BAD = r"""
mltui: 1
name: bad
code: []
secrets: {KEY: {env: FAULTS_NO_SUCH_VARIABLE}, OK: {file: key.txt}}
stages:
  good: {phase: data, outputs: {x: x.txt}, run: "echo good > ${outputs.x}"}
  binary: {phase: data, run: "head -c 100000 /dev/urandom; exit 3"}
  long_line: {phase: data, run: "head -c 10000000 /dev/zero"}
  killed: {phase: data, run: "kill -9 $$"}
  forks: {phase: data, outputs: {x: x.txt}, run: "setsid sleep 300 & echo x > ${outputs.x}"}
  deletes:
    phase: data
    inputs: {x: good.x}
    outputs: {y: y.txt}
    run: "rm -rf inputs; echo y > ${outputs.y}"
  writes:
    phase: data
    inputs: {x: good.x}
    outputs: {y: y.txt}
    run: "echo bad >> ${inputs.x}; cp ${inputs.x} ${outputs.y}"
  missing: {phase: data, outputs: {x: out/x.txt}, run: "true"}
  folder: {phase: data, outputs: {x: x}, run: "mkdir ${outputs.x}"}
  file: {phase: data, outputs: {x: x/}, run: "echo > ${outputs.x}"}
  link: {phase: data, outputs: {x: x.txt}, run: "ln -s /etc/passwd ${outputs.x}"}
  deep_link: {phase: data, outputs: {x: d/x.txt}, run: "rmdir d; ln -s /etc d; :"}
  inner_link: {phase: data, outputs: {x: d/}, run: "mkdir d; ln -s /etc/passwd d/p"}
  pipe: {phase: data, outputs: {x: x}, run: "mkfifo ${outputs.x}"}
  no_program: {phase: data, run: [no-such-program-anywhere]}
  no_secret: {phase: data, secrets: [KEY], run: "true"}
  secret:
    phase: data
    secrets: [OK]
    outputs: {x: x.txt}
    run: "stat -c %a $MLTUI_SECRET_OK > ${outputs.x}; cat $MLTUI_SECRET_OK"
  no_metric: {phase: data, run: "true", gate: {require: n > 0}}
  nan: {phase: data, run: "echo '{\"n\": NaN}' > $MLTUI_METRICS", gate: {require: n > 0}}
  text: {phase: data, run: "echo '{\"n\": \"1\"}' > $MLTUI_METRICS", gate: {require: n > 0}}
  half: {phase: data, run: "printf '{\"n\": 1}\\n{\"n\":' > $MLTUI_METRICS", gate: {require: n > 0}}
  slow: {phase: data, timeout: 1s, run: "sleep 60"}
  after: {phase: data, inputs: {x: missing.x}, run: "true"}
"""

FAILED = {
    "binary": (FailureClass.PROGRAM, "exit code 3"),
    "killed": (FailureClass.PROGRAM, "ended by SIGKILL"),
    "missing": (FailureClass.CONTRACT, "output `x` is missing: the command left no file at"),
    "folder": (FailureClass.CONTRACT, "is a folder, but a file is declared: declare `x/`"),
    "file": (FailureClass.CONTRACT, "is a file, but a folder is declared: declare `x`"),
    "link": (FailureClass.CONTRACT, "is a symbolic link to /etc/passwd: write the file itself"),
    "deep_link": (FailureClass.CONTRACT, "output `x`"),
    "inner_link": (FailureClass.CONTRACT, "output `x`"),
    "pipe": (FailureClass.CONTRACT, "neither a file nor a folder"),
    "no_program": (FailureClass.CONFIG, "no-such-program-anywhere"),
    "no_secret": (FailureClass.CONFIG, "secret KEY: the variable FAULTS_NO_SUCH_VARIABLE"),
    "no_metric": (FailureClass.CONTRACT, "the gate needs the metric `n`"),
    "nan": (FailureClass.CONTRACT, "it is NaN"),
    "text": (FailureClass.CONTRACT, "it is a text"),
    "half": (FailureClass.CONTRACT, "the gate needs the metric `n`"),
    "slow": (FailureClass.TIMEOUT, "it ran longer than its timeout of 1.0s"),
}


def make(tmp_path: Path, spec: str) -> World:
    return World.make(tmp_path, spec.lstrip())


@pytest.fixture
def bad(tmp_path: Path, world: World) -> World:
    (world.root / "mltui.yaml").write_text(BAD.lstrip())
    (world.root / "key.txt").write_text("hush hush\n")
    return world


def test_each_gets_its_class_and_sentence(bad: World) -> None:
    run = bad.submit(RunRequest(jobs=4)).run
    ended = bad.wait_end(run)
    assert (ended.state, ended.exit_code) == (State.FAILED, 1)
    rows = bad.rows(run)
    for name, (kind, sentence) in FAILED.items():
        row = rows[name]
        assert (row.state, row.failure) == (State.FAILED, kind), (name, row.reason)
        assert sentence in row.reason, (name, row.reason)
    for name in ("good", "long_line", "forks", "deletes", "writes", "secret"):
        assert rows[name].state is State.SUCCEEDED, (name, rows[name].reason)
    assert rows["after"].state is State.SKIPPED and "missing" in rows["after"].reason
    store = bad.project.store()
    assert store.read_bytes(rows["good"].outputs["x"].digest) == b"good\n"
    assert store.read_bytes(rows["writes"].outputs["y"].digest) == b"good\nbad\n"
    assert store.read_bytes(rows["secret"].outputs["x"].digest) == b"600\n"
    log = bad.project.run_folder(run) / "long_line.1" / "log"
    assert log.stat().st_size == 10_000_000
    wait_for("strays to be ended", 5, lambda: not bad.processes())
    check_consistent(bad, run)


def test_a_secret_is_nowhere_but_in_its_file(bad: World) -> None:
    bad.wait_end(bad.submit(RunRequest(stages=("secret",))).run)
    wait_for("the runner to go", 5, lambda: not runner_status(bad.project).alive)
    holding = [
        path
        for path in bad.project.folder.rglob("*")
        if path.is_file() and b"hush" in path.read_bytes()
    ]
    assert holding == []
    (log,) = (bad.project.folder / "runs").glob("*/secret.1/log")
    assert log.read_text() == "*********\n"  # what it printed of it


@pytest.mark.slow
def test_one_that_ignores_sigterm_is_cancelled(world: World) -> None:
    (world.root / "mltui.yaml").write_text(
        "mltui: 1\nname: deaf\ncode: []\nstages:\n"
        "  deaf: {phase: data, run: \"trap '' TERM; touch $FAULTS_COUNT.on; "
        'while :; do sleep 1; done"}\n'
        '  next: {phase: data, run: "sleep 300"}\n'
    )
    run = world.submit().run
    wait_for("it to begin", 10, lambda: world.count.with_name("count.on").exists())
    began = time.monotonic()
    assert world.ask(client.cancel(world.project, run, Instance("deaf"))) == ""
    wait_for("its end", 15, lambda: world.state("deaf") is State.CANCELLED)
    assert time.monotonic() - began > 4, "it was asked first"
    row = world.rows(run)["deaf"]
    assert (row.state, row.failure) == (State.CANCELLED, FailureClass.CANCELLED)
    wait_for("the other to go on", 10, lambda: world.state("next", run) is State.RUNNING)
    assert world.ask(client.cancel(world.project, run)) == ""
    assert world.wait_end(run).state is State.CANCELLED
    wait_for("all to be gone", 5, lambda: not world.processes())
    assert "has ended already" in world.ask(client.cancel(world.project, run))


def test_lists_that_are_none(world: World) -> None:
    (world.root / "mltui.yaml").write_text(
        """\
mltui: 1
name: lists
code: []
stages:
  l1: {phase: data, outputs: {x: x.json}, run: "echo '{}' > ${outputs.x}"}
  l2: {phase: data, outputs: {x: x.json}, run: "echo '[1, 1]' > ${outputs.x}"}
  l3: {phase: data, outputs: {x: x.json}, run: "echo '[\\"../up\\", \\"ok\\"]' > ${outputs.x}"}
  l4: {phase: data, outputs: {x: x.json}, run: "echo '[]' > ${outputs.x}"}
  f1: {phase: data, for_each: {i: l1.x}, run: "echo ${i}"}
  f2: {phase: data, for_each: {i: l2.x}, run: "echo ${i}"}
  f3: {phase: data, for_each: {i: l3.x}, run: "echo ${i}"}
  f4: {phase: data, for_each: {i: l4.x}, run: "echo ${i}"}
"""
    )
    run = world.submit().run
    assert world.wait_end(run).state is State.FAILED
    rows = world.rows(run)
    assert rows["f1"].failure is FailureClass.CONFIG and "not a JSON array" in rows["f1"].reason
    assert rows["f2"].failure is FailureClass.CONFIG and "twice" in rows["f2"].reason
    assert rows["f3"].state is State.FAILED and rows["f3[ok]"].state is State.SUCCEEDED
    assert rows["f4"].state is State.SUCCEEDED
    assert not (world.project.folder / "runs" / "up").exists()
    check_consistent(world, run)
