"""A runner is killed with SIGKILL; another one takes over what it had started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from mltui.engines.protocol import Attempt, Stopped

from .place import Place, is_same, until


async def _started_by_another(near: Place, shell: str) -> tuple[Attempt, str]:
    """An attempt whose starter is dead already, and the identity the starter gave."""
    attempt = near.attempt(shell=shell)
    attempt = replace(attempt, name=f"t-{attempt.folder.name}", labels={})
    starter = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("starter.py")), near.engine.name,
        str(near.root), str(attempt.folder), shell,
        "kept" if near.prepare is not None else "not", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert starter.stdout is not None
    obj = (await starter.stdout.readline()).decode().strip()
    os.kill(starter.pid, signal.SIGKILL)
    await starter.wait()
    return attempt, obj


async def test_adopts_one_that_still_runs(near: Place) -> None:
    shell = "echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; exit 6"
    attempt, obj = await _started_by_another(near, shell)
    await until(lambda: attempt.log.exists() and attempt.log.read_bytes() == b"one\n")
    assert await near.engine.find(attempt) == obj
    waiting = asyncio.create_task(near.engine.wait(attempt, obj))
    await asyncio.sleep(0)
    (attempt.work / "go").touch()
    end = await asyncio.wait_for(waiting, 180)
    assert (end.how, end.code) == (Stopped.EXITED, 6)
    assert attempt.log.read_bytes() == b"one\ntwo\n"
    assert end.usage.cpu_s is not None
    await near.engine.remove(attempt, obj)


async def test_knows_how_it_ended_meanwhile(near: Place) -> None:
    attempt, obj = await _started_by_another(near, "echo done; touch ended; exit 7")
    await until((attempt.work / "ended").exists)
    assert is_same(await near.engine.find(attempt), obj)
    end = await near.engine.wait(attempt, obj)
    assert (end.how, end.code) == (Stopped.EXITED, 7)
    await near.engine.remove(attempt, obj)


async def test_stops_what_it_adopted(near: Place) -> None:
    attempt, obj = await _started_by_another(near, "trap '' TERM; touch up; sleep 600 & wait")
    await until((attempt.work / "up").exists)
    await near.engine.stop(attempt, obj, 0.1)
    end = await near.engine.wait(attempt, obj)
    assert end.how is Stopped.SIGNALLED
    await near.engine.remove(attempt, obj)


async def test_one_that_vanished_is_lost_not_failed(near: Place) -> None:
    attempt, obj = await _started_by_another(near, "touch up; sleep 600")
    await until((attempt.work / "up").exists)
    # By its group, as a person with `kill -9` would: nobody is left to say how it ended.
    os.killpg(int(obj.partition(":")[0]), signal.SIGKILL)
    end = await near.engine.wait(attempt, obj)
    if near.prepare is not None:  # but a keeper: it is nobody's of that group
        assert (end.how, end.code) == (Stopped.SIGNALLED, 137)
    else:
        assert (end.how, end.code) == (Stopped.LOST, None)
        assert "vanished" in end.message
    await near.engine.remove(attempt, obj)
