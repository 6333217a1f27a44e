"""Whole runs on a real Docker while something goes wrong: with the runner, the daemon, a stage.

What the engine does with each fault is tested in `tests/contract/docker`; here it is what a person
sees of it in the list and on the command line, that the rest goes on, and how it ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.engines.docker.names import container_name
from mltui.pipeline.model import AttemptEnded, AttemptStarted, AttemptUnknown, Instance, State
from mltui.runs import building
from mltui.runs.attempts import attempt_name
from mltui.spec import load
from mltui.spec.model import FailureClass

from .dockerworld import FILLS, HEAD, LIMIT_S, WAITS, DockerWorld, check_done
from .harness import check_consistent

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost, OwnDocker

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host
own_docker = _testbed.own_docker
BASE, TINY = _testbed.BASE_IMAGE, _testbed.TINY_IMAGE
pytestmark = pytest.mark.timeout(900)


MakeWorld = Callable[..., DockerWorld]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeWorld]:
    """`make(host, spec, image)`; ends what it started there."""
    made: list[DockerWorld] = []

    def new(host: DockerHost, spec: str = WAITS, image: str = BASE) -> DockerWorld:
        made.append(DockerWorld(tmp_path, host, spec, image))
        return made[-1]

    yield new
    for one in made:
        one.world.stop()
        try:
            found = one.containers()
        except AssertionError:
            continue  # a daemon of the test's own that is down goes with all that it had
        if found:
            one.host.run("rm", "-fv", *found, check=False)


def test_a_killed_runners_container_is_carried_on_with(
    make: MakeWorld, docker_host: DockerHost
) -> None:
    found = make(docker_host)
    runner = found.begin()
    container = found.runs("make")
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    assert found.containers() == [container]
    again = found.world.start()
    found.go(container)
    found.end(again)
    assert found.world.rows()["make"].object == container
    assert found.log("make") == b"one\n"
    check_done(found)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["starting", "spawned", "exited", "collected"])
def test_killed_at(make: MakeWorld, docker_host: DockerHost, point: str) -> None:
    found = make(docker_host, WAITS.replace("while ! [ -e /tmp/go ]; do sleep 0.1; done; ", ""))
    assert found.begin(MLTUI_CRASH_AT=point).wait(LIMIT_S) == -signal.SIGKILL
    found.end(found.world.start())
    assert found.log("make") == b"one\n", "it ran once"
    check_done(found)


OUTAGE = """\
  other: {image: "IMAGE"}
stages:
  make:
    phase: data
    environment: box
    run: echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done
  near:
    phase: data
    target: near
    outputs: {x: x.txt}
    run: while ! [ -e FLAG ]; do sleep 0.1; done; echo near > ${outputs.x}
  next:
    phase: training
    environment: other
    inputs: {x: near.x}
    run: cat ${inputs.x}
"""


@pytest.mark.slow
def test_an_outage_is_unknown_then_carried_on_with(
    make: MakeWorld, own_docker: OwnDocker, tmp_path: Path
) -> None:
    own_docker.stop()
    config = own_docker.folder / "daemon.json"
    config.write_text(json.dumps({"live-restore": True}))
    own_docker.arguments = ["--config-file", str(config)]
    own_docker.start()
    flag = tmp_path / "flag"
    found = make(own_docker, HEAD + OUTAGE.replace("FLAG", str(flag)), TINY)
    runner = found.begin()
    container = found.runs("make")

    own_docker.stop(signal.SIGKILL)
    found.wait("unknown", lambda: found.world.state("make") is State.UNKNOWN)
    flag.touch()
    found.wait("the process to end", lambda: found.world.state("near") is State.SUCCEEDED)
    why = f"Docker at unix://{own_docker.socket} (DOCKER_HOST) can't be reached: it is not running"

    def both_say_why() -> bool:
        rows = found.listed()
        return all(
            (rows[stage]["state"], rows[stage]["failure"]) == (state, None)
            and rows[stage]["reason"].startswith(why)
            for stage, state in (("make", "unknown"), ("next", "pending"))
        )

    found.wait("both to say why", both_say_why)
    assert "? unknown" in found.mltui("ls", "stages").stdout

    own_docker.start()
    found.go(container)
    found.end(runner)
    assert found.world.rows()["make"].object == container
    assert found.world.rows()["next"].state is State.SUCCEEDED, "it went on by itself"
    with closing(found.world.journal()) as journal:
        told = [type(event) for _, event in journal.events(1)]
    assert AttemptUnknown in told and told.count(AttemptStarted) >= 3
    story = " ".join(found.mltui("attach", "1").stdout.split())
    assert f"make unknown: {why}" in story
    assert f"next waits: {why}" in story
    check_consistent(found.world)


RESTART = """\
stages:
  once:
    phase: data
    environment: box
    retry: {attempts: 1}
    run: echo one; sleep 300
  again:
    phase: data
    environment: box
    run: echo one; if [ "$MLTUI_ATTEMPT" = 1 ]; then sleep 300; fi
