"""Brings a log into a `TimedFile` over broken connections, ends and beginnings.

Called by `live.logs` and `live.kube.logs`, which know how their hosts are asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing, suppress
from enum import StrEnum
from typing import Protocol

from mltui.errors import MltuiError, Unreachable
from mltui.live.gaps import Question
from mltui.live.logstate import Following, LogState
from mltui.live.timedlog import TimedFile
from mltui.live.told import LOSS

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_AGAIN_S, _LONGEST_AGAIN_S = 0.5, 2.0

_SILENT_S, _LONGEST_SILENT_S = 5.0, 60.0
_LATE_SILENT_S = 1.0
"""A log that came late may have lost its end."""
_HOLD_S = 0.25
_IN_FLIGHT_S = 2.0
_FILES_S = 0.25
_MUCH_BYTES = 64 << 10
_NO_FILES_S = 30.0

Chunks = Callable[[str, bool], AsyncGenerator[bytes]]
"""Asks for the log from a time on (RFC 3339; empty: from its beginning), times before lines, once
or followed."""

Again = Callable[[str], AsyncGenerator[bytes]]
"""Asks for the log as it is kept now, from a time on, without any effect."""

Older = Callable[[], AsyncGenerator[bytes]]
"""What is to be had of a log before what its host gives as its beginning: whole timed lines."""


class Files(Protocol):
    """The files in which a host keeps a log, the earlier ones too."""

    @property
    def cut_ends(self) -> Collection[bytes]:
        """Ends of lines that are in two files: they came whole, and the host's log may give them
        once more, each as a line of its own."""
        ...

    async def can_be_read(self) -> bool:
        """Whether this person may, there and now. Unreachable."""
        ...

    def after(self, last: bytes) -> AsyncGenerator[bytes]:
        """Whole timed lines, in order: from before or at this one on, or from the first there is.

        MltuiError.
        """
        ...


async def take(
    file: TimedFile,
    chunks: Chunks,
    *,
    follow: bool,
    goes_on: Callable[[], Awaitable[bool]],
    said: Callable[[LogState], None] = lambda state: None,
    reads_first: bool = False,
    waits: Callable[[MltuiError], str] = lambda error: "",
    again: Again | None = None,
    files: Files | None = None,
    older: Older | None = None,
) -> None:
    """Add what the file lacks until the log is over; with *follow* also over broken connections.

    *goes_on* is asked after an end: whether more may come. *reads_first*: fetch what is there
    before following, so that it is known when all of that has come. *waits* says why a refusal
    will pass; of others MltuiError is raised. *again* is asked where lines may be missing; *files*
    are read where it lacks them, or where the log comes too late. *older* comes first of all.
    """
    host = _Host(file, again, files, follow=follow)
    pause_s, again_s, is_over = _FIRST_PAUSE_S, _AGAIN_S, False
    if reads_first:
        said(LogState(Following.READING))
    while True:
        size = file.size
        try:
            if file.is_broken_off:
                if not await host.settle():
                    await host.catch_up()
                await host.make_sure()
            if older is not None and not file.size:
                await host.begin(older())
            file.begin()
            if reads_first:
                await _read(chunks(file.since, False), file, host)
                file.end(is_over=False)
                file.has_begun()
                file.begin()
            reads_first = False
            if not is_over:  # an ended log is looked at again and again
                said(host.state)
            stream = _Stream(chunks(file.since, follow), file, host if follow else None)
            is_left = False
            async with aclosing(stream.chunks()) as coming:
                async for data in coming:
                    file.feed(data)
                    if is_left := not await host.settle() or await host.is_late():
                        break
                    is_over = is_over and file.size == size
                    if not is_over:
                        said(host.state)
            if is_left:
                file.drop()
                file.end(is_over=False)
                await host.catch_up()
                continue
            if stream.is_left:
                file.end(is_over=False)
                await host.make_sure()
                continue
            if follow:  # hosts end a followed log with its program, and not always after all of it
                file.end(is_over=False)
                file.begin()
                await _read(chunks(file.since, False), file, host)
            pause_s = _FIRST_PAUSE_S
        except MltuiError as error:
            why = str(error) if isinstance(error, Unreachable) else waits(error)
            if not follow or not why:
                file.end(is_over=False)
                raise
            file.break_off()
            said(LogState(Following.LOST, why))
            is_over = False
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            continue
        file.end(is_over=True)
        is_over = True
        said(LogState(Following.ENDED))
        if not follow or not await goes_on():
            return
        again_s = _AGAIN_S if file.size > size else min(2 * again_s, _LONGEST_AGAIN_S)
        await asyncio.sleep(again_s)


async def _read(chunks: AsyncGenerator[bytes], file: TimedFile, host: _Host) -> None:
    """What there is now; a last line without newline is left to `TimedFile.end`."""
    is_whole = True
    async with aclosing(chunks):
        async for data in chunks:
            file.feed(data)
            if not (is_whole := await host.settle()):
                break
    if is_whole:
        file.release()
        is_whole = await host.settle()
    if not is_whole:
        file.end(is_over=False)
        await host.catch_up()
    elif file.is_unseen:
        file.end(is_over=False)
        await host.make_sure()


class _Host:
    """Who keeps a log, as far as it is asked where lines may be missing."""

    def __init__(
        self, file: TimedFile, again: Again | None, files: Files | None, *, follow: bool
    ) -> None:
        self._file, self._again, self._files, self._follow = file, again, files, follow
        self._no_files_until = 0.0

    @property
    def is_asked(self) -> bool:
        """It can be."""
        return self._again is not None

    @property
    def state(self) -> LogState:
        """Of a log that is followed: with what may be lost at its end."""
        notes = self._file.notes
        is_lost = notes and notes[-1].words == LOSS and notes[-1].offset == self._file.size
        return LogState(Following.FOLLOWING, notes[-1].text if is_lost else "")

    async def settle(self) -> bool:
        """Ask about each pause in which it may have thrown lines away; False: read its files."""
        file = self._file
        while self._again is not None and (question := file.question()) is not None:
            await self._ask(question)
            if not question.is_seen and file.size and await self.has_files():
                file.drop()
                return False
            file.settle(question)
        return True

    async def is_late(self) -> bool:
        """Whether its files are read faster than it gives the log, which will lose lines soon."""
        return self._file.is_late and self._file.is_fast and await self.has_files()

    async def patience_s(self) -> float:
        """How long it may be silent until it is asked."""
        is_doubtful = self._file.is_late and await self.has_files()
        return _LATE_SILENT_S if is_doubtful else _SILENT_S

    async def standing(self) -> _Standing:
        """What a silence means."""
        question = self._file.silence()
        if question is None or not await self._ask(question, is_short=True):
            return _Standing.COMPLETE
        if question.lines:
            return _Standing.BEHIND
        if question.is_seen:
            self._file.sure_at = self._file.size
        is_sure = self._file.sure_at == self._file.size
        return _Standing.COMPLETE if is_sure else _Standing.UNSURE

    async def make_sure(self) -> None:
        """After a silence or a broken connection: have, or say, what is missing at the end."""
        file = self._file
        question = file.silence()
        if question is None or not await self._ask(question, is_short=True):
            return
        if not question.is_seen and (question.lines or file.sure_at != file.size):
            is_lost = file.is_late or file.is_broken_off
            if not await self.catch_up() and not question.lines and is_lost:
                file.note_end()
        file.sure_at = file.size

    async def begin(self, older: AsyncGenerator[bytes]) -> None:
        """Take what is older than the log's beginning; as far as it comes, if it fails."""
        file = self._file
        question = file.after_last()
        question.is_seen = True
        try:
            async with aclosing(older):
                async for data in older:
                    question.hear(data)
                    file.add(question)
        except Unreachable:
            raise
        except MltuiError:
            return
        self._knows_files()

    def _knows_files(self) -> None:
        """All that they had at this moment is there."""
        if self._files is not None:
            self._file.cut_ends = tuple(self._files.cut_ends)
        self._file.has_caught_up()

    async def catch_up(self) -> bool:
        """Take what follows the last line from its files, while that is much; False: they fail."""
        file, files = self._file, self._files
        if files is None or not await self.has_files():
            return False
        try:
            while True:
                size, question = file.size, file.after_last()
                async with aclosing(files.after(question.last)) as coming:
                    async for data in coming:
                        question.hear(data)
                        file.add(question)
                if not self._follow or file.size - size < _MUCH_BYTES:
                    self._knows_files()
                    return True
                await asyncio.sleep(_FILES_S)
        except Unreachable:
            raise
        except MltuiError:
            self._no_files_until = time.monotonic() + _NO_FILES_S
            return False

    async def has_files(self) -> bool:
        """Whether its files can be read. Unreachable."""
        if self._files is None or time.monotonic() < self._no_files_until:
            return False
        return await self._files.can_be_read()

    async def _ask(self, question: Question, *, is_short: bool = False) -> bool:
        """Ask for the log once more; False: it does not answer. *is_short*: whether there is any"""
        if self._again is None:
            return False
        try:
            async with aclosing(self._again(self._file.since)) as answer:
                async for data in answer:
                    if question.hear(data) or (is_short and question.is_seen and question.lines):
                        break
        except MltuiError:
            return False  # a possible loss, then
        return True


