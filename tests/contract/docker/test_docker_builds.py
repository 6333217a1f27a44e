"""Environments become images, by both builders: steps, cache, failures with lines, cancelling."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.engines.docker import DockerEngine, context
from mltui.engines.docker.steps import BuildTree, StepState, fold
from mltui.engines.shells import Shell, Wanted
from mltui.errors import BuildFailed, StartFailed
from mltui.spec.model import Environment, Image

from .box import BASE, Box, until

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

DOCKERFILE = """\
# the first line
ARG BASE=nobody/has:this
FROM ${BASE} AS tools
RUN echo tools > /tool
FROM debian:bookworm-slim
ENV A=1
WORKDIR /x
COPY --from=tools /tool /x/tool
COPY in.txt /x/
RUN echo one && \\
    # a comment amidst

    cat in.txt && \\
    echo $STAMP
"""


@pytest.fixture(params=["classic", "buildx"])
async def engine(
    request: pytest.FixtureRequest, docker_host: DockerHost, project: Path
) -> AsyncIterator[DockerEngine]:
    """An engine with one of the builders; the images it made go."""
    host = docker_host
    if request.param == "buildx":
        host = request.getfixturevalue("buildx_host")
    made = DockerEngine(base=BASE, environ=host.environ, builder=request.param)
    yield made
    await made.close()
    found = host.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    ours = [name for name in found if name.startswith(f"mltui/{project.name}-")]
    if ours:
        host.run("rmi", *ours, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one image's folder; its name makes the images' names unique."""
    root = tmp_path / f"p{uuid.uuid4().hex[:12]}"
    folder = root / "images" / "t"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "in.txt").write_text(f"{time.time()}\n")
    return root


ENVIRONMENT = Environment("t", image=Image(build="images/t", args={"BASE": BASE}))


def _tree(log: Path) -> BuildTree:
    return fold((log.parent / "steps.jsonl").read_bytes().splitlines())


def _log(project: Path, name: str) -> Path:
    (project / "builds" / name).mkdir(parents=True)
    return project / "builds" / name / "log"


async def _fails(engine: DockerEngine, project: Path, name: str = "t-1") -> tuple[str, BuildTree]:
    with pytest.raises(BuildFailed) as caught:
        await engine.build(ENVIRONMENT, project, _log(project, name))
    assert await engine.built(ENVIRONMENT, project) is None
    return str(caught.value), _tree(project / "builds" / name / "log")


async def test_a_build_and_what_is_kept_of_it(engine: DockerEngine, project: Path) -> None:
    assert await engine.built(ENVIRONMENT, project) is None
    log = _log(project, "t-1")
    built = await engine.build(ENVIRONMENT, project, log)
    assert await engine.built(ENVIRONMENT, project) == built
    assert built.key == engine.build_key(ENVIRONMENT, project)
    assert built.location.startswith("sha256:")
    assert f"arg BASE={BASE}" in built.resolved
    assert f"base {BASE} sha256:" in built.resolved
    tree = _tree(log)
    assert tree.builder in ("classic", "buildx")
    lines = {step.line: step for step in tree.steps if step.line}
    assert {4, 7, 8, 9, 10} <= set(lines)  # BuildKit makes one step of equal FROMs
    assert lines[4].group == "tools" and lines[10].group == "stage-1"
    assert lines[10].text == "RUN echo one && \\"
    assert lines[10].file == "images/t/Dockerfile"
    ended = {StepState.DONE, StepState.CACHED}
    assert {step.state for step in tree.steps} <= ended
    assert lines[10].state is StepState.DONE
    assert (lines[10].duration_s or 0) > 0
    assert tree.image == built.location
    assert tree.size_bytes and tree.size_bytes > 1 << 20
    assert sum(layer.size_bytes for layer in tree.layers) > 1 << 20
    assert tree.context_bytes and tree.context_files == 2 and tree.has_ignore is False
    assert tree.ended_at and tree.started_at and tree.fault is None
    text = log.read_text()
    assert (project / "images/t/in.txt").read_text() in text

    (project / "images/t/in.txt").write_text(f"changed {time.time()}\n")
    assert await engine.built(ENVIRONMENT, project) is None
    again = await engine.build(ENVIRONMENT, project, _log(project, "t-2"))
    assert again.location != built.location
    states = {step.line: step.state for step in _tree(project / "builds/t-2/log").steps}
    assert (states[4], states[10]) == (StepState.CACHED, StepState.DONE)
    share = _tree(project / "builds/t-2/log").cached_share
    assert share is not None and 0.2 < share < 0.9

    await engine.build(ENVIRONMENT, project, _log(project, "t-3"), no_cache=True)
    states = {step.line: step.state for step in _tree(project / "builds/t-3/log").steps}
    assert (states[4], states[10]) == (StepState.DONE, StepState.DONE)


