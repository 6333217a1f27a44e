"""A project whose stages run on a real Docker: what is done to it, and what must be left of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.pipeline.model import Instance, State
from mltui.pipeline.rows import attempt_slug

from .harness import World, check_consistent, wait_for

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

LIMIT_S = 240
HEAD = """\
mltui: 1
name: PROJECT
code: []
targets: {local: {engine: docker}, near: {engine: process}}
environments:
  box: {image: "IMAGE"}
"""
WAITS = (
    HEAD
    + """\
stages:
  make:
    phase: data
    environment: box
    outputs: {x: x.txt}
    run: echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done; echo made > ${outputs.x}
  use:
    phase: data
    environment: box
    inputs: {x: make.x}
    outputs: {y: y.txt}
    run: cat ${inputs.x} > ${outputs.y}
"""
)
FILLS = """\
stages:
  fill:
    phase: data
    environment: box
    run: "true"
  beside:
    phase: data
    target: near
    run: "true"
"""


class DockerWorld:
    """A project whose stages run on a daemon; what is left of it there is removed."""

    def __init__(self, folder: Path, host: DockerHost, spec: str, image: str) -> None:
        self.name = f"runs-{host.label}-{folder.name[-12:].strip('-_').replace('_', '-')}".lower()
        self.host = host
        self.world = World.make(folder, spec.replace("PROJECT", self.name).replace("IMAGE", image))
        self.world.env = {**host.environ, "LANG": "C.UTF-8"}

    def begin(self, **env: str) -> subprocess.Popen[bytes]:
        """Queue a run and start a runner for it."""
        self.world.queue()
        return self.world.start(**env)

    def mltui(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """The command line on it."""
        command = [sys.executable, "-P", "-m", "mltui", "-C", str(self.world.root), *argv]
        return subprocess.run(
            command, env=self.world.env, capture_output=True, text=True, timeout=LIMIT_S
        )

    def listed(self) -> dict[str, dict[str, Any]]:
        """What `mltui ls stages -o json` says, by stage."""
        found = json.loads(self.mltui("ls", "stages", "-o", "json").stdout)
        return {row["stage"]: row for row in found}

    def log(self, stage: str, attempt: int = 1) -> bytes:
        file = self.world.project.run_folder(1) / attempt_slug(Instance(stage), attempt) / "log"
        return file.read_bytes() if file.exists() else b""

    def runs(self, stage: str, attempt: int = 1) -> str:
        """Wait until a stage's command runs; its container."""

        def is_running() -> object:
            assert not self.world.row().state.is_final, self.world.row().reason
            return self.log(stage, attempt) == b"one\n" and self.world.rows()[stage].object

        self.wait(f"{stage} to run", is_running)
        return self.world.rows()[stage].object or ""

    def go(self, container: str) -> None:
        """Let a waiting command go on."""
        self.host.run("exec", container, "sh", "-c", ": > /tmp/go")

    def wait(self, what: str, is_so: Callable[[], object]) -> None:
        wait_for(f"{what}\n{self.world.log()}", LIMIT_S, is_so)

    def end(self, runner: subprocess.Popen[bytes], code: int = 0) -> None:
        """Wait for a runner to go; the run has ended with `code`."""
        assert runner.wait(LIMIT_S) == 0, self.world.log()
        assert self.world.row().exit_code == code, self.world.log()

    def containers(self) -> list[str]:
        return self.host.run(
            "ps", "-aq", "--no-trunc", "--filter", f"label=mltui.project={self.name}"
        ).split()


def check_done(found: DockerWorld) -> None:
    """It ended well, each attempt was the first, and nothing is left of it on the daemon."""
    world = found.world
    assert (world.row().state, world.row().exit_code) == (State.SUCCEEDED, 0), world.log()
    assert {row.attempt for row in world.rows().values()} == {1}
    artifact = world.rows()["use"].outputs["y"]
    assert world.project.store().read_bytes(artifact.digest) == b"made\n"
    check_consistent(world)
    found.wait("its containers to go", lambda: not found.containers())
