"""Fixtures for tests that need a real Kubernetes; it comes from `cluster.sh` beside this.

A kubeconfig in `MLTUI_TEST_KUBECONFIG` comes first (`MLTUI_TEST_REGISTRY`: a registry that both
this machine and its nodes reach). Else, with `kubernetes` in `MLTUI_REQUIRE` (CI), what is missing
is started, and a test fails without it; otherwise the test is skipped and says the command that
would enable it. The cluster stays: the next session finds it, and `cluster.sh down` ends it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .docker import is_required

SCRIPT = Path(__file__).with_name("cluster.sh")


@dataclass
class Cluster:
    """A cluster for tests. `environ` makes `kubectl` and mltui find it."""

    environ: dict[str, str]
    kubeconfig: Path
    registry: str = ""
    """`host:port` of a registry that the nodes pull from; empty where there is none."""
    viewer: Path | None = None
    """Kubeconfig of the user `viewer`, who has no rights but what a test binds."""

    def kubectl(self, *argv: str, check: bool = True, stdin: str | None = None) -> str:
        """The output of a `kubectl` command."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", str(self.kubeconfig), *argv],
            env=self.environ,
            input=stdin,
            text=True,
            capture_output=True,
            timeout=300,
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(argv)}: {done.stderr}")
        return done.stdout.strip()

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Create or change objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(listed))

    def get(self, *argv: str) -> Any:
        """What `kubectl get` says of something, as it is."""
        return json.loads(self.kubectl("get", *argv, "-o", "json"))

    def shell_image(self) -> str:
        """An image with a shell and Python that its nodes get from the registry."""
        name = f"{self.need_registry()}/mltui-test/shell:1"
        for argv in (("tag", "debian:bookworm-slim", name), ("push", "-q", name)):
            done = subprocess.run(["docker", *argv], env=self.environ, capture_output=True)
            if done.returncode:
                raise AssertionError(done.stderr.decode())
        return name

    def need_registry(self) -> str:
        """The registry, for tests that can't do without one."""
        if not self.registry:
            pytest.skip("no registry: set MLTUI_TEST_REGISTRY to one that the nodes reach")
        return self.registry


def _environ(kubeconfig: str) -> dict[str, str]:
    """The environment without the person's settings, with where the cluster is."""
    left_out = ("DOCKER_", "MLTUI_", "BUILDX", "KUBE")
    env = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    if "DOCKER_HOST" in os.environ:
        env["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    env["no_proxy"] = env["NO_PROXY"] = "localhost,127.0.0.1"
    return {**env, "KUBECONFIG": kubeconfig}


def _script(command: str, timeout_s: float = 2400) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, command], text=True, capture_output=True, timeout=timeout_s)


def need(command: str, why: str) -> None:
    """Skip the test, or have `cluster.sh` make what it needs where that is required."""
    if not is_required("kubernetes"):
        pytest.skip(
            f"{why}: `tests/testbed/cluster.sh {command}` makes one (root, Debian, Go), "
            "or set MLTUI_TEST_KUBECONFIG"
        )
    done = _script(command)
    if done.returncode:
        pytest.fail(f"{why}, and cluster.sh {command} failed: {done.stderr[-2000:]}")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A cluster whose node is ready."""
    if given := os.environ.get("MLTUI_TEST_KUBECONFIG"):
        path = Path(given).expanduser().resolve()
        registry = os.environ.get("MLTUI_TEST_REGISTRY", "")
        found = Cluster(_environ(str(path)), path, registry)
        found.kubectl("version", "--request-timeout=20s")
        return found
    if shutil.which("kubectl") is None or _script("status", 60).returncode:
        need("up", "no test cluster runs here")
    lines = _script("env", 20).stdout.splitlines()
    said = dict(line.split("=", 1) for line in lines)
    path = Path(said["KUBECONFIG"])
    return Cluster(_environ(str(path)), path, said["REGISTRY"], Path(said["VIEWER"]))


@contextmanager
def made_namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace; what is in it goes with it."""
    name = f"mltui-test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of this test's own."""
    with made_namespace(cluster) as name:
        yield name
