"""After an attempt's end is in the journal: remove what nobody needs any more.

Called by `executing`. Nothing waits for it but the end of the run; what can't be removed is said in
the runner's log and left to `mltui gc`.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from mltui.engines.protocol import Attempt, Engine
from mltui.errors import MltuiError
from mltui.runs.attempts import Place, remove_tree

log = logging.getLogger(__name__)

_MANY = 2000
_MUCH_BYTES = 16 << 20
_PATIENCE_S = 15.0
"""Small folders are removed so many or so much at a time, after so long, or with the run: one `rm`
for all of them costs less than removing each from Python, beside a loop that wants the interpreter
too. And ext4 gives no inode again soon after it was freed, but looks at each of those whenever it
makes a file: what is removed while a run makes thousands of files makes each of them dearer."""


class Tidier:
    """Removals that are under way for one run."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Future[None]] = set()
        self._sweeper: ThreadPoolExecutor | None = None
        self._waiting: list[Path] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def tidy(self, place: Place, *, has_secrets: bool, is_done: bool, size_bytes: int = 0) -> None:
        """An attempt's secrets at once; its working folder if it succeeded, else it stays.

        size_bytes: what was copied into the working folder; a large one does not wait.
        """
        if has_secrets:
            try:
                remove_tree(place.secrets)
            except OSError as error:
                log.warning("secrets are left behind: %s", error)
        if not is_done:
            return
        self._waiting.append(place.work)
        self._bytes += size_bytes
        if self._bytes > _MUCH_BYTES or len(self._waiting) >= _MANY:
            self._sweep()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PATIENCE_S, self._sweep)

    def release(self, engine: Engine, attempt: Attempt, obj: str | None) -> None:
        """Let the engine clean up after an attempt."""
        forget = getattr(engine, "forget", None)
        if forget is not None:  # there is nothing to wait for
            forget(obj)
            return

        async def remove() -> None:
            with suppress(MltuiError):  # what is left there has the project's labels
                await engine.remove(attempt, obj)

        self._follow(asyncio.ensure_future(remove()))

    async def settle(self) -> None:
        """Wait until all of it is done."""
        self._sweep()
        if self._under_way:
            await asyncio.wait(self._under_way)
        if self._sweeper is not None:
            self._sweeper.shutdown()
            self._sweeper = None

    def let_go(self) -> None:
        """Forget what waits: whoever adopts the run sweeps it."""
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        """Remove what waits, in a thread: a file system takes its time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        folders, self._waiting, self._bytes = self._waiting, [], 0
        if folders:
            loop = asyncio.get_running_loop()
            self._sweeper = self._sweeper or ThreadPoolExecutor(1, "mltui-sweeper")
            self._follow(loop.run_in_executor(self._sweeper, _remove_all, folders))

    def _follow(self, work: asyncio.Future[None]) -> None:
        self._under_way.add(work)
        work.add_done_callback(self._done)

    def _done(self, work: asyncio.Future[None]) -> None:
        self._under_way.discard(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            log.warning("something was left behind: %s", error)


def _remove_all(folders: Sequence[Path]) -> None:
    """Remove folders; what `rm` can't (a stage may have taken its own rights away), we can."""
    with suppress(OSError):
        subprocess.run(
            ["rm", "-rf", "--", *map(str, folders)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    for folder in folders:
        remove_tree(folder)
