"""Builds by the daemon's classic builder: for hosts without `docker buildx`.

Called by `environments`. Its events are read into the same steps as BuildKit's. It has no
`RUN --mount`, no heredocs and no parallel stages, which is said. Source: Docker Engine API, "Build
an image".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mltui.engines.docker import archive
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.context import BuildContext, tar_context
from mltui.engines.docker.hosts import proxy_variables
from mltui.engines.docker.recorder import Recorder
from mltui.engines.docker.steps import BuildStep, StepState

NOTE = "classic builder: no RUN --mount, no heredocs, stages one after another (no docker buildx)"
_EXTRA = ".mltui.Dockerfile"
_BUILT = re.compile(r"Successfully built [0-9a-f]{12}\n")
_STEP = re.compile(r"Step (?P<index>\d+)/(?P<total>\d+) : (?P<text>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built, for either builder."""

    context: BuildContext
    dockerfile: Path
    tag: str
    labels: Mapping[str, str]
    args: Mapping[str, str]
    target: str | None = None
    no_cache: bool = False
    quiet_args: Mapping[str, str] = field(default_factory=dict)
    """Arguments that no process list should show."""


class BrokenBuild(Exception):
    """The builder said no. `line`: of the Dockerfile, when the builder names it."""

    def __init__(self, message: str, line: int = 0) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


class ClassicReader:
    """Events of the classic builder in, steps out."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._current: BuildStep | None = None
        self._index = self._total = 0
        self.image = ""

    def feed(self, event: Mapping[str, Any]) -> None:
        """Take one event. BrokenBuild when it says that the build failed."""
        if "error" in event:
            message = str(event["error"]).strip()
            self._end(StepState.FAILED, message)
            raise BrokenBuild(message)
        if isinstance(aux := event.get("aux"), dict):
            self.image = str(aux.get("ID") or self.image)
        elif "stream" in event:
            self._stream(str(event["stream"]))
        elif "status" in event and self._current is not None:
            layer = f"{event['id']}: " if event.get("id") else ""
            if not event.get("progressDetail"):
                self._recorder.output(self._current.id, f"{layer}{event['status']}\n".encode())

    def _stream(self, text: str) -> None:
        match = _STEP.fullmatch(text.rstrip("\n"))
        # A program may print the same words: steps come one after another.
        if match is not None and int(match["index"]) == self._index + 1:
            self._end(StepState.DONE)
            self._total = int(match["total"])
            self._begin(int(match["index"]), match["text"].strip())
            self._recorder.text(text.encode("utf-8"))
            return
        current = self._current
        if current is None or text.startswith((" ---> ", "Removing intermediate container ")):
            if text.strip() == "---> Using cache":
                self._end(StepState.CACHED)
            self._recorder.text(text.encode("utf-8"))
            return
        if self._index == self._total and _BUILT.match(text):
            self._end(StepState.DONE)
            self._recorder.text(text.encode("utf-8"))
            return
        self._recorder.output(current.id, text.encode("utf-8"))

    def _begin(self, index: int, text: str) -> None:
        self._index = index
        instruction = self._recorder.dockerfile.at_step(index)
        stages = self._recorder.dockerfile.stages
        group = ""
        if instruction is not None and instruction.stage >= 0:
            group = stages[instruction.stage].name
        step = BuildStep(str(index), text[:500], StepState.RUNNING, group, started_at=time.time())
        self._current = self._recorder.placed(step, instruction)
        self._recorder.step(self._current)

    def _end(self, state: StepState, error: str = "") -> None:
        if self._current is None:
            return
        latest = self._recorder.steps[self._current.id]
        if latest.state is StepState.RUNNING:
            self._recorder.step(replace(latest, state=state, ended_at=time.time(), error=error))
        if state is not StepState.CACHED:
            self._current = None

    def finish(self) -> None:
        """The stream ended well."""
        self._end(StepState.DONE)


async def build(client: Client, order: Order, recorder: Recorder, pool: Executor) -> None:
    """Build and tag it. BrokenBuild, DockerError, Unreachable; cancelling it ends the build."""
    try:
        name = order.dockerfile.resolve().relative_to(order.context.root.resolve()).as_posix()
    except ValueError:
        name = _EXTRA
    query = {
        "t": order.tag,
        "dockerfile": name,
        "buildargs": {
            **proxy_variables(client.environ, client.host),
            **order.args,
            **order.quiet_args,
        },
        "labels": dict(order.labels),
        "target": order.target or None,
        "rm": "1",
        "forcerm": "1",
        "nocache": "1" if order.no_cache else None,
    }
    reader = ClassicReader(recorder)
    body = archive.pieces(tar_context(order.context, order.dockerfile, _EXTRA), pool)
    headers = {"Content-Type": "application/x-tar"}
    try:
        async with client.stream("POST", "/build", query, body, headers=headers) as response:
            rest = b""
            async for data in response.chunks():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if line.strip():
                        reader.feed(json.loads(line))
    except DockerError as error:
        raise read_refusal(error.message) from error
    reader.finish()


def read_refusal(message: str) -> BrokenBuild:
    """What either builder says when it refuses a Dockerfile as a whole, with the line it names."""
    found = re.search(r"[Dd]ockerfile parse error (?:on )?line (\d+): (.*)", message, re.DOTALL)
    return BrokenBuild(found[2].strip(), int(found[1])) if found else BrokenBuild(message)
