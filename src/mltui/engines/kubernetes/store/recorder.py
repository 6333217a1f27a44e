"""Beside a service: what it records goes to the store of its namespace. Run by `agent`.

The runner's side reads it from there, also when the pod is no more. Standard library alone.
"""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress
from pathlib import Path

from mltui.engines.kubernetes.store.pod import (
    PIECE_BYTES,
    ROOM,
    OddFile,
    Remote,
    is_held,
    open_plain,
)

RECORDS = "shared/records.jsonl"
"""Below the room: what `MLTUI_RECORDS` names."""
_BEAT_S = 0.5
_PUNCH, _KEEP_SIZE = 2, 1
"""Linux, fallocate(2)."""


class Recorder:
    """Brings the records of one pod to the store, for as long as anything writes them."""

    def __init__(self, remote: Remote, record: str, room: Path = ROOM) -> None:
        self._remote, self._record, self._room = remote, record, room
        self._sent = self._freed = 0
        self.is_told = False
        """The pod is being ended."""

    def run(self) -> None:
        """Until the pod is ended and the service in it is over. Away."""
        alive = os.open(self._room / "run" / "alive", os.O_RDONLY | os.O_NONBLOCK)
        while not self.is_told or is_held(alive):
            self._send()
            time.sleep(_BEAT_S)
        self._send()

    def _send(self) -> None:
        path = self._room / RECORDS
        with suppress(FileNotFoundError, OddFile), open_plain(path) as file:
            file.seek(self._sent)
            while data := file.read(PIECE_BYTES):
                where = f"/records/{self._record}/log?offset={self._sent}"
                self._remote.call("PUT", where, data)
                self._sent += len(data)
            if self._sent - self._freed > PIECE_BYTES:
                self._free(path)

    def _free(self, path: Path) -> None:
        """What the store has needs no room here: offsets stay as they are."""
        with suppress(OSError):
            found = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
            try:
                free = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
                if free is not None:
                    free(
                        ctypes.c_int(found),
                        ctypes.c_int(_PUNCH | _KEEP_SIZE),
                        ctypes.c_int64(0),
                        ctypes.c_int64(self._sent),
                    )
            finally:
                os.close(found)
        self._freed = self._sent
