"""Builds by BuildKit through `docker buildx build --progress=rawjson`.

Called by `environments` when the plugin is there. Its standard error is a stream of BuildKit's
`SolveStatus` objects, usually one a line, then plain text (docker/buildx docs, "build"; shapes from
recorded builds, see tests). The API alone can't do it: BuildKit wants a session of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mltui.engines.docker.classic import Order, read_refusal
from mltui.engines.docker.client import Client
from mltui.engines.docker.recorder import Recorder
from mltui.engines.docker.restarts import read_time
from mltui.engines.docker.steps import BuildStep, StepState

_OLDEST = (0, 13)
"""The first buildx with `rawjson`."""
_READ_BYTES = 1 << 16
_WORDS = re.compile(
    r"^(failed to build: |failed to solve: |rpc error: code = \w+ desc = "
    r"|failed to solve with frontend [\w.]+: |failed to create LLB definition: )*"
)
_END_S = 5.0
_MAX_TEXT_CHARS = 20_000


class Stream:
    """Cuts standard error into JSON objects and lines of text, however it comes in."""

    def __init__(self) -> None:
        self._rest = b""
        self._object = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any] | str]:
        """Objects and text lines that are whole now. An object may span lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._line(line)

    def finish(self) -> Iterator[dict[str, Any] | str]:
        """What is left at the end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._line(rest)
        if self._object:
            yield self._object.decode("utf-8", "replace")

    def _line(self, line: bytes) -> Iterator[dict[str, Any] | str]:
        if not self._object and not line.startswith(b"{"):
            yield line.decode("utf-8", "replace").rstrip("\r")
            return
        self._object += line + b"\n"
        try:
            found = json.loads(self._object)
        except ValueError:
            if len(self._object) < _MAX_TEXT_CHARS and not line.startswith(b"ERROR:"):
                return
            found = self._object.decode("utf-8", "replace").rstrip()
        self._object = b""
        if isinstance(found, dict | str):
            yield found


class BuildxReader:
    """BuildKit's status objects in, steps out."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._numbers: dict[str, int] = {}
        self.text: list[str] = []
        """What buildx said beside the objects, its error among it."""

    def feed(self, found: dict[str, Any] | str) -> None:
        """Take one object or line."""
        if isinstance(found, str):
            if found.strip():
                self.text.append(found)
                self._recorder.text(f"{found}\n".encode())
            return
        for vertex in found.get("vertexes") or ():
            self._vertex(vertex)
        for status in found.get("statuses") or ():
            self._status(status)
        for log in found.get("logs") or ():
            with suppress(ValueError):
                self._recorder.output(str(log["vertex"]), base64.b64decode(log.get("data") or ""))

    def _vertex(self, vertex: Mapping[str, Any]) -> None:
        digest, name = str(vertex["digest"]), str(vertex.get("name", ""))
        known = self._recorder.steps.get(digest)
        if known is None:
            group, instruction = self._recorder.dockerfile.at_vertex(name)
            plain = name.partition("] ")[2] if group else name
            known = self._recorder.placed(
                BuildStep(digest, " ".join(plain.split())[:500], group=group), instruction
            )
        step = replace(
            known,
            started_at=read_time(vertex.get("started")) or known.started_at,
            ended_at=read_time(vertex.get("completed")) or known.ended_at,
        )
        error = str(vertex.get("error") or "")
        if "context canceled" in error:
            step = replace(step, state=StepState.PENDING, error="ended because another step failed")
        elif error:
            step = replace(step, state=StepState.FAILED, error=error)
        elif vertex.get("cached"):
            step = replace(step, state=StepState.CACHED)
        elif vertex.get("completed"):
            step = replace(step, state=StepState.DONE)
        elif vertex.get("started") and known.state is StepState.PENDING:
            step = replace(step, state=StepState.RUNNING)
        if step.state is not known.state:
            self._say(digest, name, step)
        self._recorder.step(step)

    def _say(self, digest: str, name: str, step: BuildStep) -> None:
        """A line in the plain log, as BuildKit's own plain progress writes them."""
        number = self._numbers.setdefault(digest, len(self._numbers) + 1)
        words = {StepState.CACHED: "CACHED", StepState.FAILED: f"ERROR: {step.error}"}
        text = words.get(step.state, name)
        if step.state is StepState.DONE:
            text = f"DONE {step.duration_s or 0.0:.1f}s"
        elif step.state is StepState.CACHED:
            text = f"CACHED {name}"
        self._recorder.text(f"#{number} {text}\n".encode())

    def _status(self, status: Mapping[str, Any]) -> None:
        step = self._recorder.steps.get(str(status.get("vertex")))
        if step is None or step.state is not StepState.RUNNING:
            return
        current, total = int(status.get("current") or 0), int(status.get("total") or 0)
        much = f" {current / 1e6:.1f} MB" if current else ""
        if total:
            much = f" {current / 1e6:.1f} of {total / 1e6:.1f} MB"
        words = str(status.get("id", ""))
        words = f"{words[:19]}…" if words.startswith("sha256:") else words
        self._recorder.steps[step.id] = replace(step, output=f"{words}{much}"[:300])


