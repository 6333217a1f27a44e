"""Secrets that a stage prints, taken out of its log while it writes.

Called by `executing` for attempts that have secrets. A log is a file that the stage itself (or the
engine) appends to, so nothing can stand between; what is a secret in it is overwritten in place,
with as many asterisks as it has bytes, the moment after it is written: offsets into the log stay
what they were, and no later reader, screen or copy of it has the value.

Only the values as they are can be known: what a stage encodes before it prints it stays.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mltui.runs.watch import Watch

log = logging.getLogger(__name__)

LEAST = 6
"""Bytes. Shorter values are words that a log may have for other reasons."""
_BLOCK = 1 << 20


class Mask:
    """One attempt's log, and what must not be read in it."""

    def __init__(self, log: Path, values: Iterable[bytes]) -> None:
        self._log = log
        parts = {part for value in values for part in _parts(value)}
        # The longest first: a value may be within another.
        found = sorted(parts, key=lambda part: (-len(part), part))
        self._pattern = re.compile(b"|".join(map(re.escape, found))) if found else None
        self._overlap = len(found[0]) - 1 if found else 0
        self._done = 0

    @classmethod
    def of(cls, log: Path, secrets: Path) -> Mask:
        """For the secrets that lie in a folder, a file each. OSError where they can't be read."""
        return cls(log, (file.read_bytes() for file in sorted(secrets.iterdir())))

    @property
    def is_needed(self) -> bool:
        """There is something that could be found."""
        return self._pattern is not None

    def apply(self) -> int:
        """Mask what was written since the last time; how many places. OSError."""
        if self._pattern is None:
            return 0
        count = 0
        with suppress(FileNotFoundError), self._log.open("r+b", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size < self._done:  # it was begun anew
                self._done = 0
            while self._done < size:
                at = max(0, self._done - self._overlap)
                block = os.pread(file.fileno(), _BLOCK, at)
                if not block:
                    break
                for match in self._pattern.finditer(block):
                    os.pwrite(file.fileno(), b"*" * len(match[0]), at + match.start())
                    count += 1
                self._done = at + len(block)
        return count

    async def follow(self) -> None:
        """Mask whenever the log has grown; ends when it is cancelled."""
        async with Watch(self._log) as watch:
            while True:
                await asyncio.to_thread(self.apply)
                await watch.changed()


@asynccontextmanager
async def masked(file: Path, secrets: Path | None) -> AsyncIterator[None]:
    """While within, secrets do not stay in a log; afterwards none is there. None: there are none.

    What can't be masked (a full disk, secrets that are gone) is said in the runner's own log.
    """
    mask = None
    if secrets is not None:
        try:
            mask = Mask.of(file, secrets)
        except OSError as error:
            log.warning("secrets can't be masked in %s: %s", file, error)
    if mask is None or not mask.is_needed:
        yield
        return
    following = asyncio.get_running_loop().create_task(mask.follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        try:
            mask.apply()
        except OSError as error:
            log.warning("secrets can't be masked in %s: %s", file, error)


def _parts(value: bytes) -> Iterable[bytes]:
    """A value as it may stand in a log: whole, and each of its lines."""
    found = {value.strip(), *map(bytes.strip, value.splitlines())}
    return (part for part in found if len(part) >= LEAST)