class _Standing(StrEnum):
    """What a silent host's answer means."""

    COMPLETE = "complete"
    BEHIND = "behind"
    """There is more than comes."""
    UNSURE = "unsure"
    """What was last is gone there, and nothing is there after it."""


class _Stream:
    """A followed log, until its host goes on without this follower.

    A kubelet that rotates faster than it is read may lose sight of the new file and be silent for
    ever, while the log goes on. So after a silence it is asked whether there is more.
    """

    def __init__(self, chunks: AsyncGenerator[bytes], file: TimedFile, host: _Host | None) -> None:
        self._chunks, self._file, self._host = chunks, file, host
        self.is_left = False
        """There may be more than comes: follow anew."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What comes; nothing, where a moment passes while the file holds a line."""
        host = self._host
        if host is None or not host.is_asked:
            async with aclosing(self._chunks):
                async for data in self._chunks:
                    yield data
            return
        wait_s = _SILENT_S
        coming = asyncio.ensure_future(self._next())
        try:
            while True:
                moment_s = _HOLD_S if self._file.is_holding else wait_s
                done, _ = await asyncio.wait({coming}, timeout=moment_s)
                if not done and self._file.is_holding:
                    yield b""
                    wait_s = await host.patience_s()
                    continue
                if not done:
                    standing = await host.standing()
                    if standing is _Standing.COMPLETE:
                        wait_s = min(2 * wait_s, _LONGEST_SILENT_S)
                        continue
                    done, _ = await asyncio.wait({coming}, timeout=_IN_FLIGHT_S)
                if not done:
                    self.is_left = True
                    return
                found = coming.result()
                if found is None:
                    return
                yield found
                wait_s = _SILENT_S
                coming = asyncio.ensure_future(self._next())
        finally:
            coming.cancel()
            with suppress(asyncio.CancelledError, MltuiError):
                await coming
            await self._chunks.aclose()

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)
