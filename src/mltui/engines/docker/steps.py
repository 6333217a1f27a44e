"""A build as it is shown: steps with their states, times and lines, the same for every builder.

Pure. Builders write it as JSON Lines (`steps.jsonl` beside the build's log), the screens and
`mltui ls builds` fold those lines into a tree. A line is `{"step": {…}}`, the newest state of one
step, or `{"build": {…}}`, fields of the whole. Times are seconds since the epoch, sizes bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

import msgspec

FILE = "steps.jsonl"
_WRONG = (msgspec.ValidationError, ValueError)
"""A value is of another type, or a name is no text."""


class StepState(StrEnum):
    """Where a step is."""

    PENDING = "pending"
    RUNNING = "running"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BuildStep:
    """One step of a build."""

    id: str
    name: str
    """What it does, in one line: `RUN pip install -r requirements.txt`."""
    state: StepState = StepState.PENDING
    group: str = ""
    """The Dockerfile's stage it belongs to; empty for the builder's own work."""
    file: str = ""
    line: int = 0
    """Its line in `file`, from 1; 0 when it has none."""
    text: str = ""
    """That line as it is written."""
    started_at: float | None = None
    ended_at: float | None = None
    output: str = ""
    """The last line it printed."""
    error: str = ""

    @property
    def duration_s(self) -> float | None:
        """How long it took; None while it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, self.ended_at - self.started_at)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the image that was built."""

    size_bytes: int
    created_by: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a build failed, with its place."""

    message: str
    """The decisive line of output."""
    file: str = ""
    line: int = 0
    excerpt: tuple[str, ...] = ()
    """The lines around it, `>>>` before those meant."""
    requirement_file: str = ""
    requirement_line: int = 0
    """The line of a requirements file that the output names."""


@dataclass(frozen=True, slots=True)
class BuildTree:
    """A build: its steps in the order they were met, and what is known of the whole."""

    steps: tuple[BuildStep, ...] = ()
    builder: str = ""
    """`buildx` or `classic`, or `pull` for an image that is only fetched."""
    note: str = ""
    """What the person should know: features that this builder lacks, a large context."""
    context_bytes: int | None = None
    context_files: int | None = None
    has_ignore: bool | None = None
    started_at: float | None = None
    ended_at: float | None = None
    image: str = ""
    """The image's id once it is built."""
    tag: str = ""
    size_bytes: int | None = None
    layers: tuple[Layer, ...] = ()
    """From the base up, empty ones left out."""
    fault: Fault | None = None
    cancelled: bool = False

    @property
    def groups(self) -> dict[str, tuple[BuildStep, ...]]:
        """The steps by stage of the Dockerfile, in the order they were met; own work under ``."""
        found: dict[str, list[BuildStep]] = {}
        for step in self.steps:
            found.setdefault(step.group, []).append(step)
        return {name: tuple(steps) for name, steps in found.items()}

    @property
    def cached_share(self) -> float | None:
        """How many of the Dockerfile's steps came from the cache, 0 to 1; None without steps."""
        own = [step for step in self.steps if step.line and step.name[:5].upper() != "FROM "]
        ended = [s for s in own if s.state in (StepState.CACHED, StepState.DONE, StepState.FAILED)]
        if not ended:
            return None
        return sum(step.state is StepState.CACHED for step in ended) / len(ended)

    @property
    def current(self) -> BuildStep | None:
        """What is to be looked at: the failed step, else the one that runs and started last."""
        for step in self.steps:
            if step.state is StepState.FAILED:
                return step
        running = [step for step in self.steps if step.state is StepState.RUNNING]
        return max(running, key=lambda step: step.started_at or 0.0, default=None)


def step_line(step: BuildStep) -> str:
    """A step as a line of the file, with its line break; fields that say nothing left out."""
    values = {
        each.name: getattr(step, each.name)
        for each in fields(step)
        if getattr(step, each.name) not in ("", None, 0)
    }
    return json.dumps({"step": values}, ensure_ascii=True) + "\n"


def build_line(**values: Any) -> str:
    """Fields of `BuildTree` as a line of the file, with its line break."""
    return json.dumps({"build": values}, ensure_ascii=True) + "\n"


@dataclass(slots=True)
class Folding:
    """A tree that grows line by line, for a screen that follows the file."""

    tree: BuildTree = field(default_factory=BuildTree)
    _steps: dict[str, BuildStep] = field(default_factory=dict)

    def feed(self, line: str | bytes) -> None:
        """Take one line; what is not whole or not known is left out."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(data, dict):
            return
        if isinstance(step := data.get("step"), dict):
            read = _read_step(step)
            if read is not None:
                self._steps[read.id] = read
                self.tree = replace(self.tree, steps=tuple(self._steps.values()))
        elif isinstance(build := data.get("build"), dict):
            self.tree = _with(self.tree, build)


def fold(lines: Iterable[str | bytes]) -> BuildTree:
    """The tree that the lines of a file make."""
    folding = Folding()
    for line in lines:
        folding.feed(line)
    return folding.tree


def _read_step(values: Mapping[str, Any]) -> BuildStep | None:
    try:
        return msgspec.convert(values, BuildStep)
    except _WRONG:
        return None


_OF_WHOLE = {each.name for each in fields(BuildTree)} - {"steps"}


def _with(tree: BuildTree, values: Mapping[str, Any]) -> BuildTree:
    given = {}
    for name in _OF_WHOLE & values.keys():
        with suppress(*_WRONG):
            given[name] = getattr(msgspec.convert({name: values[name]}, BuildTree), name)
    return replace(tree, **given)
