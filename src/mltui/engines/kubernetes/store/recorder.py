"""Beside a service: what it records goes to the store of its namespace. Run by `agent`.

The runner's side reads it from there, also when the pod is no more. Standard library alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from mltui.engines.kubernetes.store.pod import (
    PIECE_BYTES,
    ROOM,
    Away,
    OddFile,
    Remote,
    is_held,
    open_plain,
)
from mltui.engines.kubernetes.store.recorded import Refused
from mltui.engines.kubernetes.store.sparse import begins, free_before

RECORDS = "shared/records.jsonl"
"""Below the room: what `MLTUI_RECORDS` names."""
KEEP_BYTES = 256 << 20
"""The store keeps the newest of a pod's records: as much as a monitor is given at most."""
RECORD_AWAY_S = 20.0
"""How long the store is asked again before it is asked from anew."""
_BEAT_S = 0.5


class Recorder:
    """Brings the records of one pod to the store, for as long as anything writes them.

    It never ends by itself: a pod is ready only while all of its containers run, and a store that
    is away must not keep a service from being asked.
    """

    def __init__(self, remote: Remote, record: str, room: Path = ROOM) -> None:
        self._remote, self._record, self._room = remote, record, room
        self._sent: int | None = None
        """How much the store has; None: it is to be asked."""
        self._freed = 0
        self._said = ""
        self.is_told = False
        """The pod is being ended."""

    def run(self) -> None:
        """Until the pod is ended and the service in it is over."""
        alive = os.open(self._room / "run" / "alive", os.O_RDONLY | os.O_NONBLOCK)
        while not self.is_told or is_held(alive):
            self._try()
            time.sleep(_BEAT_S)
        self._try()

    def _try(self) -> None:
        try:
            if self._sent is None:
                found = json.loads(self._remote.call("GET", f"/records/{self._record}"))
                self._sent = int(found["log"])
            self._sent = self._send(self._sent)
            self._said = ""
        except (Away, Refused, OSError) as error:
            self._sent = None
            if str(error) != self._said:
                self._said = str(error)
                print(f"mltui: {error}", file=sys.stderr, flush=True)

    def _send(self, sent: int) -> int:
        path = self._room / RECORDS
        with suppress(FileNotFoundError, OddFile), open_plain(path) as file:
            # What is given back here and not in the store any more is lost to it.
            sent = begins(path, sent)
            file.seek(sent)
            while data := file.read(PIECE_BYTES):
                where = f"/records/{self._record}/log?offset={sent}&keep={KEEP_BYTES}"
                self._remote.call("PUT", where, data)
                sent += len(data)
            if sent - self._freed > PIECE_BYTES:
                # What the store has needs no room here.
                free_before(path, sent)
                self._freed = sent
        return sent
