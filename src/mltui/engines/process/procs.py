"""What the kernel says about processes: identity, families, memory, out-of-memory kills.

Read from /proc (proc(5)); used by the process engine only. Every function takes a process that
may be gone at any moment as a matter of course. Where there is no /proc, identities have start
time 0 and nothing is found, measured or swept beyond an attempt's own process group.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "MLTUI_ATTEMPT_ID"
"""In the environment of every process of an attempt: the path of the attempt's folder. Children
inherit it whatever session or group they move to. One that leaves its group *and* wipes its
environment (`env -i`, setproctitle) is the only kind that is not found."""

_PF_KTHREAD = 0x00200000
_STATUS = ("VmHWM:", "VmRSS:")


@functools.cache
def boot_id() -> str:
    """Names this boot of the machine; a process identity is worth nothing in the next one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that can't be mistaken for a later one with the same number."""

    pid: int
    started: int
    """Clock ticks after boot (field 22 of /proc/PID/stat); 0 where nobody knows: there is no
    /proc, or it was gone when it was asked for."""
    boot: str

    def __str__(self) -> str:
        return f"{self.pid}:{self.started}:{self.boot}"

    @classmethod
    def parse(cls, text: str) -> Identity:
        """The reverse of `str`. ValueError when it is not an identity."""
        pid, started, boot = text.split(":")
        return cls(int(pid), int(started), boot)

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The process that has this number now; `started` is 0 when there is none."""
        return cls(pid, start_time(pid), boot_id())

    def found(self, mark: str) -> Identity:
        """With its start time, if that is not known and the process with this mark is there."""
        if self.started or self.boot != boot_id():
            return self
        entry = f"{MARK}={mark}".encode("utf-8", "surrogateescape")
        is_it = entry in read(f"/proc/{self.pid}/environ", 1 << 20).split(b"\0")
        # A zombie has no environment any more. If it is another's, nothing is lost: it has ended.
        is_it = is_it or stat_fields(self.pid)[:1] == [b"Z"]
        return Identity.of(self.pid) if is_it else self

    def is_same(self, other: Identity) -> bool:
        """Whether both name one process, as far as their start times are known."""
        started = self.started == other.started or 0 in (self.started, other.started)
        return started and (self.pid, self.boot) == (other.pid, other.boot)

    @property
    def is_there(self) -> bool:
        """Whether it exists, if only as a zombie."""
        return self.boot == boot_id() and start_time(self.pid) == self.started

    @property
    def is_alive(self) -> bool:
        """Whether it exists and has not ended."""
        fields = stat_fields(self.pid)
        is_it = len(fields) > 19 and int(fields[19]) == self.started and self.boot == boot_id()
        return is_it and fields[0] not in (b"Z", b"X")


def read(name: str, limit: int = 4096) -> bytes:
    """A file of /proc, b"" when its process is gone or not ours to read."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, limit)
    except OSError:
        return b""
    finally:
        os.close(fd)


def start_time(pid: int) -> int:
    """Clock ticks after boot when a process started; 0 when there is none."""
    fields = stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def stat_fields(pid: int) -> list[bytes]:
    """What /proc/PID/stat says from field 3 (the state) on; empty when there is no such process."""
    # The name in field 2 may hold anything, also spaces and parentheses: count from its end.
    return read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def oom_kills() -> int:
    """How many processes the kernel has killed for memory since boot, cgroups' limits included."""
    found = read("/proc/vmstat", 1 << 16).rpartition(b"\noom_kill ")[2]
    with suppress(ValueError, IndexError):
        return int(found.split(b"\n", 1)[0])
    return 0


def family(pid: int) -> list[int]:
    """A process and its descendants, as far as they were not handed to another parent."""
    found = [pid]
    for parent in found:
        try:
            threads = os.listdir(f"/proc/{parent}/task")  # noqa: PTH208 - plain strings
        except OSError:
            continue
        for thread in threads:
            children = read(f"/proc/{parent}/task/{thread}/children", 1 << 16)
            found.extend(map(int, children.split()))
    return found


def memory(pid: int) -> int:
    """Bytes that a family of processes holds now, or the most that one of them ever did.

    Pages that several share are counted for each: an upper bound.
    """
    total = peak = 0
    for member in family(pid):
        for line in read(f"/proc/{member}/status").decode("utf-8", "replace").splitlines():
            if line.startswith(_STATUS):
                size = int(line.split()[1]) * 1024
                if line.startswith("VmRSS"):
                    total += size
                else:
                    peak = max(peak, size)
    return max(total, peak)


class Strays:
    """Finds processes that carry an attempt's mark, wherever they went.

    A look is cheap because a process that was seen without any mark is not read again: children
    inherit their parent's environment, so a mark is there from the first moment.
    """

    def __init__(self) -> None:
        self._innocent: set[int] = set()

    def find(self, mark: str, *, fresh: bool = False) -> list[int]:
        """Numbers of living processes whose environment has this mark.

        `fresh` looks at all again, for when a number may have passed to another process.
        """
        if fresh:
            self._innocent.clear()
        try:
            names = os.listdir("/proc")  # noqa: PTH208
        except OSError:
            return []
        there = {int(name) for name in names if name.isdecimal()}
        self._innocent &= there
        return list(self._look(there - self._innocent, mark))

    def _look(self, pids: set[int], mark: str) -> Iterator[int]:
        any_mark = f"{MARK}=".encode()
        wanted = any_mark + os.fsencode(mark)
        me = os.getpid()
        for pid in pids:
            environ = read(f"/proc/{pid}/environ", 1 << 20)
            if any_mark not in environ:
                if environ or pid == me or _is_empty_for_good(pid):
                    self._innocent.add(pid)
            elif wanted in environ.split(b"\0") and pid != me:
                yield pid


def _is_empty_for_good(pid: int) -> bool:
    """Whether its environment is empty because it is a kernel thread, and not amid exec(2)."""
    fields = stat_fields(pid)
    return len(fields) > 6 and bool(int(fields[6]) & _PF_KTHREAD)


def signal_marked(pid: int, mark: str, number: signal.Signals) -> None:
    """Signal one process if it still carries the mark, without ever hitting its successor."""
    try:
        fd = os.pidfd_open(pid)
    except (OSError, AttributeError):
        return
    try:
        entry = f"{MARK}={mark}".encode("utf-8", "surrogateescape")
        if entry in read(f"/proc/{pid}/environ", 1 << 20).split(b"\0"):
            signal.pidfd_send_signal(fd, number)
    except OSError:
        return
    finally:
        os.close(fd)
