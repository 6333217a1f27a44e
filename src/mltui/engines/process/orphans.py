"""Sees at once whether an attempt left something running: its orphans become ours.

The process engine's process takes over all that loses its parent below it (PR_SET_CHILD_SUBREAPER,
prctl(2)), so whatever left an attempt's session is a child of ours, or below one, when the attempt
is over. One small file of the kernel says so; `procs.Strays` would look at every process there is.
Only for attempts that this process started: those of an earlier runner have other parents.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container
from contextlib import suppress

from mltui.engines.process import procs

_SUBREAPER = 36
_SESSION_S = 60.0
"""So long after an attempt ended, what dies in its session is known to be of it."""
_UNCLAIMED_S = 1.0
"""Whoever waits for a child of its own does so sooner than this."""


class Orphans:
    """Children of this process that it did not start."""

    def __init__(self) -> None:
        self._file = f"/proc/self/task/{os.getpid()}/children"
        self.works = os.access(self._file, os.R_OK) and _become_reaper()
        """Whether they become ours here."""
        self._sessions: dict[int, float] = {}
        self._many = 100
        self._dead: dict[int, float] = {}

    def may_be_left(self, session: int, mark: str, known: Container[int]) -> bool:
        """Whether something may live that an attempt left; False: certainly nothing does.

        `session`: of the attempt's shim, which has been reaped. `known`: shims of other attempts.
        Reaps what died meanwhile.
        """
        if not self.works:
            return True
        now = time.monotonic()
        self._sessions[session] = now
        dead: dict[int, float] = {}
        found = False
        wanted = os.fsencode(f"{procs.MARK}={mark}")
        for pid in map(int, procs.read(self._file, 1 << 16).split()):
            if pid in known:
                continue
            environ = procs.read(f"/proc/{pid}/environ", 1 << 20)
            if environ:
                found = found or wanted in environ.split(b"\0")
            elif not self._is_dead(pid, now, dead):
                found = True  # amid exec(2): its environment can't be read yet
        self._dead = dead
        if len(self._sessions) > self._many:
            self._sessions = {s: at for s, at in self._sessions.items() if now - at < _SESSION_S}
            self._many = 2 * len(self._sessions) + 100
        return found

    def _is_dead(self, pid: int, now: float, dead: dict[int, float]) -> bool:
        fields = procs.stat_fields(pid)
        if len(fields) < 4:
            return True
        if fields[0] != b"Z":
            return False
        session = int(fields[3])
        since = dead[pid] = self._dead.get(pid, now)
        is_ours = now - self._sessions.get(session, -_SESSION_S) < _SESSION_S
        if is_ours or (session != os.getsid(0) and now - since > _UNCLAIMED_S):
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            del dead[pid]
        return True


def _become_reaper() -> bool:
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):  # not Linux
        return False
