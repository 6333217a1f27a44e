"""Brings logs of containers and pods into files while `mltui logs` prints them, in a thread.

The thread has an event loop of its own; it ends with the process. Which objects a target means is
found out here too, and pods of a selector that come later join.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mltui.errors import UsageError
from mltui.live.logstate import Following, LogState
from mltui.logs.timed import Note

DOCKER = ("container", "containers", "compose")
"""What is named `WORD/NAME` and is on a Docker host."""
_GATHER_S, _OPEN_S, _CALM_S = 0.016, 0.004, 0.1
_MANY_BYTES = 1 << 11


@dataclass(slots=True)
class Stream:
    """One log that is being brought into a file."""

    label: str
    path: Path
    is_over: bool = False
    notes: list[Note] = field(default_factory=list)
    """What is to be said between its lines."""
    about: dict[str, Any] = field(default_factory=dict)
    """What its lines' JSON objects say of it."""
    says_end: bool = False
    """It is followed: that it is over is worth a word."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked of the logs."""

    follow: bool
    previous: bool = False
    containers: tuple[str, ...] = ()
    """Of pods; patterns of names, as a shell's. None: all."""
    without_containers: tuple[str, ...] = ()
    without_pods: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    selector: str = ""
    fields: tuple[str, ...] = ()
    """Field selectors of pods; all of them hold."""
    since_s: int | None = None
    tail: int | None = None
    """Begin so many lines before its end."""


class Pumps:
    """All streams of one call. `said` hears sentences for the person, in the thread."""

    def __init__(self, wish: Wish, said: Callable[[str], None]) -> None:
        self.streams: list[Stream] = []
        self.error: Exception | None = None
        """Why nothing can be had."""
        self.refused: set[str] = set()
        """Logs that could not be read."""
        self.is_over = False
        self._wish = wish
        self.said = said
        self._told: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="mltui-logs-")
        self._lock = threading.Lock()
        self.is_found = threading.Event()
        """The first objects are known, or there is an error."""

    def start(self, targets: Sequence[str]) -> None:
        """Begin, in a thread that ends with the process."""
        threading.Thread(target=self._run, args=(list(targets),), daemon=True).start()

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def _run(self, targets: list[str]) -> None:
        try:
            asyncio.run(self._all_gathered(targets))
        except OSError as error:
            self.error = UsageError(f"the logs can't be kept here: {error.strerror}")
        except Exception as error:  # whatever it is, the call has not done what was asked
            self.error = error
        finally:
            self.is_over = True
            self.is_found.set()

    async def _all_gathered(self, targets: list[str]) -> None:
        if all(each.partition("/")[0] in DOCKER for each in targets):
            await self._all(targets)  # a local socket holds too few lines to let them gather
            return
        gathering = asyncio.create_task(self._gather())
        try:
            await self._all(targets)
        finally:
            gathering.cancel()

    async def _gather(self) -> None:
        """While much comes, stop this thread for moments in which it gathers in the kernel.

        Hosts send a busy log line by line, and a turn of the loop for each costs more than the
        line does. No screen waits for this loop.
        """
        before = 0
        while True:
            size = sum(stream.path.stat().st_size for stream in self.streams)
            is_busy, before = size - before > _MANY_BYTES, size
            if is_busy:
                time.sleep(_GATHER_S)  # noqa: ASYNC251
            await asyncio.sleep(_OPEN_S if is_busy else _CALM_S)

    async def _all(self, targets: list[str]) -> None:
        docker = [each for each in targets if each.partition("/")[0] in DOCKER]
        kube = [each for each in targets if each not in docker]
        work: list[Coroutine[Any, Any, None]] = []
        if kube:
            from mltui.cli.logpods import Pods

            work.append(Pods(self, self._wish, kube).run())
        if docker:
            from mltui.cli.logcontainers import Containers

            work.append(Containers(self, self._wish, docker).run())
        await asyncio.gather(*work)

    def new(self, label: str, about: dict[str, Any], *, says_end: bool = False) -> Stream:
        """One more log, with an empty file."""
        with self._lock:
            path = Path(self._folder.name) / str(len(self.streams))
            path.touch()
            stream = Stream(label, path, about=about, says_end=says_end)
            self.streams.append(stream)
        return stream

    def hear(self, label: str, state: LogState) -> None:
        """Say what keeps a log from being followed, once."""
        if state.following is Following.FOLLOWING:  # what may be lost is said among the lines
            self._told.pop(label, None)
            return
        if state.following is Following.REFUSED:
            self.refused.add(label)
        words = f"{label}: {state.why}"
        if state.why and self._told.get(label) != words:
            self.said(words)
        self._told[label] = words
