"""Tasks beside the runner's loop: what one raises is heard, whoever started it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


def spawn(
    work: Awaitable[None],
    tasks: set[asyncio.Task[None]],
    fail: Callable[[BaseException], None],
) -> None:
    """Do this as a task, which is one of `tasks` until it ends; `fail` is told what it raises.

    A cancelled one has not failed.
    """

    async def guarded() -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            fail(error)

    task = asyncio.get_running_loop().create_task(guarded())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
