"""Projects that run in a real cluster, through the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from .relay import Relay

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
docker_host = import_module("testbed.docker").docker_host


@pytest.fixture(scope="session")
def place(cluster: Cluster, docker_host: object) -> Iterator[str]:
    """A namespace for the session: its store is made once."""
    with _testbed.made_namespace(cluster) as name:
        yield name


@dataclass
class Work:
    """A project on targets `local` and `dev`."""

    root: Path
    environ: dict[str, str]
    cluster: Cluster
    namespace: str

    def mltui(self, *argv: str, codes: tuple[int, ...] = (0,), timeout_s: float = 400) -> str:
        """The output of a command."""
        done = subprocess.run(
            [sys.executable, "-m", "mltui", *argv],
            cwd=self.root, env=self.environ, capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip
        assert done.returncode in codes, (argv, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def stages(self, run: str = "1") -> dict[str, dict[str, Any]]:
        """Rows by stage."""
        found = json.loads(self.mltui("ls", "stages", "--run", run, "-o", "json"))
        return {row["stage"]: row for row in found}

    def until(self, holds: Callable[[], object], limit_s: float = 240) -> None:
        """Wait for what the outside world does; fails after `limit_s`."""
        deadline = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < deadline, f"it did not happen in time: {self.stages()}"
            time.sleep(0.1)

    def stage_when(self, name: str, **fields: str) -> dict[str, Any]:
        """A stage's row once each of these fields has this text in it, all at one moment."""
        found: dict[str, Any] = {}

        def is_so() -> bool:
            found.update(self.stages().get(name, {}))
            return all(text in str(found.get(field)) for field, text in fields.items())

        self.until(is_so)
        return found

    def log(self, stage: str) -> str:
        """What a stage printed."""
        found = list((self.root / ".mltui" / "runs").glob(f"*/{stage}*/log"))
        return "".join(each.read_text() for each in found)

    def kill_runner(self) -> None:
        """As `kill -9`."""
        os.kill(_runner(self.root), signal.SIGKILL)

    def jobs(self) -> str:
        """Jobs of the namespace."""
        return self.cluster.kubectl("get", "jobs", "-n", self.namespace, "-o", "name")


def _runner(root: Path) -> int:
    from mltui.runs.lock import runner_status
    from mltui.runs.project import Project

    status = runner_status(Project(root))
    assert status.pid is not None
    return status.pid


Make = Callable[..., Work]


@pytest.fixture
def make(cluster: Cluster, place: str, tmp_path: Path) -> Iterator[Make]:
    """`make(text)`: a project whose text may say `TARGETS` and `IMAGE`."""
    made: list[Work] = []

    def build(stages: str, **environ: str) -> Work:
        root = tmp_path / "project"
        root.mkdir()
        targets = (
            "targets:\n  local: {engine: process}\n"
            f"  dev: {{engine: kubernetes, namespace: {place}, "
            f"registry: '{cluster.need_registry()}'}}\n"
            "environments:\n  base: {image: 'debian:bookworm-slim'}\n"
        )
        (root / "mltui.yaml").write_text(f"mltui: 1\nname: there\ncode: []\n{targets}{stages}")
        env = {**cluster.environ, "XDG_STATE_HOME": str(tmp_path / "state"), **environ}
        made.append(Work(root, env, cluster, place))
        return made[-1]

    yield build
    for each in made:
        each.mltui("cancel", codes=(0, 1, 2, 3))


@pytest.fixture
def relay(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Relay, str]]:
    """A relay before the API server, and a kubeconfig that goes through it."""
    config = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    if server.hostname not in ("127.0.0.1", "localhost"):
        pytest.skip("the API server is not on this machine")
    made = Relay(server.port or 443)
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{made.port}"
    file = tmp_path / "relayed.conf"
    file.write_text(json.dumps(config))
    yield made, str(file)
    made.close()
