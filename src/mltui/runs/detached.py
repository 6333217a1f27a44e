"""What the detached processes of a project share: one of a kind at work, while it is needed.

Used by the runner and by the supervisor. Each holds a lock of its own; whoever asks while one is
about to go has not started another, so it looks once more after it has let go of the lock.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Protocol

from mltui.runs.lock import RunnerLock


class Worker(Protocol):
    """A runner, a supervisor."""

    async def serve(self) -> None:
        """Work until nothing is left."""
        ...

    def is_needed(self) -> bool:
        """Whether something is left that it could see to."""
        ...


def work(lock: RunnerLock, make: Callable[[], Worker], log: logging.Logger) -> None:
    """Have one at work until nothing is left, a signal ends it or another has the lock."""
    while lock.take():
        try:
            worker = make()
            if not asyncio.run(_serve(worker, log)):
                return
        finally:
            lock.release()
        if not worker.is_needed():
            return


async def _serve(worker: Worker, log: logging.Logger) -> bool:
    """Serve until nothing is left; False when a signal ended it before."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await worker.serve()
    except asyncio.CancelledError:
        log.info("told to end")
        return False
    return True
