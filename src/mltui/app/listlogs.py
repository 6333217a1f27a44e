"""The logs of a list's things on screen: of one, or of several as one, by time.

Owned by `lists`. The source says which logs there are and how they come here; each is brought into
a file, and the log pane shows the files. What joins, leaves, restarts or may have been lost is
marked in the stream.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.app.sources.source import LogOf, Logs
from mltui.errors import MltuiError
from mltui.live.logstate import Following, LogState
from mltui.live.told import LEFT_OUT
from mltui.logs.index import LogIndex
from mltui.logs.merge import MOST_SOURCES, Merged, MergeSource
from mltui.logs.timed import Note, TimedIndex
from mltui.logs.times import TimeReader, local_offset_s

if TYPE_CHECKING:
    from textual.worker import Worker

    from mltui.app.lists import Lists
    from mltui.app.workbench import Workbench

LOG_LINES = 20_000
"""A log that is longer is begun so many lines before its end, until its first line is asked for."""
PATIENCE_S = 3.0
"""So long what was written before is waited for, so that it stands in order of time."""


NEWS_S = 6.0
"""A container whose log is over sooner had ended before it was looked at: that is no news."""


class ListLogs:
    """What brings the logs on screen here, and what is said of them."""

    def __init__(self, bench: Workbench, lists: Lists) -> None:
        self._bench = bench
        self._lists = lists
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()
        self._worker: Worker[None] | None = None
        self._states: dict[Path, LogState] = {}
        self._asked: tuple[str | None, Sequence[Any], str] = (None, (), "")
        self._tail: int | None = LOG_LINES
        self._notes: list[list[Note]] = []
        self.files: set[Path] = set()
        """Those on screen."""
        self.said = ""
        """How they stand, for the header; empty: they are followed."""

    def show_whole(self) -> None:
        """Show the same logs from their first lines on."""
        left_out = any(note.words == LEFT_OUT for notes in self._notes for note in notes)
        if left_out and self._tail is not None and self._worker is not None:
            self.end()
            self.show(*self._asked, tail=None)

    def show(
        self, key: str | None, rows: Sequence[Any], which: str, tail: int | None = LOG_LINES
    ) -> None:
        """Show the logs of these rows; *key*: of the one row that it is about."""
        self._asked, self._tail = (key, rows, which), tail
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="mltui-")
        folder = Path(self._folder.name) / str(next(self._numbers))
        self._worker = self._bench.run_worker(
            self._show(key, list(rows), which, folder), group="watch", exit_on_error=True
        )

    def end(self) -> None:
        """They are not looked at any more."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        self._states.clear()
        self._notes.clear()
        self.files, self.said = set(), ""

    async def close(self) -> None:
        """The app ends."""
        self.end()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    def files_changed(self, files: set[Path]) -> None:
        """Some files have more in them."""
        if files & self.files:
            self._lists.pane.log_pane.wake()

    async def _show(self, key: str | None, rows: list[Any], which: str, folder: Path) -> None:
        lists = self._lists
        try:
            logs = await lists.source.logs(lists.kind, rows, folder, which)
            if logs is None:
                return
            async with asyncio.TaskGroup() as group, aclosing(logs.come):
                if logs.is_one:
                    await self._show_one(key, logs, group)
                else:
                    await self._show_many(key, logs, group)
        except* MltuiError as errors:
            self._bench.notice(str(errors.exceptions[0]), bad=True)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    async def _show_one(self, key: str | None, logs: Logs, group: asyncio.TaskGroup) -> None:
        (log,) = await anext(logs.come)
        index = self._index(log)
        self.files = {log.file}
        self._lists.pane.show_log(key, index, logs.title, self._target(logs, [log]))
        self._shown()
        if log.follow is not None:
            group.create_task(self._follow(log, asyncio.Event()))

    async def _show_many(self, key: str | None, logs: Logs, group: asyncio.TaskGroup) -> None:
        merged = Merged()
        shown: list[LogOf] = []
        async for found in logs.come:
            some = found[: MOST_SOURCES - len(shown)]
            if len(some) < len(found):
                left = len(found) - len(some)
                self._bench.notice(f"{left} more left out: {MOST_SOURCES} logs at a time")
                if shown and not some:
                    continue
            read = [asyncio.Event() for _ in some]
            sources = [self._source(log) for log in some]
            for log, source, event in zip(some, sources, read, strict=True):
                self.files = self.files | {log.file}
                group.create_task(self._member(source, log, event, is_first=not shown))
                if shown:
                    group.create_task(self._join(merged, source, log, event))
            if shown:
                shown += some
                self._lists.pane.log_pane.target = self._target(logs, shown)
                self._watch()
                continue
            shown += some
            words = "reading…" if shown else "none has come yet"
            self._lists.pane.show_log(key, None, f"{logs.title}, {words}", "")
            self._shown()
            if not shown:
                continue
            await self._until_read(read)
            for source in sources:
                merged.add(source)
            title, target = logs.title, self._target(logs, shown)
            self._lists.pane.show_log(key, merged, title, target)
            self._shown()

    async def _join(
        self, merged: Merged, source: MergeSource, log: LogOf, read: asyncio.Event
    ) -> None:
        await self._until_read([read])
        merged.add(source, f"{log.label} joined")
        self._lists.pane.log_pane.wake()

    async def _until_read(self, read: Sequence[asyncio.Event]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                for event in read:
                    await event.wait()
        except TimeoutError:
            pass  # the rest stands where it comes

    async def _member(
        self, source: MergeSource, log: LogOf, read: asyncio.Event, *, is_first: bool
    ) -> None:
        if log.follow is None:
            read.set()
            return
        begun = time.monotonic()
        await self._follow(log, read)
        source.is_over = True
        state = self._states.get(log.file)
        is_gone = state is not None and state.following is Following.GONE
        if is_gone or not is_first or time.monotonic() > begun + NEWS_S:
            source.farewell = f"{log.label} left"
        self._lists.pane.log_pane.wake()

    async def _follow(self, log: LogOf, read: asyncio.Event) -> None:
        assert log.follow is not None

        def hear(state: LogState) -> None:
            if state.following is not Following.READING and not read.is_set():
                read.set()
                scene = self._lists.pane.log_pane.scene
                if scene is not None:
                    scene.relayout()  # what is said above the first line is known now
                    scene.view.has_seen_all()  # what was there is no news
            self._states[log.file] = state
            self._say()

        try:
            await log.follow(hear, self._tail)
        except OSError as error:
            self._bench.notice(f"the log can't be kept here: {error.strerror}", bad=True)
        finally:
            read.set()

    def _index(self, log: LogOf) -> LogIndex:
        if log.follow is None:
            return LogIndex(log.file)
        log.file.parent.mkdir(parents=True, exist_ok=True)
        log.file.touch()
        self._notes.append(log.notes)
        return TimedIndex(log.file, log.notes)

    def _source(self, log: LogOf) -> MergeSource:
        times = TimeReader(time.time(), local_offset_s())

        def time_of(position: int, raw: bytes) -> float | None:
            found = times.read(raw)
            return found.at if found is not None else None

        return MergeSource(log.label, self._index(log), time_of, target=log.target)

    def _target(self, logs: Logs, shown: Sequence[LogOf]) -> str:
        words = list(dict.fromkeys(log.target for log in shown))
        targets = [logs.target] if logs.target else words
        return " ".join([*targets, logs.options]).strip() if all(targets) else ""

    # --- what is said ---------------------------------------------------------------------------

    def _say(self) -> None:
        thing = "pod" if self._lists.is_kube else "container"
        words = {
            Following.READING: "",
            Following.FOLLOWING: "",
            Following.ENDED: "ended",
            Following.GONE: f"the {thing} is gone",
        }
        states = list(self._states.values())
        found = [state.why or words.get(state.following, "") for state in states]
        if len(states) > 1:
            troubles = [state.why for state in states if state.why]
            ended = sum(state.following in (Following.ENDED, Following.GONE) for state in states)
            found = [*troubles[:1], f"{ended} of {len(states)} ended" if ended else ""]
        self.said = "  ".join(word for word in found if word)
        self._lists.pane.log_pane.wake()
        self._bench.frame.show()

    def _shown(self) -> None:
        if self._tail is None:
            self._lists.pane.log_pane.follow = False  # the first line was asked for
        self._watch()
        self._bench.frame.show()

    def _watch(self) -> None:
        self._lists.watch()
