"""Builds as Docker's engine writes them: the same records, with the clock of these tests."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mltui.engines.docker.dockerfile import parse
from mltui.engines.docker.steps import BuildStep, Fault, StepState, build_line, step_line
from mltui.pipeline.model import State
from mltui.runs.rows import BuildRow

from .seed import NOON, Behaviour, Seed

OLD = (NOON - 100_000, NOON - 100_000)
"""When the Dockerfile was written."""
FILE = "images/prep/Dockerfile"
DOCKERFILE = """\
FROM debian:bookworm-slim
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y --no-install-recommends \\
    tesseract-ocr tesseract-ocr-deu python3-pip

WORKDIR /opt/prep
COPY requirements.txt .

RUN pip install -r requirements.txt
COPY prep.py .
CMD ["python3", "prep.py"]
"""
REQUIREMENTS = "pillow==11.0.0\nnumpy==1.99\n"
PROJECT = """\
mltui: 1
name: translator
environments:
  prep: {image: {build: images/prep}}
targets:
  local: {engine: docker}
stages:
  scan:
    phase: data
    run: cp scan.png ${outputs.scan}
    outputs: {scan: scan.png}
  prep:
    phase: data
    environment: prep
    inputs: {scan: scan.scan}
    run: python3 prep.py ${inputs.scan} ${outputs.page}
    outputs: {page: page.png}
  ocr:
    phase: inference
    inputs: {page: prep.page}
    run: tesseract ${inputs.page} ${outputs.text}
    outputs: {text: text.txt}
"""
LOG = """\
Collecting pillow==11.0.0
  Downloading pillow-11.0.0-cp311-cp311-manylinux_2_28_x86_64.whl (4.4 MB)
ERROR: Could not find a version that satisfies the requirement numpy==1.99 (from versions: 1.26.4)
ERROR: No matching distribution found for numpy==1.99
"""
REASON = f"{FILE}:9: No matching distribution found for numpy==1.99"


class Making:
    """Writes one build step by step."""

    def __init__(self, folder: Path, id_: str, began: float) -> None:
        self.folder = folder / id_
        self.folder.mkdir(parents=True)
        self.id, self.began, self.clock = id_, began, began
        self.dockerfile = parse(DOCKERFILE)
        self.log("")
        self.say(started_at=began, builder="classic", context_bytes=4_100_000, has_ignore=False)

    def log(self, text: str) -> None:
        with (self.folder / "log").open("a", encoding="utf-8") as file:
            file.write(text)

    def _write(self, line: str) -> None:
        with (self.folder / "steps.jsonl").open("a", encoding="ascii") as file:
            file.write(line)

    def say(self, **values: Any) -> None:
        self._write(build_line(**values))

    def step(self, number: int, state: StepState, seconds: float = 0.0, **values: Any) -> BuildStep:
        """The Dockerfile's instruction of this number, begun, and over unless it is running."""
        found = self.dockerfile.instructions[number - 1]
        step = BuildStep(
            str(number),
            f"{found.keyword} {found.text}",
            StepState.RUNNING,
            "stage-0",
            FILE,
            found.line,
            self.dockerfile.line(found.line).strip(),
            started_at=self.clock,
            **values,
        )
        self._write(step_line(step))
        self.clock += seconds
        if state is not StepState.RUNNING:
            step = replace(step, state=state, ended_at=self.clock)
            self._write(step_line(step))
        return step

    def row(self, state: State, reason: str = "") -> BuildRow:
        ended = None if state is State.BUILDING else self.clock
        log = f"builds/{self.id}/log"
        return BuildRow(
            self.id, "prep", "docker", "k" * 64, state, self.began, ended, log, reason, 1
        )


def good(folder: Path, began: float, id_: str = "prep-1") -> BuildRow:
    """All steps ran, apt for half a minute."""
    made = Making(folder, id_, began)
    for number, seconds in enumerate((2.0, 0.1, 31.0, 0.1, 0.1, 44.0, 0.1, 0.1), 1):
        made.step(number, StepState.DONE, seconds)
    made.say(ended_at=made.clock, image="sha256:" + "a" * 64, size_bytes=412_000_000)
    return made.row(State.SUCCEEDED)


def failing(folder: Path, began: float, id_: str = "prep-2") -> BuildRow:
    """pip does not find a version; what comes before is cached."""
    made = _half(folder, began, id_)
    made.log(LOG + "# failed at the end\n")
    made.step(6, StepState.FAILED, 58.0, error="exit code 1", output="ERROR: No matching")
    excerpt = tuple(made.dockerfile.excerpt(9, 9))
    fault = Fault(
        "No matching distribution found for numpy==1.99",
        FILE,
        9,
        excerpt,
        "images/prep/requirements.txt",
        2,
    )
    made.say(ended_at=made.clock, fault=asdict(fault))
    return made.row(State.FAILED, REASON)


def building(folder: Path, began: float, id_: str = "prep-2") -> BuildRow:
    """pip is at work."""
    made = _half(folder, began, id_)
    made.log("Collecting pillow==11.0.0\n")
    made.step(6, StepState.RUNNING, output="Collecting pillow==11.0.0")
    return made.row(State.BUILDING)


def _half(folder: Path, began: float, id_: str) -> Making:
    made = Making(folder, id_, began)
    for number in (1, 2, 3, 4):
        made.step(number, StepState.CACHED)
    made.step(5, StepState.DONE, 0.1)
    return made


def translator(root: Path) -> Seed:
    """A project whose environment is built from a Dockerfile, with one good build."""
    seed = Seed.project_of(root, PROJECT)
    images = root / "images" / "prep"
    images.mkdir(parents=True)
    (images / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    os.utime(images / "Dockerfile", OLD)
    (images / "requirements.txt").write_text(REQUIREMENTS, encoding="utf-8")
    (images / "prep.py").write_text("", encoding="utf-8")
    seed.project.prepare()
    journal = seed.project.journal(write=True)
    row = good(seed.project.folder / "builds", NOON - 90_000)
    journal.append(0, [], builds=[row])
    journal.close()
    return seed


def fails_in_build(instance: Any, attempt: int) -> Behaviour:
    """What the stages do when prep can't be built."""
    return Behaviour(build=failing) if instance.stage == "prep" else Behaviour()


def is_building(instance: Any, attempt: int) -> Behaviour:
    """What they do while it is built."""
    return Behaviour(build=building) if instance.stage == "prep" else Behaviour()