"""


@pytest.mark.slow
def test_what_a_restart_ended_is_lost_and_tried_again(
    make: MakeWorld, own_docker: OwnDocker
) -> None:
    found = make(own_docker, HEAD + RESTART, TINY)
    runner = found.begin()
    for stage in ("once", "again"):
        found.runs(stage)
    own_docker.stop(signal.SIGKILL)
    found.wait("unknown", lambda: found.world.state("again") is State.UNKNOWN)
    own_docker.start()
    found.end(runner, 1)
    rows = found.world.rows()
    assert (rows["once"].state, rows["once"].failure) == (State.FAILED, FailureClass.INFRASTRUCTURE)
    assert "the Docker daemon was restarted while it ran" in rows["once"].reason
    assert (rows["again"].state, rows["again"].attempt) == (State.SUCCEEDED, 2)


@pytest.mark.slow
def test_a_daemon_that_is_down_at_first(make: MakeWorld, own_docker: OwnDocker) -> None:
    own_docker.stop()
    found = make(own_docker, HEAD + RESTART.partition("  again:")[0].replace("300", "0"), TINY)
    runner = found.begin()
    found.wait(
        "it to wait", lambda: found.world.state("once") and found.world.rows()["once"].reason
    )

    def waits() -> bool:
        row = found.listed()["once"]
        return row["state"] == "pending" and "it is not running" in row["reason"]

    found.wait("it to say why", waits)
    own_docker.start()
    found.end(runner)
    assert found.listed()["once"]["state"] == "succeeded"


BAD = """\
  gone: {image: "127.0.0.1:9/nobody/has-this:1"}
  syntax: {image: {build: images/syntax}}
  broken: {image: {build: images/broken}}
stages:
  good:
    phase: data
    environment: box
    outputs: {x: x.txt}
    run: echo good > ${outputs.x}
  escapes:
    phase: data
    environment: box
    run: printf '\\033]0;forged\\007\\033[2Jred\\033[31m\\n'; exit 4
  gone: {phase: data, environment: gone, run: echo never}
  syntax: {phase: data, environment: syntax, run: echo never}
  broken: {phase: data, environment: broken, run: echo never}
  taken: {phase: data, environment: box, run: echo never}
  deaf: {phase: data, environment: box, run: [no-such-program]}
  removed:
    phase: data
    environment: box
    retry: {attempts: 1}
    run: echo one; sleep 300
  after: {phase: training, environment: box, inputs: {x: good.x}, run: "cat ${inputs.x}"}
