"""A daemon is stopped, killed and started again while a stage runs: lost, or carried on."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.engines.protocol import Attempt, Stopped
from mltui.errors import Unreachable

from .box import Box, read, until

if TYPE_CHECKING:
    from tests.testbed.docker import OwnDocker

TINY = import_module("testbed.docker").TINY_IMAGE
WAITS = "echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done; "
pytestmark = pytest.mark.slow


@pytest.fixture
async def mine(own_docker: OwnDocker, tmp_path: Path) -> AsyncIterator[Box]:
    """An engine on a daemon that may be stopped."""
    made = Box(own_docker, tmp_path, image=TINY)
    yield made
    await made.engine.close()


async def _running(box: Box, shell: str) -> tuple[Attempt, str, asyncio.Task[object]]:
    attempt = await box.attempt(shell=shell)
    obj = await box.engine.start(attempt)
    waiting: asyncio.Task[object] = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"one\n")
    return attempt, obj, waiting


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_loses_what_ran(own_docker: OwnDocker, mine: Box, number: int) -> None:
    attempt, obj, waiting = await _running(mine, "echo one; sleep 300")
    await asyncio.to_thread(own_docker.stop, number)
    with pytest.raises(Unreachable):
        await asyncio.wait_for(waiting, 180)
    with pytest.raises(Unreachable, match="not running"):
        await mine.engine.find(attempt)
    await asyncio.to_thread(own_docker.start)
    assert await mine.engine.find(attempt) == obj
    end = await asyncio.wait_for(mine.engine.wait(attempt, obj), 180)
    assert end.how is Stopped.LOST, end
    assert "daemon was restarted" in end.message
    other = mine.another()  # a runner that saw nothing of it says the same
    assert (await other.wait(attempt, obj)).how is Stopped.LOST
    await other.close()
    assert attempt.log.read_bytes() == b"one\n"
    await mine.engine.remove(attempt, obj)
    again = await mine.run(attempt_again := await mine.attempt(shell="echo again"))
    assert (again.how, again.code) == (Stopped.EXITED, 0)
    assert attempt_again.log.read_bytes() == b"again\n"


async def test_with_live_restore_it_is_carried_on(own_docker: OwnDocker, mine: Box) -> None:
    own_docker.stop()
    config = own_docker.folder / "daemon.json"
    config.write_text(json.dumps({"live-restore": True}))
    own_docker.arguments = ["--config-file", str(config)]
    await asyncio.to_thread(own_docker.start)
    attempt, obj, waiting = await _running(mine, WAITS + "echo two; exit 5")
    await asyncio.to_thread(own_docker.stop, signal.SIGKILL)
    with pytest.raises(Unreachable):
        await asyncio.wait_for(waiting, 180)
    await asyncio.to_thread(own_docker.start)
    own_docker.run("exec", obj, "sh", "-c", ": > /tmp/go")
    end = await asyncio.wait_for(mine.engine.wait(attempt, obj), 180)
    assert (end.how, end.code) == (Stopped.EXITED, 5)
    assert attempt.log.read_bytes() == b"one\ntwo\n"
    await mine.engine.remove(attempt, obj)
