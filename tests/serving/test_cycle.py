"""The cycle closes on the digits project: served, drifted, retrained, compared, promoted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .place import REPO, World, free_port


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_drift_retrains_and_the_better_model_serves(tmp_path: Path) -> None:
    root = tmp_path / "digits"
    shutil.copytree(REPO / "sample_projects" / "digits", root, ignore=lambda *_: [".mltui"])
    port = free_port()
    text = (root / "mltui.yaml").read_text()
    (root / "mltui.yaml").write_text(text.replace("port: 8080", f"port: {port}"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    world = World(root, port, {**os.environ, "PATH": path})
    try:
        done = subprocess.run(
            ["sh", "cycle.sh"],
            cwd=root,
            env=world.env,
            capture_output=True,
            text=True,
            timeout=1600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        shares = [float(share) for share in re.findall(r"([\d.]+)% answered right", done.stdout)]
        plain, shifted, plain_after, shifted_after = shares
        assert plain > 90
        assert plain_after > 90
        assert shifted < 40 < shifted_after, "retraining has not helped"

        runs = world.ls("runs")
        assert [run["run"] for run in runs] == [2, 1]
        assert re.fullmatch(r"monitor drift: psi [\d.]+, needs < 0.2", runs[0]["trigger"])
        drifted, before = world.ls("measurements")
        assert (before["verdict"], before["rows"], before["run"]) == ("passed", 300, None)
        assert (drifted["verdict"], drifted["rows"], drifted["run"]) == ("not-passed", 600, 2)
        new, old = (
            float(x) for x in re.findall(r"accuracy ([\d.]+) > ([\d.]+)", drifted["outcome"])[0]
        )
        assert new == pytest.approx(runs[0]["metrics"]["evaluate.accuracy"], abs=1e-3)
        assert new > old
        second, first = world.ls("versions")
        assert (second["run"], second["by"], second["state"]) == (2, "mltui", "serving")
        assert first["state"] == "replaced"
        assert second["inputs"] != first["inputs"]
        # Once a day at most, also when it is asked again.
        said = world.cli("measure", "drift", code=4)
        assert "no run: 1 per 24h at most" in said or "no run: 1 per 1d at most" in said
    finally:
        world.stop()
