"""Finding a project, preparing its folder, and who holds the runner's lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mltui.errors import JournalError, SpecError, UsageError
from mltui.pipeline.model import State
from mltui.runs import fsinfo
from mltui.runs.client import effective_state
from mltui.runs.lock import RunnerLock, RunnerStatus, read_status, runner_status
from mltui.runs.project import Project
from mltui.runs.rows import RunRow

HOLD = """
import sys
from pathlib import Path
from mltui.runs.lock import RunnerLock
lock = RunnerLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
sys.stdin.read()
"""


def test_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "mltui.yaml").touch()
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert Project.find(inner) == Project(tmp_path.resolve())
    (tmp_path / "mltui.yaml").unlink()
    with pytest.raises(UsageError, match="mltui init"):
        Project.find(inner)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with pytest.raises(SpecError, match="no such file"):
        project.read_text()
    project.file.write_bytes(b"name: \xff")
    with pytest.raises(SpecError, match="not UTF-8 text"):
        project.read_spec()


def test_its_folder_is_hidden_from_git(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.prepare()
    ignore = project.folder / ".gitignore"
    assert ignore.read_text() == "*\n"
    ignore.write_text("# mine\n")
    project.prepare()
    assert ignore.read_text() == "# mine\n"


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fsinfo, "file_system", lambda folder: ("nfs4", "/home"))
    with pytest.raises(JournalError, match=r"nfs4 at /home"):
        Project(tmp_path).prepare()


def test_the_lock_is_seen_and_ends_with_its_holder(tmp_path: Path) -> None:
    assert read_status(tmp_path) == RunnerStatus(False)
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        assert read_status(tmp_path) == RunnerStatus(True, holder.pid)
        assert not RunnerLock(tmp_path).take()
        assert read_status(tmp_path).alive, "a failed try must not drop another's lock"
        holder.kill()
        holder.wait()
    assert not read_status(tmp_path).alive
    with RunnerLock(tmp_path) as lock:
        assert lock.take() and lock.take()
        assert not RunnerLock(tmp_path).take()
        assert read_status(tmp_path) == RunnerStatus(True, os.getpid())
    assert not runner_status(Project(tmp_path.parent / tmp_path.name)).alive


@pytest.mark.parametrize(
    ("state", "alive", "shown", "hint"),
    [
        (State.RUNNING, True, State.RUNNING, ""),
        (State.RUNNING, False, State.UNKNOWN, "its runner is gone: `mltui resume`"),
        (State.PENDING, False, State.PENDING, "mltui resume"),
        (State.SUCCEEDED, False, State.SUCCEEDED, ""),
    ],
)
def test_what_is_shown_of_a_run(state: State, alive: bool, shown: State, hint: str) -> None:
    found = effective_state(RunRow(1, state, "local", 1.0), RunnerStatus(alive))
    assert found.state is shown
    assert hint in found.reason