async def test_the_key_follows_what_decides(engine: DockerEngine, project: Path) -> None:
    folder = project / "images" / "t"
    keys = [engine.build_key(ENVIRONMENT, project)]

    def changed() -> None:
        keys.append(engine.build_key(ENVIRONMENT, project))

    (folder / ".dockerignore").write_text("*.tmp\nDockerfile\n")
    changed()
    (folder / "x.tmp").write_text("ignored")
    assert engine.build_key(ENVIRONMENT, project) == keys[-1]
    (folder / "y.txt").write_text("a")
    changed()
    (folder / "y.txt").chmod(0o755)
    changed()
    (folder / "y.txt").write_text("b")
    changed()
    (folder / "Dockerfile").write_text(DOCKERFILE + "RUN true\n")
    changed()
    assert len(set(keys)) == len(keys)
    image = ENVIRONMENT.image
    assert image is not None
    for other in (replace(image, args={}), replace(image, build_target="tools")):
        environment = replace(ENVIRONMENT, image=other)
        assert engine.build_key(environment, project) not in keys
    assert engine.build_key(replace(ENVIRONMENT, name="other"), project) == keys[-1]


async def test_a_failing_run_names_line_and_requirement(
    engine: DockerEngine, project: Path
) -> None:
    folder = project / "images" / "t"
    (folder / "req.txt").write_text("# what it needs\ntabulate\nno-such-package_x==9\n")
    (folder / "Dockerfile").write_text(
        "FROM debian:bookworm-slim\n"
        "COPY req.txt /r/\n"
        "RUN python3 -m venv /v\n"
        "RUN echo start && \\\n"
        "    /v/bin/pip install --no-cache-dir -r /r/req.txt\n"
        "RUN echo never\n"
    )
    message, tree = await _fails(engine, project)
    expected = "No matching distribution found for no-such-package_x==9"
    assert message == f"images/t/Dockerfile:4: {expected} (images/t/req.txt:3)"
    assert tree.fault is not None
    assert (tree.fault.file, tree.fault.line) == ("images/t/Dockerfile", 4)
    assert tree.fault.excerpt == (
        "   2 |     COPY req.txt /r/",
        "   3 |     RUN python3 -m venv /v",
        "   4 | >>> RUN echo start && \\",
        "   5 | >>>     /v/bin/pip install --no-cache-dir -r /r/req.txt",
        "   6 |     RUN echo never",
    )
    assert tree.current is not None
    assert (tree.current.line, tree.current.state) == (4, StepState.FAILED)
    assert expected in tree.current.output
    log = (project / "builds/t-1/log").read_text()
    assert "   4 | >>> RUN echo start" in log
    (folder / "req.txt").write_text("# what it needs\n")
    assert (await engine.build(ENVIRONMENT, project, _log(project, "t-2"))).location


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("FROM debian:bookworm-slim\nRUNN x\n", 2, "unknown instruction: RUNN"),
        ("FROM debian:bookworm-slim\nRUN true\nCOPY nope /x\n", 3, "nope"),
        ("FROM debian:bookworm-slim\nRUN true\nCOPY --from=no-stage /x /x\n", 3, "no-stage"),
        ("FROM debian:bookworm-slim\nRUN echo why it fails >&2; exit 3\n", 2, "why it fails"),
        ("FROM debian:bookworm-slim\nRUN no-such-program\n", 2, "no-such-program"),
        ("# c\nFROM no-registry.invalid/x:1\n", 2, "its registry no-registry.invalid can't be"),
        ("FROM debian:bookworm-slim\nFROM not~an~image\n", 2, "is not a name that an image can"),
    ],
)
async def test_what_can_be_wrong_in_a_dockerfile(
    engine: DockerEngine, project: Path, text: str, line: int, says: str
) -> None:
    (project / "images/t/Dockerfile").write_text(text)
    message, tree = await _fails(engine, project)
    assert message.startswith(f"images/t/Dockerfile:{line}: "), message
    assert says in message
    assert tree.fault is not None and tree.fault.line == line
    assert tree.ended_at


