"""A shell where a stage stood: the same image or environment, inputs, folder and variables."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host
busybox = _testbed.busybox

PROJECT = """\
mltui: 1
name: standing
code: [code]
params: {rate: 3}
secrets: {TOKEN: {file: token.txt}}
stages:
  raw:
    phase: data
    run: echo 1 2 3 > ${outputs.raw}
    outputs: {raw: raw.txt}
  train:
    phase: training
    inputs: {raw: raw.raw}
    params: [rate]
    secrets: [TOKEN]
    run: cat ${inputs.raw} code/a.txt; echo half > half.txt; exit 3
    outputs: {model: model.txt}
"""
IN_BOX = """\
mltui: 1
name: boxed
code: [code]
environments:
  box: {image: {build: images/box}, variables: {MODE: fast}}
stages:
  raw:
    phase: data
    environment: box
    run: RUN
    outputs: {raw: raw.txt}
targets:
  local: {engine: docker}
"""


def make(root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "code").mkdir(parents=True)
    (root / "code" / "a.txt").write_text("as it was\n")
    (root / "token.txt").write_text("s3cret\n")
    (root / "mltui.yaml").write_text(text)
    monkeypatch.chdir(root)


def stand(*argv: str) -> subprocess.CompletedProcess[str]:
    """`mltui shell …` as a process: what it gives the terminal to is another program."""
    return subprocess.run(
        [sys.executable, "-m", "mltui", "shell", *argv],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_a_failed_stage_is_stood_in(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, PROJECT, monkeypatch)
    assert cli("run").code == 1
    (tmp_path / "code" / "a.txt").write_text("edited since\n")
    done = stand(
        "train",
        "-c",
        'cat "$MLTUI_INPUT_RAW" code/a.txt half.txt "$MLTUI_SECRET_TOKEN";'
        ' echo "$MLTUI_PARAM_RATE"; echo mine > "$MLTUI_OUTPUT_MODEL"; again; exit 7',
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines() == [
        "1 2 3", "as it was", "half", "s3cret", "3", "1 2 3", "as it was",
    ]  # fmt: skip
    assert not list((tmp_path / ".mltui" / "shells").iterdir())
    assert not list(tmp_path.rglob("model.txt"))


def test_a_stage_that_is_over_is_laid_out_again(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, PROJECT, monkeypatch)
    cli("run")
    done = stand("raw", "-c", "ls; again; cat raw.txt")
    assert done.stdout.split() == ["code", "1", "2", "3"], done.stderr
    cli("run")  # now it is taken from the cache
    assert stand("raw", "--run", "2", "-c", "cat code/a.txt").stdout == "as it was\n"


def test_what_can_not_be_stood_in_is_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, PROJECT.replace("echo 1 2 3 >", "exit 4; echo >"), monkeypatch)
    cli("run")
    done = cli("shell", "train", "-c", "true")
    assert done.code == 2 and "train never got its inputs" in done.err
    assert "did you mean `train`" in cli("shell", "trian").err


@pytest.fixture
def host(docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerHost]:
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        if name in docker_host.environ:
            monkeypatch.setenv(name, docker_host.environ[name])
    yield docker_host


def test_a_stage_in_a_container_is_stood_in(
    cli: Cli, host: DockerHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"box{uuid.uuid4().hex[:6]}"
    text = IN_BOX.replace("boxed", name).replace("RUN", "cat code/a.txt; exit 3")
    make(tmp_path, text, monkeypatch)
    images = tmp_path / "images" / "box"
    images.mkdir(parents=True)
    (images / "Dockerfile").write_text(f"FROM {_testbed.BASE_IMAGE}\nENV WHERE=image\n")
    assert cli("run").code == 1
    (images / "Dockerfile").write_text(f"FROM {_testbed.BASE_IMAGE}\nENV WHERE=elsewhere\n")
    done = stand("raw", "-c", 'pwd; echo "$WHERE $MODE"; again; echo "code $?"')
    lines = done.stdout.splitlines()
    assert lines == ["/mltui/work", "image fast", "as it was", "code 3"], done.stderr
    assert not host.run("ps", "-aq", "--filter", f"label=mltui.project={name}")


def test_before_the_step_at_which_a_build_failed(
    cli: Cli, host: DockerHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken{uuid.uuid4().hex[:6]}"
    make(tmp_path, IN_BOX.replace("boxed", name).replace("RUN", "'true'"), monkeypatch)
    images = tmp_path / "images" / "box"
    images.mkdir(parents=True)
    text = f"FROM {_testbed.BASE_IMAGE}\nWORKDIR /here\nRUN touch first\nRUN cat none\n"
    (images / "Dockerfile").write_text(text)
    assert cli("run").code == 1
    done = stand("raw", "-c", "pwd; ls; again; exit 7")
    assert done.stdout.split() == ["/here", "first"] and "none: No such file" in done.stderr
    assert done.returncode == 7
    assert "the state before images/box/Dockerfile:4: RUN cat none" in done.stderr
    assert not list((tmp_path / ".mltui" / "shells").iterdir())
    (images / "Dockerfile").write_text("FROM nobody/has:this\n")
    cli("run")
    assert "nothing comes before images/box/Dockerfile:1" in stand("raw", "-c", "true").stderr


def test_an_image_without_a_shell_gets_one(
    cli: Cli, host: DockerHost, busybox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"bare{uuid.uuid4().hex[:6]}"
    make(
        tmp_path,
        IN_BOX.replace("boxed", name).replace("RUN", "[/busybox.only, 'false']"),
        monkeypatch,
    )
    images = tmp_path / "images" / "box"
    images.mkdir(parents=True)
    (images / "Dockerfile").write_text("FROM scratch\nCOPY busybox.only /\n")
    (images / "busybox.only").write_bytes(busybox.read_bytes())
    (images / "busybox.only").chmod(0o755)
    assert cli("run").code == 1
    done = stand("raw", "-c", 'pwd; cat code/a.txt; ls / | tr "\\n" " "')
    assert done.stdout.startswith("/mltui/work\nas it was\n"), done.stderr
    listed = done.stdout.splitlines()[-1].split()
    assert "busybox.only" in listed and "bin" not in listed
