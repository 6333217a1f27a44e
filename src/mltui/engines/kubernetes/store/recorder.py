"""Beside a service: what it records goes to the store of its namespace. Run by `agent`.

The runner's side reads it from there, also when the pod is no more. Standard library alone.
"""

from __future__ import annotations

import json
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
from mltui.engines.kubernetes.store.sparse import begins, free_before

RECORDS = "shared/records.jsonl"
"""Below the room: what `MLTUI_RECORDS` names."""
KEEP_BYTES = 256 << 20
"""The store keeps the newest of a pod's records: as much as a monitor is given at most."""
_BEAT_S = 0.5


class Recorder:
    """Brings the records of one pod to the store, for as long as anything writes them."""

    def __init__(self, remote: Remote, record: str, room: Path = ROOM) -> None:
        self._remote, self._record, self._room = remote, record, room
        self._sent = self._freed = 0
        self.is_told = False
        """The pod is being ended."""

    def run(self) -> None:
        """Until the pod is ended and the service in it is over. Away."""
        # Begun anew it goes on from where the store is.
        self._sent = int(json.loads(self._remote.call("GET", f"/records/{self._record}"))["log"])
        alive = os.open(self._room / "run" / "alive", os.O_RDONLY | os.O_NONBLOCK)
        while not self.is_told or is_held(alive):
            self._send()
            time.sleep(_BEAT_S)
        self._send()

    def _send(self) -> None:
        path = self._room / RECORDS
        with suppress(FileNotFoundError, OddFile), open_plain(path) as file:
            # What is given back here and not in the store any more is lost to it.
            self._sent = begins(path, self._sent)
            file.seek(self._sent)
            while data := file.read(PIECE_BYTES):
                where = f"/records/{self._record}/log?offset={self._sent}&keep={KEEP_BYTES}"
                self._remote.call("PUT", where, data)
                self._sent += len(data)
            if self._sent - self._freed > PIECE_BYTES:
                # What the store has needs no room here.
                free_before(path, self._sent)
                self._freed = self._sent