async def test_an_empty_dockerfile_and_none(engine: DockerEngine, project: Path) -> None:
    (project / "images/t/Dockerfile").write_text("# nothing\n")
    message, _ = await _fails(engine, project)
    assert message == "images/t/Dockerfile is empty: it needs a FROM at least"
    (project / "images/t/Dockerfile").unlink()
    with pytest.raises(BuildFailed, match="images/t/Dockerfile can't be read: no such file"):
        engine.build_key(ENVIRONMENT, project)
    with pytest.raises(BuildFailed, match="neither an image nor requirements"):
        engine.build_key(Environment("x"), project)


async def test_cancelling_ends_the_build(
    engine: DockerEngine, project: Path, docker_host: DockerHost
) -> None:
    mark = f"{7_000_000 + time.time_ns() % 1_000_000}"
    text = f"FROM debian:bookworm-slim\nRUN echo begun; sleep {mark}\n"
    (project / "images/t/Dockerfile").write_text(text)
    log = _log(project, "t-1")
    building = asyncio.create_task(engine.build(ENVIRONMENT, project, log))
    await until(lambda: log.exists() and "\nbegun" in log.read_text())
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    tree = _tree(log)
    assert tree.cancelled and tree.ended_at
    assert tree.current is not None and tree.current.error == "cancelled"

    def is_gone() -> bool:
        found = Path("/proc").glob("[0-9]*/cmdline")
        return not any(mark.encode() in _read(each) for each in found)

    await until(is_gone)
    assert await engine.built(ENVIRONMENT, project) is None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_two_who_ask_share_one_build(engine: DockerEngine, project: Path) -> None:
    logs = [_log(project, f"t-{n}") for n in range(3)]
    found = await asyncio.gather(*(engine.build(ENVIRONMENT, project, log) for log in logs))
    assert len({built.location for built in found}) == 1
    assert sum((log.parent / "steps.jsonl").exists() for log in logs) == 1


async def test_generated_from_requirements(engine: DockerEngine, project: Path, box: Box) -> None:
    (project / "env").mkdir()
    (project / "env" / "base.txt").write_text("tabulate\n")
    (project / "env" / "t.txt").write_text("-r base.txt\n./package\n")
    (project / "package").mkdir()
    (project / "package" / "pyproject.toml").write_text(
        '[project]\nname = "here"\nversion = "1"\n[tool.setuptools]\npy-modules = ["here"]\n'
    )
    (project / "package" / "here.py").write_text("X = 42\n")
    environment = Environment("gen", requirements="env/t.txt")
    log = _log(project, "gen-1")
    built = await engine.build(environment, project, log)
    assert (log.parent / "Dockerfile").read_text().startswith("# Made by mltui from env/t.txt")
    attempt = await box.attempt(
        "python", "-c", "import tabulate, here, sys; print(here.X, sys.prefix)", built=built
    )
    assert (await box.run(attempt)).code == 0
    assert attempt.log.read_text() == "42 /opt/mltui\n"

    (project / "env" / "base.txt").write_text("tabulate\nno-such-package-x==1\n")
    assert engine.build_key(environment, project) != built.key
    with pytest.raises(BuildFailed, match=r"^env/base.txt:2: No matching distribution found for"):
        await engine.build(environment, project, _log(project, "gen-2"))


