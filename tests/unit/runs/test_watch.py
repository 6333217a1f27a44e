from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from mltui.runs.watch import INTERVAL_S, Watch

BOTH = pytest.mark.parametrize("use_inotify", [True, False])


@BOTH
async def test_a_file_that_appears_later_grows_and_goes(tmp_path: Path, use_inotify: bool) -> None:
    file = tmp_path / "log"
    async with Watch(file, use_inotify=use_inotify) as watch:
        assert await watch.changed(0) == set()
        file.write_text("a")
        assert await watch.changed(60) == {file}
        with file.open("a") as stream:
            stream.write("b")
        assert await watch.changed(60) == {file}
        file.unlink()
        assert await watch.changed(60) == {file}
        assert await watch.changed(0.01) == set()


@BOTH
async def test_only_what_was_asked_for(tmp_path: Path, use_inotify: bool) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    async with Watch(mine, other, use_inotify=use_inotify) as watch:
        watch.remove(other)
        (tmp_path / "third").write_text("x")
        other.write_text("x")
        assert await watch.changed(0.3) == set()
        mine.write_text("x")
        assert await watch.changed(60) == {mine}
        watch.remove(mine)
        mine.write_text("y")
        assert await watch.changed(0.1) == set()
        watch.add(mine)
        mine.write_text("yy")
        assert await watch.changed(60) == {mine}


@BOTH
async def test_changes_between_calls_are_kept(tmp_path: Path, use_inotify: bool) -> None:
    files = {tmp_path / name for name in "abc"}
    async with Watch(*files, use_inotify=use_inotify) as watch:
        for file in files:
            file.write_text("x")
        found: set[Path] = set()
        while found != files:
            new = await watch.changed(60)
            assert new
            found |= new


async def test_a_folder_that_appears_later_and_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "run" / "1" / "log"
    async with Watch(file) as watch:
        assert await watch.changed(0.01) == set()
        file.parent.mkdir(parents=True)
        file.write_text("a")
        assert await watch.changed(60) == {file}
        file.unlink()
        file.parent.rmdir()
        assert await watch.changed(60) == {file}
        file.parent.mkdir()
        file.write_text("again")
        assert file in await watch.changed(60)


async def test_names_of_every_length(tmp_path: Path) -> None:
    files = [tmp_path / ("x" * n) for n in (1, 14, 15, 16, 17, 31, 32, 255)]
    async with Watch(*files) as watch:
        for file in files:
            file.write_text("x")
            assert await watch.changed(60) == {file}


@pytest.mark.slow
async def test_a_busy_file_is_told_twenty_times_a_second(tmp_path: Path) -> None:
    file = tmp_path / "log"
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c",
        "import sys, time\nend = time.time() + 1.2\nwith open(sys.argv[1], 'ab', 0) as f:\n"
        "  while time.time() < end: f.write(b'line\\n')", str(file),
    )  # fmt: skip
    async with Watch(file) as watch:
        await watch.changed(60)
        started, cpu, wakes = time.monotonic(), time.process_time(), 0
        while time.monotonic() < started + 0.8:
            wakes += bool(await watch.changed(0.2))
        used = time.process_time() - cpu
    await writer.wait()
    assert 1 <= wakes <= 0.8 / INTERVAL_S + 2
    assert used < 0.3


async def test_the_descriptor_is_given_back(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(20):
        async with Watch(tmp_path / "x") as watch:
            await watch.changed(0)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


async def test_a_wait_can_be_cancelled_without_losing_a_change(tmp_path: Path) -> None:
    file = tmp_path / "x"
    async with Watch(file) as watch:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.changed(), 0.02)
        file.write_text("x")
        assert await watch.changed(60) == {file}
