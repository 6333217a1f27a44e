"""A full disk and a read-only folder: said clearly, and nothing that was accepted is lost.

The full disk is a small tmpfs, which only root may mount; without it these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mltui.errors import JournalError
from mltui.pipeline.model import State
from mltui.runs import client
from mltui.runs.lock import RunnerLock, runner_status
from mltui.spec.model import FailureClass

from .harness import COUNT, World, check_consistent, wait_for

FILLS = """\
mltui: 1
name: fills
code: []
stages:
  first: {phase: data, outputs: {x: x.txt}, run: "echo kept > ${outputs.x}"}
  fill:
    phase: data
    inputs: {x: first.x}
    outputs: {y: y.bin}
    retry: {attempts: 1}
    run: |
      test -e $FAULTS_COUNT.ok || head -c 100M /dev/zero > ${outputs.y}
      cp ${inputs.x} ${outputs.y}
  beside:
    phase: data
    outputs: {z: z.txt}
    run: |
      while [ -e $FAULTS_COUNT.hold ]; do sleep 0.05; done
      echo beside > ${outputs.z}
  last: {phase: data, inputs: {y: fill.y, z: beside.z}, run: "cat ${inputs.y} ${inputs.z}"}
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A project on a disk of 12 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small tmpfs")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        world = World.make(disk, FILLS)
        monkeypatch.setenv(COUNT, str(world.count))
        yield world
        world.stop()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_stage_that_fills_the_disk(small: World) -> None:
    """It fails as the machine's fault; what was done is kept, the rest goes on, retry works."""
    small.held.touch()
    run = small.submit().run
    wait_for("the failure", 20, lambda: small.state("fill") is State.FAILED)
    # What the failed stage left is still there.
    wait_for("a little room", 20, lambda: shutil.disk_usage(small.root).free > 64 << 10)
    small.held.unlink()
    ended = small.wait_end(run)
    rows = small.rows(run)
    assert ended.state is State.FAILED
    assert rows["fill"].failure is FailureClass.INFRASTRUCTURE, rows["fill"].reason
    assert "the disk is full" in rows["fill"].reason
    assert rows["first"].state is State.SUCCEEDED
    assert rows["beside"].state is State.SUCCEEDED, rows["beside"].reason
    wait_for("the runner to go", 10, lambda: not runner_status(small.project).alive)
    check_consistent(small, run)
    small.count.with_name("count.ok").touch()
    assert small.ask(client.retry(small.project, run, None)) == "", small.log()
    wait_for("success", 20, lambda: small.row(run).state is State.SUCCEEDED)
    wait_for("the runner to go", 10, lambda: not runner_status(small.project).alive)
    check_consistent(small, run)
    assert small.rows(run)["first"].attempt == 1


def test_no_room_for_the_journal(small: World) -> None:
    """Everything is full, also for the journal: the reserve, then patience, then it goes on."""
    small.held.touch()
    run = small.queue()
    runner = small.start()
    wait_for("the first stage", 10, lambda: small.state("first") is State.SUCCEEDED)
    filler = small.root.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    small.held.unlink()
    try:
        wait_for("the reserve to go", 20, lambda: not (small.project.folder / "reserve").exists())
    finally:
        filler.unlink(missing_ok=True)
    assert runner.wait(180) == 0
    rows = small.rows(run)
    assert rows["first"].state is State.SUCCEEDED
    assert small.row(run).state in (State.FAILED, State.SUCCEEDED), small.log()
    for row in rows.values():
        if row.state is State.FAILED:
            assert row.failure is FailureClass.INFRASTRUCTURE, row.reason
    check_consistent(small, run)


def test_a_folder_that_cannot_be_written(world: World) -> None:
    """Said before anything is queued. Root may write everywhere, so a file stands in the way."""
    if os.geteuid() == 0:
        (world.root / ".mltui").write_text("not a folder")
    else:
        world.root.chmod(0o555)
    try:
        with pytest.raises(JournalError, match=r"\.mltui"):
            world.submit()
    finally:
        world.root.chmod(0o755)


def test_a_read_only_disk(small: World) -> None:
    run = small.submit().run
    small.wait_end(run)
    wait_for("the runner to go", 10, lambda: not runner_status(small.project).alive)
    disk = small.root.parent
    # The runner's log is open until its process is really gone.
    read_only = ["mount", "-o", "remount,ro", str(disk)]
    wait_for(
        "nobody to write",
        10,
        lambda: subprocess.run(read_only, capture_output=True).returncode == 0,
    )
    try:
        with pytest.raises(JournalError, match="read-only"):
            small.submit()
        assert not runner_status(small.project).alive
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_a_damaged_journal_is_named(world: World) -> None:
    world.project.prepare()
    (world.project.folder / "journal.db").write_bytes(b"not a database" * 100)
    with pytest.raises(JournalError, match="damaged"):
        world.submit()


def test_the_lock_of_another(world: World) -> None:
    """A runner that finds the lock taken goes at once and leaves the run to its holder."""
    run = world.queue()
    with RunnerLock(world.project.folder) as lock:
        assert lock.take()
        assert world.finish() == 0
        assert world.row(run).state is State.PENDING
    assert world.finish() == 0
    with closing(world.journal()) as journal:
        assert journal.run(run).state is State.SUCCEEDED  # type: ignore[union-attr]
