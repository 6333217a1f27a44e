"""What only the process engine has to get right: process families, claims, what a stage sees."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mltui.engines.process import ProcessEngine, procs, shim
from mltui.engines.protocol import Built, Stopped
from mltui.errors import Unreachable

from .place import Place, is_alive, is_same, until


@pytest.fixture(params=["shim", "keeper"])
async def place(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    engine = ProcessEngine(tmp_path / "cache")
    if request.param == "keeper":
        assert await engine.keep()
    else:
        monkeypatch.setattr(ProcessEngine, "_begin_keeping", lambda self: None)
    yield Place(engine, tmp_path)
    await engine.close()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def _ended(*pids: int) -> None:
    """Wait for killed processes to be gone: they take their time to die on a busy machine."""
    await until(lambda: not any(is_alive(pid) for pid in pids))


async def test_a_stage_that_forks_away_leaves_nothing(place: Place) -> None:
    shell = (
        "sleep 600 & echo $! >pids; setsid sleep 600 & echo $! >>pids; "
        'setsid sh -c \'trap "" TERM; echo $$ >>pids; sleep 600 & echo $! >>pids; '
        "touch up; wait' & "
        "while [ ! -e up ]; do sleep 0.02; done; exit 0"
    )
    attempt = place.attempt(shell=shell)
    end = await place.run(attempt)
    assert (end.how, end.code) == (Stopped.EXITED, 0)
    pids = [int(pid) for pid in (attempt.work / "pids").read_text().split()]
    assert len(pids) == 4
    await _ended(*pids)


async def test_stop_ends_the_whole_tree(place: Place) -> None:
    shell = (
        "trap '' TERM; sleep 600 & echo $! >pids; "
        "setsid sh -c 'trap \"\" TERM; echo $$ >>pids; touch up; sleep 600' & wait"
    )
    attempt = place.attempt(shell=shell)
    obj = await place.engine.start(attempt)
    await until((attempt.work / "up").exists)
    await place.engine.stop(attempt, obj, 0.05)
    pids = [int(pid) for pid in (attempt.work / "pids").read_text().split()]
    await _ended(*pids, int(obj.split(":")[0]))
    await place.engine.remove(attempt, obj)


async def test_a_stopped_parent_can_not_answer_its_childs_death(place: Place) -> None:
    for _ in range(10):
        attempt = place.attempt(shell="trap '' TERM; sleep 600 & touch up; wait; touch late")
        obj = await place.engine.start(attempt)
        await until((attempt.work / "up").exists)
        await place.engine.stop(attempt, obj, 0.01)
        end = await place.engine.wait(attempt, obj)
        assert (end.how, end.code) == (Stopped.SIGNALLED, 137)
        assert not (attempt.work / "late").exists()
        await place.engine.remove(attempt, obj)


async def test_a_claim_before_the_shims_keeps_the_command_from_running(place: Place) -> None:
    attempt = place.attempt(shell="touch ran")
    assert await place.engine.find(attempt) is None
    obj = await place.engine.start(attempt)  # the start that was on its way meanwhile
    end = await place.engine.wait(attempt, obj)
    assert end.how is Stopped.LOST
    assert not (attempt.work / "ran").exists()
    assert await place.engine.find(attempt) is None
    await place.engine.remove(attempt, obj)


@pytest.mark.parametrize("delay_s", [0.0, 0.0005, 0.001, 0.002, 0.005])
async def test_start_and_find_agree_whoever_wins(place: Place, delay_s: float) -> None:
    for _ in range(10):
        attempt = place.attempt(shell="touch ran; exit 0")
        obj = await place.engine.start(attempt)
        await asyncio.sleep(delay_s)
        other = ProcessEngine(place.root / "cache")
        found = await other.find(attempt)
        await place.engine.wait(attempt, obj)
        has_run = (attempt.work / "ran").exists()
        assert is_same(found, obj) if has_run else found is None
        await place.engine.remove(attempt, obj)
        await other.close()


async def test_a_claim_is_completed_while_its_process_is_there(place: Place) -> None:
    attempt = place.attempt(shell="touch up; sleep 600")
    obj = await place.engine.start(attempt)
    await until((attempt.work / "up").exists)
    identity = procs.Identity.parse((attempt.folder / shim.CLAIM).read_text().splitlines()[-1])
    claim = str(replace(identity, started=0))  # as a shim writes it
    assert await place.engine.find(attempt) == obj
    bystander = replace(attempt, folder=attempt.folder.with_name("other"))
    bystander.folder.mkdir()
    (bystander.folder / shim.CLAIM).write_text(f"{claim}\n")  # a number that was given anew
    assert await place.engine.find(bystander) == claim
    assert (await place.engine.wait(bystander, claim)).how is Stopped.LOST
    assert is_alive(int(claim.partition(":")[0]))
    await place.engine.stop(attempt, obj, 0.0)
    await place.engine.remove(attempt, obj)


async def test_a_keeper_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    """What it had started ends as if nothing had been; what comes later is started all the same."""
    engine = ProcessEngine(tmp_path / "cache")
    place = Place(engine, tmp_path)
    assert await engine.keep()
    attempt = place.attempt(shell="touch up; while [ ! -e go ]; do sleep 0.02; done; exit 5")
    obj = await engine.start(attempt)
    await until((attempt.work / "up").exists)
    record = shim.read_record(attempt.folder)
    assert record is not None and record.keeper is not None
    os.kill(record.keeper.pid, signal.SIGKILL)
    waiting = asyncio.create_task(engine.wait(attempt, obj))
    (attempt.work / "go").touch()
    end = await asyncio.wait_for(waiting, 180)
    assert (end.how, end.code) == (Stopped.EXITED, 5)
    await engine.remove(attempt, obj)
    for n in range(5):  # its end may not have been noticed yet
        other = place.attempt(shell=f"exit {n}")
        try:
            assert (await place.run(other)).code == n
        except Unreachable:
            assert await engine.find(other) is None
    await engine.close()


async def test_a_script_without_a_first_line_is_run_by_a_shell(place: Place) -> None:
    attempt = place.attempt("./script", "a b")
    (attempt.work / "script").write_text('echo "$1"; exit 4\n')
    (attempt.work / "script").chmod(0o755)
    end = await place.run(attempt)
    assert (end.how, end.code) == (Stopped.EXITED, 4)
    assert attempt.log.read_bytes() == b"a b\n"


async def test_an_empty_claim_of_a_dead_shim_never_ran(place: Place) -> None:
    attempt = place.attempt("true")
    (attempt.folder / shim.CLAIM).touch()
    assert await place.engine.find(attempt) is None


async def test_a_process_of_an_earlier_boot_is_lost(place: Place) -> None:
    attempt = place.attempt("true")
    (attempt.folder / shim.CLAIM).write_text(f"{os.getpid()}:1:another-boot\n")
    obj = await place.engine.find(attempt)
    assert obj == f"{os.getpid()}:1:another-boot"
    end = await place.engine.wait(attempt, obj)
    assert end.how is Stopped.LOST
    assert "restarted" in end.message
    await place.engine.stop(attempt, obj, 0.0)


async def test_a_later_process_with_the_same_number_is_left_alone(place: Place) -> None:
    attempt = place.attempt("true")
    bystander = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    identity = f"{bystander.pid}:1:{procs.boot_id()}"
    (attempt.folder / shim.CLAIM).write_text(f"{identity}\n")
    await place.engine.stop(attempt, identity, 0.0)
    assert (await place.engine.wait(attempt, identity)).how is Stopped.LOST
    assert bystander.returncode is None and is_alive(bystander.pid)
    bystander.kill()
    await bystander.wait()


async def test_an_unfinished_record_does_not_count(place: Place) -> None:
    attempt = place.attempt("true")
    identity = f"999999:1:{procs.boot_id()}"
    (attempt.folder / shim.CLAIM).write_text(f"{identity}\ncode 0\n0m0.0s 0m0.0s\n")
    assert (await place.engine.wait(attempt, identity)).how is Stopped.LOST
    (attempt.folder / shim.CLAIM).write_text(
        f"{identity}\ncode 0\n0m0.0s 0m0.1s\n1m2.5s 0m0.0s\nend\n"
    )
    end = await place.engine.wait(attempt, identity)
    assert (end.how, end.code) == (Stopped.EXITED, 0)
    assert end.usage.cpu_s == pytest.approx(62.6)


async def test_a_folder_that_is_gone_is_said(place: Place) -> None:
    attempt = place.attempt("true")
    attempt.work.rmdir()
    obj = await place.engine.start(attempt)
    end = await place.engine.wait(attempt, obj)
    assert end.code not in (0, None)
    assert str(attempt.work) in attempt.log.read_text()


async def test_no_zombies_and_no_descriptors_are_left(place: Place) -> None:
    def dead() -> set[int]:
        children = Path("/proc/thread-self/children").read_text().split()
        return {pid for pid in map(int, children) if not is_alive(pid)}

    await place.run(place.attempt("true"))
    # Other tests of this process left some, which may die or be closed at any time.
    before, others = _descriptors(), dead()
    for _ in range(30):
        await place.run(place.attempt("true"))
    assert _descriptors() < before + 15
    assert len(dead() - others) < 15


async def test_what_was_left_and_died_is_reaped(place: Place) -> None:
    """Orphans are handed to whoever runs the engine: their numbers must not be held for ever."""

    def dead() -> set[str]:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return {pid for pid in children if not is_alive(int(pid))}

    others = dead()  # of other tests of this process
    await place.run(place.attempt(shell="sleep 600 & setsid sleep 600 & exit 0"))
    deadline = time.monotonic() + 180
    while found := dead() - others:  # a look at what is left comes with the end of each attempt
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
        await place.run(place.attempt("true"))


async def test_what_a_stage_sees(tmp_path: Path) -> None:
    base = {
        "PATH": os.environ["PATH"],
        "HOME": "/home/me",
        "PYTHONPATH": "/mine",
        "MLTUI_INPUT_OTHER": "of an outer stage",
    }
    engine = ProcessEngine(tmp_path, base_env=base)
    place = Place(engine, tmp_path)
    attempt = place.attempt("env", MLTUI_INPUT_RAW="/x")
    own = engine.environ(attempt)
    assert own["PYTHONPATH"] == "/mine"
    assert own["PATH"] == base["PATH"]
    built = Built("k", "", "/envs/k")
    inside = engine.environ(replace(attempt, built=built))
    assert "PYTHONPATH" not in inside
    assert inside["PATH"] == f"/envs/k/bin:{base['PATH']}"
    assert inside["VIRTUAL_ENV"] == "/envs/k"
    for env in (own, inside):
        assert env["HOME"] == "/home/me"
        assert env["PYTHONUNBUFFERED"] == env["PYTHONDONTWRITEBYTECODE"] == "1"
        assert env["MLTUI_INPUT_RAW"] == "/x"
        assert "MLTUI_INPUT_OTHER" not in env
    await place.run(attempt)
    seen = dict(line.split("=", 1) for line in attempt.log.read_text().splitlines())
    assert seen.items() >= {k: v for k, v in own.items() if k != "PWD"}.items()
    await engine.close()


async def test_signals_and_descriptors_are_a_programs_own(place: Place) -> None:
    """A runner's ignored signals and open files are nothing a stage should inherit."""
    attempt = place.attempt("sh", "-c", "ls /proc/self/fd | wc -l; grep SigIgn /proc/self/status")
    await place.run(attempt)
    lines = attempt.log.read_text().split()
    assert int(lines[0]) <= 4  # 0, 1, 2, and ls's own
    ignored = int(lines[2], 16)
    assert ignored & ((1 << 12) | (1 << 1) | (1 << 14)) == 0  # PIPE, INT, TERM


async def test_out_of_memory_is_told_from_a_kill(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = iter([5, 6, 7, 8])
    monkeypatch.setattr(procs, "oom_kills", lambda: next(count))
    end = await place.run(place.attempt("sh", "-c", "kill -9 $$"))
    assert (end.how, end.code) == (Stopped.OUT_OF_MEMORY, 137)


def test_the_shim_is_plain_posix_shell() -> None:
    for shell in ("dash", "bash", "busybox"):
        try:
            argv = [shell, "sh"] if shell == "busybox" else [shell]
            done = subprocess.run([*argv, "-n", "-c", shim._SCRIPT], capture_output=True)
        except FileNotFoundError:
            continue
        assert done.returncode == 0, (shell, done.stderr)
