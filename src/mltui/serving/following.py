"""What a replica at a host prints and records, brought to this machine as it comes.

Made by `hosted` for each replica. Files are where those of any replica are, so that logs, windows
of monitors and what is swept up later know no difference.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from mltui.engines.hosting import Host, Hosting
from mltui.errors import MltuiError
from mltui.runs.project import Project
from mltui.serving.replicas import folder_of, last_line, records_of
from mltui.serving.rows import Replica

log = logging.getLogger("mltui.supervisor")

_LAST_S = 20.0
_AGAIN_S = 5.0
_LOOK_S, _LOOKS = 0.1, 200


class Follower:
    """The log and the records of one replica."""

    def __init__(self, project: Project, host: Host, hosting: Hosting, replica: Replica) -> None:
        assert replica.object is not None
        self._host, self._hosting, self._object = host, hosting, replica.object
        self._log = folder_of(project, replica.deployment) / str(replica.number) / "log"
        self._records = records_of(project, replica.deployment, replica.number)
        self._records.parent.mkdir(parents=True, exist_ok=True)
        self._tasks = [
            asyncio.create_task(self._keep(host.follow_log, self._log)),
            asyncio.create_task(self._keep(host.follow_records, self._records)),
        ]
        self._last: asyncio.Task[None] | None = None

    async def _keep(
        self, follow: Callable[[Hosting, str, Path], Awaitable[None]], file: Path
    ) -> None:
        while True:
            try:
                await follow(self._hosting, self._object, file)
                return
            except MltuiError as error:
                log.info("%s: %s", self._object, error)
            except OSError as error:
                log.warning("%s can't be written: %s", file, error)
            await asyncio.sleep(_AGAIN_S)

    def end(self) -> None:
        """The replica is gone: what is left of its records is brought, then no more."""
        self._last = asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        printed, recorded = self._tasks
        recorded.cancel()
        await asyncio.wait([printed], timeout=_LAST_S)
        printed.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._host.forget_records(self._hosting, self._object, self._records)
        except (MltuiError, OSError) as error:
            log.warning("the last records of %s are not here: %s", self._object, error)

    def let_go(self) -> None:
        """The supervisor goes; another one goes on from where the files end."""
        for task in (*self._tasks, self._last):
            if task is not None:
                task.cancel()

    async def last_words(self) -> str:
        """What the replica said last, as far as a sentence takes it.

        It may have ended before its log began to be followed: waited for a moment.
        """
        for _ in range(_LOOKS):
            if said := last_line(self._log):
                return said
            await asyncio.sleep(_LOOK_S)
        return ""
