"""Brings a log into a `TimedFile` over broken connections, ends and beginnings.

Called by `live.logs` and `live.kube.logs`, which know how their hosts are asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from mltui.errors import MltuiError, Unreachable
from mltui.live.timedlog import Following, LogState, TimedFile

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_AGAIN_S, _LONGEST_AGAIN_S = 0.5, 2.0

_SILENT_S, _LONGEST_SILENT_S = 5.0, 60.0
_IN_FLIGHT_S = 2.0

Chunks = Callable[[str, bool], AsyncGenerator[bytes]]
"""Asks for the log from a time on (RFC 3339; empty: from its beginning), times before lines, once
or followed."""

Again = Callable[[str], AsyncGenerator[bytes]]
"""Asks for the log as it is kept now, from a time on, without any effect."""


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
) -> None:
    """Add what the file lacks until the log is over; with *follow* also over broken connections.

    *goes_on* is asked after an end: whether more may come. *reads_first*: fetch what is there
    before following, so that it is known when all of that has come. *waits* says why a refusal
    will pass; of others MltuiError is raised. *again* is asked where lines may be missing.
    """
    pause_s, again_s, is_over = _FIRST_PAUSE_S, _AGAIN_S, False
    if reads_first:
        said(LogState(Following.READING))
    while True:
        file.begin()
        size = file.size
        try:
            if reads_first:
                async for data in chunks(file.since, False):
                    file.feed(data)
                    await _settle(file, again)
                file.end(is_over=False)
                file.has_begun()
                file.begin()
            reads_first = False
            if not is_over:  # an ended log is looked at again and again
                said(LogState(Following.FOLLOWING))
            stream = _Stream(chunks(file.since, follow), file, again if follow else None)
            async with aclosing(stream.chunks()) as coming:
                async for data in coming:
                    file.feed(data)
                    await _settle(file, again)
                    if is_over and file.size > size:
                        is_over = False
                        said(LogState(Following.FOLLOWING))
            if stream.is_left:
                file.end(is_over=False)
                continue
            if follow:  # hosts end a followed log with its program, and not always after all of it
                file.end(is_over=False)
                file.begin()
                async for data in chunks(file.since, False):
                    file.feed(data)
                    await _settle(file, again)
            pause_s = _FIRST_PAUSE_S
        except MltuiError as error:
            file.end(is_over=False)
            why = str(error) if isinstance(error, Unreachable) else waits(error)
            if not follow or not why:
                raise
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


async def _settle(file: TimedFile, again: Again | None) -> None:
    """Ask about each pause in which the host may have thrown lines away."""
    while again is not None and (question := file.question()) is not None:
        try:
            async with aclosing(again(file.since)) as answer:
                async for data in answer:
                    if question.hear(data):
                        break
        except MltuiError:
            pass  # a possible loss, then
        file.settle(question)


class _Stream:
    """A followed log, until its host goes on without this follower.

    A kubelet that rotates faster than it is read may lose sight of the new file and be silent for
    ever, while the log goes on. So after a silence it is asked whether there is more.
    """

    def __init__(self, chunks: AsyncGenerator[bytes], file: TimedFile, again: Again | None) -> None:
        self._chunks, self._file, self._again = chunks, file, again
        self.is_left = False
        """There is more than comes: follow anew."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What comes."""
        if self._again is None:
            async with aclosing(self._chunks):
                async for data in self._chunks:
                    yield data
            return
        wait_s = _SILENT_S
        coming = asyncio.ensure_future(self._next())
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=wait_s)
                if not done and not await self._is_behind(self._again):
                    wait_s = min(2 * wait_s, _LONGEST_SILENT_S)
                    continue
                if not done:
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

    async def _is_behind(self, again: Again) -> bool:
        question = self._file.silence()
        if question is None:
            return False
        with suppress(MltuiError):
            async with aclosing(again(self._file.since)) as answer:
                async for data in answer:
                    if question.hear(data) or (question.is_seen and question.lines):
                        break
        return bool(question.lines)
