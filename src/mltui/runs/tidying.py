"""After an attempt's end is in the journal: remove what nobody needs any more.

Called by `executing`. Nothing waits for it but the end of the run; what can't be removed is said in
the runner's log and left to `mltui gc`.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from mltui.engines.protocol import Attempt, Engine
from mltui.errors import MltuiError
from mltui.runs.attempts import Place, remove_tree

log = logging.getLogger(__name__)


class Tidier:
    """Removals that are under way for one run."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Future[None]] = set()
        self._sweeper: ThreadPoolExecutor | None = None

    def tidy(self, place: Place, *, has_secrets: bool, is_done: bool) -> None:
        """An attempt's secrets at once; its working folder if it succeeded, else it stays."""
        if has_secrets:
            try:
                remove_tree(place.secrets)
            except OSError as error:
                log.warning("secrets are left behind: %s", error)
        if is_done:
            self._remove_later(place.work)

    def release(self, engine: Engine, attempt: Attempt, obj: str | None) -> None:
        """Let the engine clean up after an attempt."""

        async def remove() -> None:
            with suppress(MltuiError):  # what is left there has the project's labels
                await engine.remove(attempt, obj)

        self._follow(asyncio.ensure_future(remove()))

    async def settle(self) -> None:
        """Wait until all of it is done."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        if self._sweeper is not None:
            self._sweeper.shutdown()
            self._sweeper = None

    def _remove_later(self, folder: Path) -> None:
        """In a thread: a file system takes its time, and the next stage need not wait for it."""
        loop = asyncio.get_running_loop()
        self._sweeper = self._sweeper or ThreadPoolExecutor(1, "mltui-sweeper")
        self._follow(loop.run_in_executor(self._sweeper, remove_tree, folder))

    def _follow(self, work: asyncio.Future[None]) -> None:
        self._under_way.add(work)
        work.add_done_callback(self._done)

    def _done(self, work: asyncio.Future[None]) -> None:
        self._under_way.discard(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            log.warning("something was left behind: %s", error)