"""
SENTENCES = {
    "escapes": ("program", "exit code 4"),
    "gone": ("build", "its registry 127.0.0.1:9 can't be reached"),
    "syntax": ("build", "images/syntax/Dockerfile:2: unknown instruction: RUNN"),
    "broken": ("build", "images/broken/Dockerfile:3: tool: no such thing"),
    "taken": ("config", "is taken by a container that mltui did not make: rename or remove it"),
    "deaf": ("config", "its image has no program 'no-such-program'"),
    "removed": ("infrastructure", "its container was removed by somebody else while it ran"),
}


def test_each_bad_thing_is_said_of_its_stage(make: MakeWorld, docker_host: DockerHost) -> None:
    found = make(docker_host, HEAD + BAD)
    root = found.world.root
    for name, lines in (
        ("syntax", "RUNN echo\n"),
        ("broken", "ENV A=1\nRUN echo 'tool: no such thing' >&2; exit 3\n"),
    ):
        (root / "images" / name).mkdir(parents=True)
        (root / "images" / name / "Dockerfile").write_text(f"FROM {BASE}\n{lines}")
    spec = load((root / "mltui.yaml").read_text(), str(root / "mltui.yaml"))
    name = container_name(attempt_name(found.world.project, spec, 1, Instance("taken"), 1))
    label = f"mltui.test={docker_host.label}"
    docker_host.run("create", "--name", name, "--label", label, BASE, "true")
    try:
        runner = found.begin()
        docker_host.run("rm", "-f", found.runs("removed"))
        found.end(runner, 1)
    finally:
        docker_host.run("rm", "-f", name)
    listed = found.listed()
    for stage, (kind, sentence) in SENTENCES.items():
        row = listed[stage]
        assert (row["state"], row["failure"]) == ("failed", kind), row
        assert sentence in row["reason"], row
    assert [listed[stage]["state"] for stage in ("good", "after")] == ["succeeded", "succeeded"]
    told = found.mltui("attach", "1")
    assert told.returncode == 1
    story = " ".join(told.stdout.split())
    assert all(sentence in story for _, sentence in SENTENCES.values())
    assert not {"\x1b", "\x07"} & set(told.stdout) and "Traceback" not in told.stdout + told.stderr
    assert "\x1b" not in found.mltui("logs", "escapes").stdout
    check_consistent(found.world)
    found.wait("its containers to go", lambda: not found.containers())


@pytest.mark.slow
def test_a_build_waits_for_room_on_a_full_disk(
    make: MakeWorld, own_docker: OwnDocker, tmp_path: Path
) -> None:
    own_docker.stop()
    data = own_docker.folder / "data"
    argv = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(data)]
    if subprocess.run(argv, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here")
    own_docker.start()
    own_docker.run("import", "-", TINY, stdin=_testbed.tiny_image())
    found = make(own_docker, HEAD.replace('image: "IMAGE"', "image: {build: box}") + FILLS)
    folder = found.world.root / "box"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {TINY}\nCOPY big /big\n")
    (folder / "big").write_bytes(bytes(20 << 20))
    filler = data / "somebody-elses"
    free = os.statvfs(data)
    filler.write_bytes(bytes(free.f_bavail * free.f_bsize - (8 << 20)))
    runner = found.begin()

    def waits() -> object:
        row = found.listed().get("fill", {})
        assert row.get("state") in (None, "pending", "ready", "building"), row
        said = ("the disk of the Docker host is full", "built again when there is room")
        reason = row.get("reason", "")
        return row.get("state") == "pending" and all(text in reason for text in said)

    found.wait("the stage to wait for room", waits)
    found.wait("the rest to go on", lambda: found.listed()["beside"]["state"] == "succeeded")
    filler.unlink()
    found.end(runner)
    assert found.listed()["fill"]["state"] == "succeeded"


def test_a_shell_enters_the_container_of_a_stage_that_runs(
    make: MakeWorld, docker_host: DockerHost
) -> None:
    found = make(docker_host)
    runner = found.begin()
    container = found.runs("make")
    done = found.mltui("shell", "make", "-c", "cat /etc/hostname; pwd; : > /tmp/go")
    assert done.stdout.split() == [container[:12], "/mltui/work"], done.stderr
    found.end(runner)
    check_done(found)


@pytest.mark.slow
def test_a_container_that_somebody_removes_is_tried_again(
    make: MakeWorld, docker_host: DockerHost
) -> None:
    found = make(docker_host)
    runner = found.begin()
    found.host.run("rm", "-f", found.runs("make"))

    def again() -> object:
        row = found.world.rows()["make"]
        assert not row.state.is_final, row.reason
        return row.attempt == 2 and row.state is State.RUNNING and row.object

    found.wait("another attempt", again)
    found.wait("its command", lambda: found.log("make", 2) == b"one\n")
    found.go(found.world.rows()["make"].object or "")
    found.end(runner)
    with closing(found.world.journal()) as journal:
        events = [event for _, event in journal.events(1)]
    lost = [event for event in events if isinstance(event, AttemptEnded) and event.failure]
    assert [(event.failure.kind, event.failure.message) for event in lost if event.failure] == [
        (FailureClass.INFRASTRUCTURE, "its container was removed by somebody else while it ran")
    ]
    check_consistent(found.world)


BUILDS = """\
stages:
  slow:
    phase: data
    environment: box
    run: "true"
  near:
    phase: data
    target: near
    run: "true"
"""


@pytest.mark.slow
def test_a_build_of_a_run_is_cancelled_and_made_by_a_retry(
    make: MakeWorld, docker_host: DockerHost
) -> None:
    found = make(docker_host, HEAD.replace('image: "IMAGE"', "image: {build: box}") + BUILDS)
    folder = found.world.root / "box"
    folder.mkdir()
    mark = f"/tmp/{found.name}"
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo begun; : {mark}; sleep 300\n")
    runner = found.begin()
    log = found.world.project.folder / "builds" / "box-1" / "log"
    found.wait("the step", lambda: log.exists() and b"begun" in log.read_bytes().split(b"\n"))
    with closing(found.world.journal()) as journal:
        (build,) = journal.builds()
    found.wait("it to be said", lambda: found.listed()["slow"]["state"] == "building")
    assert building.cancel(found.world.project, build) is not None
    found.end(runner, 1)
    rows = found.listed()
    assert (rows["slow"]["state"], rows["slow"]["failure"]) == ("failed", "build")
    assert "was cancelled by" in rows["slow"]["reason"]
    assert rows["near"]["state"] == "succeeded", "the rest went on"
    with closing(found.world.journal()) as journal:
        (build,) = journal.builds()
    assert build.state is State.CANCELLED

    def is_gone() -> bool:
        return mark not in found.host.run("ps", "--no-trunc", "--format", "{{.Command}}")

    found.wait("the step's container to go", is_gone)
    (folder / "Dockerfile").write_text(f"FROM {BASE}\n")
    assert found.mltui("retry").returncode == 0
    assert found.listed()["slow"]["state"] == "succeeded"
