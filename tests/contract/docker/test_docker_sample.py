"""`sample_projects/image-translator` from nothing on a real Docker, with a part of its pages.

Its images are built from Debian's packages and PyPI, so it takes minutes.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost


SAMPLE = Path(__file__).parents[3] / "sample_projects" / "image-translator"
DOCUMENTS = ("cat-letter", "fra-letter", "spa-letter", "spa-sign")
PAIRS = ["cat-eng", "fra-spa", "spa-eng"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@dataclass
class Sample:
    """A copy of the project, and the command line on it."""

    root: Path
    env: dict[str, str]

    def mltui(self, *argv: str) -> str:
        command = [sys.executable, "-P", "-m", "mltui", "-C", str(self.root), *argv]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=1200)
        assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def rows(self) -> list[dict[str, Any]]:
        found = json.loads(self.mltui("ls", "stages", "-o", "json"))
        assert isinstance(found, list)
        return found

    def of(self, stage: str) -> list[dict[str, Any]]:
        return [row for row in self.rows() if row["stage"] == stage]


@pytest.fixture
def sample(tmp_path: Path, docker_host: DockerHost) -> Iterator[Sample]:
    """The project with fewer pages; its images are removed."""
    root = tmp_path / f"translator-{docker_host.label}"
    shutil.copytree(SAMPLE, root, ignore=shutil.ignore_patterns(".mltui", "__pycache__"))
    for page in (root / "documents").iterdir():
        if page.stem not in DOCUMENTS:
            page.unlink()
    made = Sample(root, {**docker_host.environ, "LANG": "C.UTF-8"})
    yield made
    if (root / ".mltui" / "serving.db").exists():
        made.mltui("stop", "--all", "--yes")
    found = docker_host.run("images", "-q", f"mltui/{root.name}-*").split()
    if found:
        docker_host.run("rmi", "-f", *found, check=False)


def test_from_scans_to_a_page_of_translations(sample: Sample, docker_host: DockerHost) -> None:
    told = sample.mltui("run")
    assert "Traceback" not in told and "succeeded in" in told

    read = sample.of("read")
    assert [row["gate"] for row in read] == ["not-passed"] * (len(read) - 1) + ["passed"]
    confidence = [row["metrics"]["confidence"] for row in read]
    assert len(confidence) >= 2 and confidence == sorted(confidence), "each scanner is better"
    assert confidence[0] < 60 and confidence[-1] >= 85
    assert sample.of("detect")[0]["metrics"]["accuracy"] == 1

    last = max(row["round"] for row in sample.of("translate"))
    items = [row for row in sample.of("translate") if row["item"] and row["round"] == last]
    assert sorted(row["item"] for row in items) == PAIRS
    images = {row["image"] for row in items}
    assert len(images) == len(PAIRS), "each pair has an image of its own"
    layers = [
        docker_host.run("image", "inspect", "-f", "{{json .RootFS.Layers}}", image)
        for image in images
    ]
    shared = set.intersection(*(set(json.loads(each)) for each in layers))
    base = docker_host.run(
        "image", "inspect", "-f", "{{json .RootFS.Layers}}", "debian:bookworm-slim"
    )
    assert len(shared) > len(json.loads(base)), "and they share what Apertium itself needs"

    explained = json.loads(sample.mltui("explain", "read", "-o", "json"))
    assert explained["container"]["image_size"] > 1e8 and explained["container"]["start_time"] > 0

    page = sample.root / "page.html"
    sample.mltui("get", "page.html", "-o", str(page))
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in DOCUMENTS) and "data:image/png;base64," in text
    report = sample.root / "report.json"
    sample.mltui("get", "page.report", "-o", str(report))
    assert "hotel" in report.read_text(encoding="utf-8"), "the letter from Catalan in English"

    again = sample.mltui("run")
    assert "results from the cache" in again

    # The same chain as services: one page goes through, and a pair is scaled for itself.
    for service in ("reader", "languages", "spa-eng"):
        port = str(_free_port())
        sample.mltui("deploy", service, "--port", port, "--replicas", "1", "--yes")
    sample.mltui("scale", "spa-eng", "2")
    found = json.loads(sample.mltui("ls", "services", "-o", "json"))
    ready = {one["service"]: one["ready"] for one in found}
    assert ready == {"reader": 1, "languages": 1, "spa-eng": 2}
    sample.mltui("get", "acquire.scans", "-o", str(sample.root / "scans"))
    bin_folder = str(Path(sys.executable).parent)
    env = {**sample.env, "PATH": f"{bin_folder}:{sample.env['PATH']}"}
    asked = subprocess.run(
        ["./ask.sh", "scans/spa-sign.png"], cwd=sample.root, env=env, capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    assert "spa-sign.png: spa, confidence 9" in asked.stdout
    assert "the" in asked.stdout.lower().split(), "in English"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
