"""What the benches share: finding peers, timing whole processes, driving a terminal.

Machines are noisy, so no bench judges by an absolute time: peer and mltui run in turn in the same
call, and what is printed is a ratio of the best of a few runs each.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MLTUI = (sys.executable, "-m", "mltui")
# An installed program has its bytecode beside it; a checkout must be let to write it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def peer(program: str, how: str) -> str | None:
    """The peer's path, or None after saying plainly that it is missing and how to get it."""
    found = shutil.which(program)
    if found is None:
        print(f"  {program}: not on PATH, left out (get it with: {how})")
    return found


def timed(argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> float:
    """Wall seconds of a whole process; stops the bench with its output when it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    took = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout.decode()[-3000:]}")
    return took


def best(runs: int, measure: Callable[[], float]) -> float:
    """The smallest of a few measurements: what is least disturbed by other work."""
    return min(measure() for _ in range(runs))


def report(what: str, ratio: float, limit: float) -> bool:
    """Print a ratio beside what it must reach; whether it does."""
    good = ratio <= limit
    print(f"  {what}: {ratio:.3f}× (must be ≤ {limit}×) {'reached' if good else 'NOT REACHED'}")
    return good


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Terminal:
    """A program on a real pseudo-terminal; bytes are counted, nothing is emulated."""

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.started = time.perf_counter()
        self.output = bytearray()
        self.total = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            full = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            full.update(env or {})
            os.execvpe(argv[0], list(argv), full)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout: float) -> bytes:
        """What comes within `timeout` seconds; empty when nothing does."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return b""
        self.total += len(data)
        self.output += data
        return data

    def until(self, marker: bytes, timeout: float = 30.0) -> float:
        """Seconds from the start until `marker` was written."""
        deadline = time.perf_counter() + timeout
        while marker not in self.output:
            self.read(0.05)
            if time.perf_counter() > deadline:
                self.close()
                tail = bytes(self.output[-2000:])
                sys.exit(f"{marker!r} never appeared; last output: {tail!r}")
        return time.perf_counter() - self.started

    def quiet(self, for_s: float = 0.3, timeout: float = 20.0) -> None:
        """Read until nothing comes for `for_s` seconds."""
        deadline = time.perf_counter() + timeout
        while time.perf_counter() < deadline:
            if not self.read(for_s):
                return

    def key(self, keys: bytes, answers: tuple[bytes, ...], timeout: float = 5.0) -> float:
        """Seconds from a key press until one of `answers` is written, `timeout` when none is.

        Other things may be painted meanwhile, so the answer is text that only the key repaints.
        """
        while self.read(0):
            pass
        self.output.clear()
        start = time.perf_counter()
        os.write(self.fd, keys)
        while time.perf_counter() - start < timeout:
            self.read(0.01)
            if any(answer in self.output for answer in answers):
                break
        return time.perf_counter() - start

    def pss_bytes(self) -> int:
        """Proportional memory of the program (proc(5), smaps_rollup)."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return 0

    def close(self) -> None:
        """End the program that was started here."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
