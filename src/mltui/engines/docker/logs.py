"""A container's output into the attempt's log: byte for byte, each once, over any interruption.

Called by the engine for each running attempt. Beside the log lies `log.at`: how long the log was
and where in the daemon's log that is, written after the bytes. Whoever goes on, this process after
a broken connection or another one after a crash, cuts the log there and asks from there.
What may differ: an unfinished last line of over 16 KiB gets a line break.
"""

from __future__ import annotations

import os
from pathlib import Path

from mltui.engines.docker.client import Client
from mltui.engines.docker.frames import BadFrame, Mark, Reader
from mltui.errors import Unreachable

AT = "log.at"


class LogFile:
    """An attempt's log and the place up to which it was taken. Close it when done."""

    def __init__(self, log: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._log = os.open(log, flags, 0o666)
        self._at = os.open(log.with_name(AT), flags, 0o666)
        found = Mark.from_line(os.pread(self._at, 4096, 0))
        offset, self.mark = found if found is not None else (0, Mark())
        size = os.fstat(self._log).st_size
        if size < offset:  # somebody cut it: take all of it anew
            offset, self.mark = 0, Mark()
        if size != offset:
            os.ftruncate(self._log, offset)
        self._offset = offset

    def append(self, text: bytes, mark: Mark) -> None:
        """Add what is new; `mark` is where the daemon's log goes on. OSError on a full disk."""
        view = memoryview(text)
        while view:
            written = os.pwrite(self._log, view, self._offset)
            self._offset += written
            view = view[written:]
        os.pwrite(self._at, mark.to_line(self._offset), 0)

    def close(self) -> None:
        """Give back its descriptors."""
        os.close(self._log)
        os.close(self._at)


async def take(client: Client, container: str, log: Path, *, follow: bool) -> None:
    """Add to `log` what it lacks of a container's output; with `follow` until it ends.

    DockerError when the container is gone; Unreachable.
    """
    server = await client.server()
    file = LogFile(log)
    try:
        reader = Reader(file.mark, skips_older=server.skips_older)
        query = {
            "stdout": "1",
            "stderr": "1",
            "timestamps": "1",
            "follow": "1" if follow else "0",
            "since": file.mark.since_parameter,
        }
        async with client.stream("GET", f"/containers/{container}/logs", query) as response:
            async for data in response.chunks():
                text = reader.feed(data)
                if text:
                    file.append(text, reader.mark)
    except BadFrame as error:
        raise Unreachable(f"Docker at {client.host.shown} sends an odd log: {error}") from error
    finally:
        file.close()


def tail(log: Path, size: int = 4096) -> bytes:
    """The last bytes of a log; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read()
    except OSError:
        return b""
