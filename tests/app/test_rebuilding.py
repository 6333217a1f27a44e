"""Builds that a person asks for: again, without the cache, and ended, on a real Docker host."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.cli.main import main
from mltui.pipeline.rows import State
from mltui.runs.project import Project

from .driver import Driver

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host

PROJECT = """\
mltui: 1
name: NAME
code: []
environments:
  box: {image: {build: box}}
stages:
  make: {phase: data, environment: box, run: "echo 1 > ${outputs.raw}", outputs: {raw: raw.txt}}
targets:
  dev: {engine: docker}
"""


async def test_a_build_is_made_again_and_ended(
    tmp_path: Path, docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        if name in docker_host.environ:
            monkeypatch.setenv(name, docker_host.environ[name])
    (tmp_path / "box").mkdir()
    (tmp_path / "mltui.yaml").write_text(PROJECT.replace("NAME", f"again{uuid.uuid4().hex[:6]}"))
    dockerfile = tmp_path / "box" / "Dockerfile"
    dockerfile.write_text(f"FROM {_testbed.BASE_IMAGE}\nRUN echo {uuid.uuid4()} > /one\n")
    monkeypatch.chdir(tmp_path)
    assert await asyncio.to_thread(main, ["build", "box", "--target", "dev"]) == 0
    text = dockerfile.read_text()
    dockerfile.write_text(f"{text}RUN echo slow; sleep 300\n")
    project = Project(tmp_path)

    def states() -> dict[str, State]:
        with closing(project.journal()) as journal:
            return {row.id: row.state for row in journal.builds()}

    async with Driver.open(project, size=(120, 40)) as screen:
        await screen.command("builds")
        await screen.sees("box-1")
        assert "R Without cache" in screen.line("footer")
        await screen.press("ctrl+k")
        assert screen.notice == "box-1 has ended already: succeeded"
        await screen.press("r")
        await screen.until(lambda: "● building" in screen.text, "it builds")
        await screen.press("home", "enter")
        await screen.sees("≡ 2 RUN echo")
        await screen.press("ctrl+k")
        assert "Cancel the build box-2?" in screen.text
        await screen.press("tab", "enter")
        await screen.until(lambda: states()["box-2"] is State.CANCELLED, "it is ended")
        dockerfile.write_text(text.replace("/one", "/two"))
        await screen.press("R")
        await screen.until(lambda: states().get("box-3") is State.SUCCEEDED, "it is built anew")
        await screen.press("escape")
        await screen.sees("box-3")
        await screen.press("home", "enter")
        await screen.sees("Since box-1, the last good build")
        assert "+ RUN echo" in screen.text and "0 cached" in screen.text
