"""Waits for one attempt's shim, own child or adopted, and measures it meanwhile.

One pidfd (pidfd_open(2)) on the event loop per attempt, no thread, no polling where the kernel
has pidfds. Used by the process engine only.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from contextlib import suppress

from mltui.engines.process import procs
from mltui.engines.process.procs import Identity
from mltui.pipeline.rows import Usage

_FIRST_SAMPLE_S = 0.2
_SAMPLE_S = 1.0
_POLL_S = 0.05
_MAXRSS_UNIT = 1024
"""getrusage(2): kilobytes on Linux."""


async def gone(pid: int) -> None:
    """Wait until our own child has ended, without reaping it."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def look() -> None:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            loop.call_later(_POLL_S, look)
        else:
            ended.set()

    try:
        fd = os.pidfd_open(pid)
    except (OSError, AttributeError):
        look()
        await ended.wait()
        return
    try:
        loop.add_reader(fd, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)


class Watched:
    """One attempt's shim until it is gone. Reaps it when it is our child."""

    def __init__(
        self, identity: Identity, oom_kills: int, *, is_child: bool, is_kept: bool = False
    ) -> None:
        self.identity = identity
        self.is_kept = is_kept
        """It is the command itself, and its keeper says how it ended (`told`)."""
        self.ended = asyncio.Event()
        self.code: int | None = None
        """Of the shim, as its parent sees it; None when it is not our child."""
        self.is_child = is_child
        self._peak = 0
        self._cpu_s: float | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._fd = -1
        self._oom_kills = oom_kills
        if is_kept:
            self._timer = self._loop.call_later(_FIRST_SAMPLE_S, self._sample)
        else:
            self._open()

    def told(self, code: int, cpu_s: float, peak_kb: int) -> None:
        """It has ended; what its keeper says of it."""
        self.code, self._cpu_s = code, cpu_s
        self._peak = max(self._peak, peak_kb * _MAXRSS_UNIT)
        self.close()
        self.ended.set()

    def inherit(self) -> None:
        """Its keeper is gone, so that it is our child now."""
        self.close()
        self._open()

    def _open(self) -> None:
        pid = self.identity.pid
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._on_end()
            return
        except (OSError, AttributeError):  # an old kernel, or not Linux
            self._timer = self._loop.call_later(_POLL_S, self._poll)
            return
        if not self.is_child and not self.identity.is_there:
            self._on_end()  # the descriptor is of a later process with the same number
            return
        self._loop.add_reader(self._fd, self._on_end)
        self._timer = self._loop.call_later(_FIRST_SAMPLE_S, self._sample)

    def _poll(self) -> None:
        if self.is_child:
            info = os.waitid(os.P_PID, self.identity.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            is_over = info is not None
        else:
            is_over = not self.identity.is_there
        if is_over:
            self._on_end()
        else:
            self._timer = self._loop.call_later(_POLL_S, self._poll)

    def _sample(self) -> None:
        self._peak = max(self._peak, procs.memory(self.identity.pid))
        self._timer = self._loop.call_later(_SAMPLE_S, self._sample)

    def _on_end(self) -> None:
        if self.is_child:
            # Before it is reaped its number can't belong to anyone else: what is left of its
            # group can be killed safely. Later, only what carries the mark (`Strays`).
            with suppress(OSError):
                os.killpg(self.identity.pid, signal.SIGKILL)
            self._reap()
        self.close()
        self.ended.set()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            _, status, used = os.wait4(self.identity.pid, 0)
            code = os.waitstatus_to_exitcode(status)
            self.code = code if code >= 0 else 128 - code
            self._cpu_s = used.ru_utime + used.ru_stime
            # The kernel starts a spawned child's peak at its parent's size (exec_mmap), so only
            # a peak above our own says anything.
            mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if used.ru_maxrss > mine:
                self._peak = max(self._peak, used.ru_maxrss * _MAXRSS_UNIT)

    @property
    def saw_oom_kill(self) -> bool:
        """Whether the kernel has killed anything for memory since shortly before it began."""
        return procs.oom_kills() > self._oom_kills

    def signal_group(self, number: signal.Signals) -> None:
        """Signal its process group, unless it has ended (then the number may be another's)."""
        if self.ended.is_set() or not self.identity.is_there:
            return
        with suppress(OSError):
            os.killpg(self.identity.pid, number)

    def usage(self, cpu_s: float | None) -> Usage:
        """What it used; `cpu_s` is the shim's own account, for when it was not our child."""
        return Usage(self._cpu_s if self._cpu_s is not None else cpu_s, self._peak or None)

    def close(self) -> None:
        """Give back the descriptor and the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
