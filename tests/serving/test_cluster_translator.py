"""`sample_projects/image-translator` in a cluster: its images as Jobs, then as services."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .place import REPO, World, until

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
namespace = _testbed.namespace
docker_host = import_module("testbed.docker").docker_host


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_chain_in_a_cluster(
    cluster: Cluster, docker_host: object, namespace: str, tmp_path: Path
) -> None:
    root = tmp_path / "translator"
    shutil.copytree(
        REPO / "sample_projects" / "image-translator",
        root,
        ignore=shutil.ignore_patterns(".mltui", "__pycache__"),
    )
    for page in (root / "documents").iterdir():
        if page.stem != "spa-sign":
            page.unlink()
    spec = root / "mltui.yaml"
    # The node is shared with other tests, and may be slow.
    text = re.sub(r"cpu: \d", "cpu: 0.1", re.sub(r"timeout: \dm", "timeout: 15m", spec.read_text()))
    where = f"namespace: {namespace}, registry: '{cluster.need_registry()}'"
    spec.write_text(f"{text}  dev: {{engine: kubernetes, {where}}}\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**cluster.environ, "PATH": path, "XDG_STATE_HOME": str(tmp_path / "state")}
    world = World(root, 0, env, limit_s=1200)
    try:
        world.cli("run", "--target", "dev")
        stages = world.ls("stages")
        gates = {one["round"]: one["gate"] for one in stages if one["stage"] == "read"}
        assert gates[max(gates)] == "passed"
        assert {one["item"] for one in stages if one["stage"] == "translate"} >= {"spa-eng"}

        for service in ("reader", "languages", "spa-eng"):
            world.cli("deploy", service, "--target", "dev", "--replicas", "1")
        world.cli("scale", "spa-eng", "2")
        wanted = {"reader": 1, "languages": 1, "spa-eng": 2}

        def ready() -> bool:
            return {one["service"]: one["ready"] for one in world.ls("services")} == wanted

        until(ready, "that all are ready")
        world.cli("get", "acquire.scans", "-o", "scans")
        asked = subprocess.run(
            ["./ask.sh", "scans/spa-sign.png"],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert "spa-sign.png: spa, confidence 9" in asked.stdout
        assert "the" in asked.stdout.lower().split(), "in English"
    finally:
        world.stop()
