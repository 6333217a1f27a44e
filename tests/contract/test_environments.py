"""Virtual environments of the process engine: isolation, building once, failing, cancelling.

Everything is installed from local folders with a build backend of their own, so no test needs a
network or an index.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mltui.engines.process import ProcessEngine
from mltui.engines.process.interpreters import choose, read_specifier
from mltui.errors import BuildFailed
from mltui.spec.model import Environment, Image

from .place import Place, is_alive, until

BACKEND = """
import os, time, zipfile
NAME, VERSION = "tiny", "{version}"
def build_wheel(folder, settings=None, metadata=None):
    {hook}
    name = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tiny.py", f"version = '{{VERSION}}'\\n")
        wheel.writestr(f"{{info}}/METADATA", f"Metadata-Version: 2.1\\nName: tiny\\nVersion: {{VERSION}}\\n")
        wheel.writestr(f"{{info}}/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{{info}}/RECORD", f"tiny.py,,\\n{{info}}/METADATA,,\\n{{info}}/WHEEL,,\\n{{info}}/RECORD,,\\n")
    return name
"""  # noqa: E501


def _package(folder: Path, version: str, hook: str = "pass") -> None:
    folder.mkdir(parents=True)
    (folder / "backend.py").write_text(BACKEND.format(version=version, hook=hook))
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessEngine]:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    made = ProcessEngine(tmp_path / "cache")
    yield made
    await made.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.slow
async def test_two_environments_with_versions_that_conflict(
    engine: ProcessEngine, project: Path
) -> None:
    place = Place(engine, project)
    seen = []
    for version in ("1.0", "2.0"):
        _package(project / f"tiny{version}", version)
        (project / f"{version}.txt").write_text(f"./tiny{version}\n")
        environment = Environment(version, f"{version}.txt")
        assert await engine.built(environment, project) is None
        log = project / f"{version}.log"
        place.built = await engine.build(environment, project, log)
        assert f"tiny=={version}" in place.built.resolved
        assert "pip==" not in place.built.resolved
        assert f"Successfully installed tiny-{version}" in log.read_text()
        assert await engine.built(environment, project) == place.built
        attempt = place.attempt("python", "-c", "import tiny, sys; print(tiny.version, sys.prefix)")
        assert (await place.run(attempt)).code == 0
        seen.append(attempt.log.read_text().split())
    assert [version for version, _ in seen] == ["1.0", "2.0"]
    assert seen[0][1] != seen[1][1]


async def test_the_key_follows_what_decides(engine: ProcessEngine, project: Path) -> None:
    _package(project / "tiny", "1.0")
    (project / "env").mkdir()
    (project / "env" / "a.txt").write_text("-r base.txt\n--constraint=limits.txt\n./tiny # ours\n")
    (project / "env" / "base.txt").write_text("numpy \\\n  ==1.0\n")
    (project / "env" / "limits.txt").write_text("scipy<2\n")
    environment = Environment("a", "env/a.txt")
    keys = [engine.build_key(environment, project)]
    assert engine.build_key(Environment("other name", "env/a.txt"), project) == keys[0]
    (project / "env" / "base.txt").write_text("numpy==1.1\n")
    keys.append(engine.build_key(environment, project))
    (project / "env" / "limits.txt").write_text("scipy<3\n")
    keys.append(engine.build_key(environment, project))
    (project / "tiny" / "backend.py").write_text("changed")
    keys.append(engine.build_key(environment, project))
    keys.append(engine.build_key(Environment("a", "env/a.txt", python=">=3.8"), project))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("text", "fits", "not_"),
    [
        (">=3.11", (3, 11, 0), (3, 10, 9)),
        ("3.12", (3, 12, 4), (3, 11, 4)),
        ("==3.11.*", (3, 11, 9), (3, 12, 0)),
        (">=3.9,<3.12", (3, 11, 9), (3, 12, 0)),
        ("~=3.11.2", (3, 11, 5), (3, 12, 0)),
        ("~=3.11", (3, 13, 0), (4, 0, 0)),
        ("!=3.11.4", (3, 11, 5), (3, 11, 4)),
        (">3.11", (3, 11, 1), (3, 11, 0)),
    ],
)
def test_specifiers(text: str, fits: tuple[int, ...], not_: tuple[int, ...]) -> None:
    assert read_specifier(text)(fits)
    assert not read_specifier(text)(not_)


def test_an_interpreter_nobody_has() -> None:
    with pytest.raises(BuildFailed, match=r"no Python fits `python: <3`.*found 3\."):
        choose("<3", "")
    with pytest.raises(BuildFailed, match="no version specifier"):
        choose("three")
    assert choose(None).version == sys.version_info[:3]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (Environment("e", "gone.txt"), "gone.txt can't be read: no such file"),
        (Environment("e", "in.txt"), "other.txt, included by in.txt, can't be read"),
        (Environment("e", None, Image("debian")), "'e' has only an image"),
    ],
)
def test_files_that_are_missing(
    engine: ProcessEngine, project: Path, environment: Environment, message: str
) -> None:
    (project / "in.txt").write_text("-r other.txt\n")
    with pytest.raises(BuildFailed, match=message):
        engine.build_key(environment, project)


@pytest.mark.slow
async def test_a_broken_requirement_is_named(engine: ProcessEngine, project: Path) -> None:
    (project / "bad.txt").write_text("surely-not-there-at-all==9\n")
    environment = Environment("e", "bad.txt")
    log = project / "log"
    with pytest.raises(
        BuildFailed, match=r"^bad\.txt: No matching distribution found for surely-not-there"
    ):
        await engine.build(environment, project, log)
    assert "ERROR:" in log.read_text()
    assert await engine.built(environment, project) is None
    (project / "bad.txt").write_text("")
    assert (await engine.build(environment, project, log)).location


@pytest.mark.slow
async def test_several_builders_build_once(
    engine: ProcessEngine, project: Path, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    _package(project / "tiny", "1.0", f"open({str(count)!r}, 'a').write('built\\n')")
    (project / "r.txt").write_text("./tiny\n")
    environment = Environment("e", "r.txt")
    others = [engine, ProcessEngine(tmp_path / "cache"), ProcessEngine(tmp_path / "cache")]
    logs = [project / f"{n}.log" for n in range(3)]
    built = await asyncio.gather(
        *(e.build(environment, project, log) for e, log in zip(others, logs, strict=True))
    )
    assert built[0] == built[1] == built[2]
    assert count.read_text() == "built\n"
    assert sum("waiting" in log.read_text() for log in logs) == 2


@pytest.mark.slow
async def test_a_cancelled_build_leaves_nothing_at_work(
    engine: ProcessEngine, project: Path, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    hook = f"open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    _package(project / "tiny", "1.0", hook)
    (project / "r.txt").write_text("./tiny\n")
    environment = Environment("e", "r.txt")
    building = asyncio.create_task(engine.build(environment, project, project / "log"))
    await until(lambda: pid.exists() and pid.read_text())
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    # What is killed takes its time to die on a busy machine.
    await until(lambda: not is_alive(int(pid.read_text())))
    assert await engine.built(environment, project) is None
    assert [path.suffix for path in (tmp_path / "cache" / "environments").iterdir()] == [".lock"]


@pytest.mark.slow
async def test_what_a_killed_builder_left_is_not_trusted(
    engine: ProcessEngine, project: Path, tmp_path: Path
) -> None:
    (project / "r.txt").write_text("")
    environment = Environment("e", "r.txt")
    half = tmp_path / "cache" / "environments" / engine.build_key(environment, project)
    (half / "bin").mkdir(parents=True)
    (half / "junk").touch()
    assert await engine.built(environment, project) is None
    await engine.build(environment, project, project / "log")
    assert not (half / "junk").exists()


BUILDER = """
import asyncio, sys
from pathlib import Path
from mltui.engines.process import ProcessEngine
from mltui.spec.model import Environment
cache, project = map(Path, sys.argv[1:])
engine = ProcessEngine(cache)
asyncio.run(engine.build(Environment("e", "r.txt"), project, project / "first.log"))
"""


@pytest.mark.slow
async def test_a_killed_builders_pip_is_waited_for(
    engine: ProcessEngine, project: Path, tmp_path: Path
) -> None:
    """It still writes into the folder: nobody else may build there until it has ended."""
    at, go = tmp_path / "at", tmp_path / "go"
    hook = (
        f"open({str(at)!r}, 'a').write('.')\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.02)"
    )
    _package(project / "tiny", "1.0", hook)
    (project / "r.txt").write_text("./tiny\n")
    builder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BUILDER, str(tmp_path / "cache"), str(project)
    )
    await until(at.exists)
    builder.kill()
    await builder.wait()
    log = project / "second.log"
    building = asyncio.create_task(engine.build(Environment("e", "r.txt"), project, log))
    await until(lambda: log.exists() and b"waiting" in log.read_bytes())
    assert at.read_text() == "."
    go.touch()
    built = await building
    assert "tiny==1.0" in built.resolved
    assert at.read_text() == ".."
