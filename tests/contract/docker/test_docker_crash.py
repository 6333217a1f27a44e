"""A runner is killed with SIGKILL at some point of an attempt; another one takes over."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from mltui.engines.docker import DockerEngine
from mltui.engines.docker.names import container_name
from mltui.engines.protocol import Attempt, Stopped
from mltui.errors import StartFailed

from .box import Box, read


async def _started_by_another(
    box: Box, shell: str, far: str, outputs: tuple[str, ...] = ()
) -> tuple[Attempt, str]:
    """An attempt whose starter is dead already, and the container it had made."""
    attempt = await box.attempt(shell=shell, outputs=outputs)
    assert attempt.built is not None
    order = {
        "environ": box.host.environ,
        "folder": str(attempt.folder),
        "name": attempt.name,
        "labels": dict(attempt.labels),
        "argv": attempt.argv,
        "image": attempt.built.location,
        "outputs": attempt.outputs,
        "until": far,
    }
    starter = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("starter.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert starter.stdin is not None and starter.stdout is not None
    starter.stdin.write(json.dumps(order).encode())
    starter.stdin.close()
    obj = (await starter.stdout.readline()).decode().strip()
    os.kill(starter.pid, signal.SIGKILL)
    await starter.wait()
    assert obj
    return attempt, obj


@pytest.mark.parametrize("far", ["started", "waiting"])
async def test_adopts_what_was_started(box: Box, far: str) -> None:
    shell = "for i in 1 2 3 4; do echo $i; sleep 0.7; done; echo out >o; exit 0"
    attempt, obj = await _started_by_another(box, shell, far, ("o",))
    assert await box.engine.find(attempt) == obj
    end = await asyncio.wait_for(box.engine.wait(attempt, obj), 180)
    assert (end.how, end.code) == (Stopped.EXITED, 0)
    assert attempt.log.read_bytes() == b"1\n2\n3\n4\n"
    assert (attempt.work / "o").read_text() == "out\n"
    await box.engine.remove(attempt, obj)


async def test_knows_how_it_ended_meanwhile(box: Box) -> None:
    attempt, obj = await _started_by_another(box, "echo done; exit 7", "started")
    await asyncio.sleep(1)
    assert await box.engine.find(attempt) == obj
    end = await box.engine.wait(attempt, obj)
    assert (end.how, end.code) == (Stopped.EXITED, 7)
    assert attempt.log.read_bytes() == b"done\n"
    await box.engine.remove(attempt, obj)


@pytest.mark.parametrize("far", ["created", "claimed"])
async def test_what_was_made_and_not_started_never_starts(box: Box, far: str) -> None:
    attempt, obj = await _started_by_another(box, "echo ran", far)
    assert obj in box.host.containers()
    assert await box.engine.find(attempt) is None
    assert obj not in box.host.containers()
    assert await box.engine.find(attempt) is None
    assert (await box.run(attempt)).code == 0, "it can be started anew"
    assert attempt.log.read_bytes() == b"ran\n"


async def test_find_before_any_start_shuts_the_door(box: Box) -> None:
    attempt = await box.attempt(shell="echo ran")
    late = box.another()
    assert await box.engine.find(attempt) is None
    with pytest.raises(StartFailed, match="another runner has taken"):
        await late.start(attempt)
    await late.close()
    assert not box.host.containers()
    assert (await box.run(attempt)).code == 0


async def test_either_the_starter_or_the_finder_wins(box: Box) -> None:
    """Whatever the moment: a container that was denied never runs, one that was found does."""
    won = {"starter": 0, "finder": 0}
    for number in range(12):
        attempt = await box.attempt(shell="echo ran")
        starter, finder = box.another(), box.another()
        starting = asyncio.create_task(_start(starter, attempt))
        await asyncio.sleep(number * 0.02)
        found = await finder.find(attempt)
        started = await starting
        assert found == started, f"after {number * 20} ms"
        won["starter" if started else "finder"] += 1
        if started:
            assert (await finder.wait(attempt, started)).code == 0
            await finder.remove(attempt, started)
        assert read(attempt.log) == (b"ran\n" if started else b"")
        names = box.host.run("ps", "-a", "--format", "{{.Names}}").split()
        assert container_name(attempt.name) not in names
        await starter.close()
        await finder.close()
    assert won["finder"], won


async def _start(engine: DockerEngine, attempt: Attempt) -> str | None:
    try:
        return await engine.start(attempt)
    except StartFailed:
        return None


async def test_a_second_start_does_not_run_it_twice(box: Box) -> None:
    attempt = await box.attempt(shell="echo ran; sleep 600")
    obj = await box.engine.start(attempt)
    other = box.another()
    with pytest.raises(StartFailed, match="runs already"):
        await other.start(attempt)
    assert box.host.containers() == [obj]
    await other.stop(attempt, obj, 0)
    await other.remove(attempt, obj)
    await other.close()


async def test_removed_before_it_began(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = await box.attempt(shell="echo ran")
    carrier = box.engine._carrier
    fill = carrier.fill

    async def fill_and_lose(attempt: Attempt, obj: str) -> None:
        await fill(attempt, obj)
        box.host.run("rm", obj)

    monkeypatch.setattr(carrier, "fill", fill_and_lose)
    with pytest.raises(StartFailed, match="removed by somebody else before it began"):
        await box.engine.start(attempt)


async def test_remove_needs_no_identity(box: Box) -> None:
    attempt, obj = await _started_by_another(box, "sleep 600", "started")
    await box.engine.remove(attempt, None)
    assert obj not in box.host.containers()