async def is_available(environ: Mapping[str, str]) -> bool:
    """Whether `docker buildx` is there and knows `rawjson`."""
    program = shutil.which("docker", path=environ.get("PATH"))
    if program is None:
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "buildx",
            "version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return False
    out, _ = await process.communicate()
    found = re.search(rb" v(\d+)\.(\d+)\.\d+(\+unknown)?", out)
    if process.returncode != 0 or found is None:
        return False
    return found[3] is not None or (int(found[1]), int(found[2])) >= _OLDEST


async def build(client: Client, order: Order, recorder: Recorder) -> None:
    """Build, load and tag it. BrokenBuild, Unreachable; cancelling it ends the build."""
    hidden = ("DOCKER_CONTEXT", "DOCKER_HOST", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "BUILDX_BUILDER")
    env = {name: value for name, value in client.environ.items() if name not in hidden}
    env |= await client.endpoint()
    env |= order.quiet_args
    reader = BuildxReader(recorder)
    process = await asyncio.create_subprocess_exec(
        *_command(order, env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=env,
        start_new_session=True,
    )
    assert process.stderr is not None
    stream = Stream()
    try:
        while data := await process.stderr.read(_READ_BYTES):
            for found in stream.feed(data):
                reader.feed(found)
        for found in stream.finish():
            reader.feed(found)
        code = await process.wait()
    finally:
        await _end(process)
    if code:
        message = _error(reader.text) or f"docker buildx ended with exit code {code}"
        raise read_refusal(message)


def _command(order: Order, env: Mapping[str, str]) -> list[str]:
    program = shutil.which("docker", path=env.get("PATH")) or "docker"
    argv = [program, "buildx", "build", "--builder", "default", "--progress=rawjson", "--load"]
    argv += ["--tag", order.tag, "--file", os.fspath(order.dockerfile)]
    for name, value in order.labels.items():
        argv += ["--label", f"{name}={value}"]
    for name, value in order.args.items():
        argv += ["--build-arg", f"{name}={value}"]
    for name in order.quiet_args:
        argv += ["--build-arg", name]
    if order.target:
        argv += ["--target", order.target]
    if order.no_cache:
        argv.append("--no-cache")
    return [*argv, os.fspath(order.context.root)]


def _error(lines: list[str]) -> str:
    """The last `ERROR: …`, without the words that every one of them has."""
    for line in reversed(lines):
        if line.startswith("ERROR: "):
            return _WORDS.sub("", line.removeprefix("ERROR: ")).strip()
    return lines[-1].strip() if lines else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    """See that nothing of it is left: a signal, then the end of its process group."""
    if process.returncode is not None:
        return
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            await asyncio.wait_for(asyncio.shield(process.wait()), _END_S)
        except TimeoutError:
            continue
        return