async def test_the_way_to_the_index_leaves_no_trace(
    engine: DockerEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = "http://me:s3cret@127.0.0.1:9/simple"
    monkeypatch.setitem(engine.client.environ, "PIP_INDEX_URL", index)
    (project / "none.txt").write_text("# nothing is needed\n")
    environment = Environment("gen", requirements="none.txt")
    built = await engine.build(environment, project, log := _log(project, "gen-1"))
    history = await engine.client.json("GET", f"/images/{built.location}/history")
    image = await engine.client.json("GET", f"/images/{built.location}/json")
    assert "s3cret" not in f"{history}{image}{built.resolved}"
    assert "s3cret" not in log.read_text() + (log.parent / "Dockerfile").read_text()
    assert "s3cret" not in (log.parent / "steps.jsonl").read_text()
    (project / "none.txt").write_text("no-such-package\n")
    with pytest.raises(BuildFailed, match="no-such-package"):  # it was asked, and is not there
        await engine.build(environment, project, log := _log(project, "gen-2"))


async def test_a_large_context_without_ignore_is_pointed_out(
    engine: DockerEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "LARGE_BYTES", 1 << 20)
    (project / "images/t/big").write_bytes(bytes(3 << 20))
    await engine.build(ENVIRONMENT, project, log := _log(project, "t-1"))
    tree = _tree(log)
    assert tree.context_bytes and tree.context_bytes > 3 << 20
    assert "3 MiB and has no .dockerignore" in tree.note
    assert "3 MiB and has no .dockerignore" in log.read_text()
    (project / "images/t/.dockerignore").write_text("big\n")
    await engine.build(ENVIRONMENT, project, log := _log(project, "t-2"))
    tree = _tree(log)
    assert tree.context_bytes and tree.context_bytes < 1 << 20
    assert "dockerignore" not in tree.note


async def test_a_base_that_moved_is_another_image(
    engine: DockerEngine, project: Path, docker_host: DockerHost
) -> None:
    name = f"mltui-test-base-{docker_host.label}:1"
    docker_host.run("tag", BASE, name)
    try:
        environment = replace(
            ENVIRONMENT, image=Image(build="images/t", args={"BASE": name}, build_target="tools")
        )
        first = await engine.build(environment, project, _log(project, "t-1"))
        assert await engine.built(environment, project) == first
        docker_host.run("build", "-t", name, "-", stdin=f"FROM {BASE}\nENV MOVED=1\n".encode())
        assert await engine.built(environment, project) is None
        second = await engine.build(environment, project, _log(project, "t-2"))
        assert first.key == second.key
        assert first.resolved != second.resolved
    finally:
        docker_host.run("rmi", "--no-prune", name, check=False)


async def test_an_image_by_name(engine: DockerEngine, project: Path) -> None:
    environment = Environment("n", image=Image(name=BASE))
    built = await engine.built(environment, project)
    assert built is not None
    assert built.resolved.startswith(f"image {BASE}\nsha256:")
    assert await engine.build(environment, project, _log(project, "n-1")) == built
    gone = Environment("n", image=Image(name="nobody-has/this:1"))
    assert await engine.built(gone, project) is None
    with pytest.raises(BuildFailed, match="nobody-has/this:1"):
        await engine.build(gone, project, _log(project, "n-2"))
    assert _tree(project / "builds/n-2/log").fault is not None


BREAKS = """\
ARG BASE=nobody/has:this
FROM ${BASE}
ARG WHO=somebody
ENV A=1
WORKDIR /made
COPY in.txt .
RUN echo $WHO > who
RUN touch left && \\
    test -f none
RUN echo never
"""


async def test_a_shell_before_the_step_that_failed(engine: DockerEngine, project: Path) -> None:
    dockerfile = project / "images/t/Dockerfile"
    dockerfile.write_text(BREAKS)
    _, tree = await _fails(engine, project)
    key = engine.build_key(ENVIRONMENT, project)
    assert [step.line for step in tree.steps if step.state is StepState.FAILED] == [8]
    folder = project / "shell"
    folder.mkdir()
    command = "pwd; cat who; ls; echo $WHO$A; again; echo $?; ls"
    wanted = Wanted("t before line 8", command, is_terminal=False)
    shell = await engine.shell_before(ENVIRONMENT, project, 8, key, folder, wanted)
    said = await _given(shell)
    assert said == ["/made", "somebody", "in.txt", "who", "somebody1", "1", "in.txt", "left", "who"]
    assert "the state before images/t/Dockerfile:8" in shell.notes[0]
    assert not any("changed since" in note for note in shell.notes)
    assert "CACHED" in (folder / "log").read_text() or "Using cache" in (folder / "log").read_text()

    (project / "images/t/in.txt").write_text("another\n")
    wanted = Wanted("t before line 8", "cat in.txt", is_terminal=False)
    shell = await engine.shell_before(ENVIRONMENT, project, 8, key, folder, wanted)
    assert await _given(shell) == ["another"]
    assert any("changed since" in note for note in shell.notes)
    with pytest.raises(StartFailed, match="nothing comes before images/t/Dockerfile:2"):
        await engine.shell_before(ENVIRONMENT, project, 2, key, folder, wanted)

    dockerfile.write_text(BREAKS.replace("test -f none", "test -f left"))
    built = await engine.build(ENVIRONMENT, project, _log(project, "t-2"))
    tags = (await engine.client.json("GET", f"/images/{built.location}/json"))["RepoTags"]
    assert len(tags) == 1 and "before" not in tags[0]


async def _given(shell: Shell) -> list[str]:
    """What it says when it is given the terminal."""
    process = await asyncio.create_subprocess_exec(
        *shell.argv, cwd=shell.cwd, env=dict(shell.env), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode().split()
