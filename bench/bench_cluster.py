"""Pods of a large cluster beside k9s and a bare Textual list: time, memory, bytes, processor, keys.

The cluster is the second API server of `tests/testbed/cluster.sh kwok`, filled here with made-up
pods of about 10 KB on 100 nodes; with `--small`, 50 of them. Same server, same terminal size, in
turn. Without k9s on PATH (or `--k9s FILE`) its part is left out and said so.

    python bench/bench_cluster.py [--small] [--pods 10000] [--seconds 12] [--k9s FILE]

The first call fills the cluster, which takes a minute or two; `--fill` does only that. After that a
call takes less than four minutes. Processor times of whole starts are printed too: they hold on a
busy machine, where seconds do not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyte

from bench_lazydocker import cpu_s
from cluster_load import changing, fill, scale_cluster
from measure import MLTUI, Terminal, best, peer, percentile, report

HERE = Path(__file__).parent
LARGE = tuple(f"load-{index}" for index in range(10))
SMALL = ("small",)
_ROW = b"worker-"
_SPEC = "mltui: 1\nname: listed\nstages:\n  one: {phase: data, run: 'true'}\n"
_READY = b"Help"
_PATIENCE_S = 180.0
_SETTLE_S, _BUSY_S = 12.0, 4.0
"""What is looked at is judged after it was listed; changes are seen sooner."""
_KEYS = 60
_CALM_S, _LOST_S = 0.1, 5.0
_CURSOR = "▌".encode()
_STEPS = (b"\x1b[B", b"\x1b[A")
_PATTERN = b"worker-[0-9]+[05].Running.kwok-.[13579].*10[.0-9"
"""A regular expression that its last key completes: before that nothing fits."""


def _argv(program: str, namespace: str) -> list[str]:
    """The program on its pods; without a namespace, those of all."""
    if program == "mltui":
        return [*MLTUI, "open", "pods", namespace or "*"]
    return [program, *(["-n", namespace] if namespace else ["-A"]), "-c", "pods"]


@dataclass(frozen=True)
class Start:
    """Seconds from the command line to the first rows and to all, and of the processor by then."""

    first: float
    every: float
    first_cpu: float
    every_cpu: float


def listed(
    program: str, root: Path, environ: dict[str, str], namespace: str, count: int
) -> tuple[Start, Terminal]:
    """The program on its list, and how it came there."""
    terminal = Terminal(_argv(program, namespace), root, columns=160, env=environ)
    first = terminal.until(_ROW, _PATIENCE_S)
    first_cpu = cpu_s(terminal.pid)
    words = re.compile(rf"pods  {count}\b" if program == "mltui" else rf"\[{count:,}\]")
    every = shown(terminal, words)
    return Start(first, every, first_cpu, cpu_s(terminal.pid)), terminal


def shown(terminal: Terminal, words: re.Pattern[str]) -> float:
    """Seconds from the start until words stand on the screen: programs paint only what differs."""
    screen = pyte.Screen(160, 40)
    stream = pyte.ByteStream(screen)
    deadline = time.perf_counter() + _PATIENCE_S
    fed = 0
    while True:
        stream.feed(bytes(terminal.output[fed:]))
        fed = len(terminal.output)
        if any(words.search(line) for line in screen.display):
            return time.perf_counter() - terminal.started
        if time.perf_counter() > deadline:
            terminal.close()
            sys.exit(f"{words.pattern} never stood there:\n" + "\n".join(screen.display[:5]))
        terminal.read(0.05)


def from_command(root: Path, environ: dict[str, str], namespace: str) -> float:
    """Seconds from `:pods` in an app that runs to the first rows."""
    terminal = Terminal([*MLTUI], root, columns=160, env=environ)
    terminal.until(_READY, _PATIENCE_S)
    terminal.quiet()
    os.write(terminal.fd, f":pods {namespace or '*'}".encode())
    terminal.quiet()
    terminal.output.clear()
    began = time.perf_counter()
    os.write(terminal.fd, b"\r")
    terminal.until(_ROW, _PATIENCE_S)
    took = time.perf_counter() - began
    terminal.close()
    return took


def at_rest(terminal: Terminal, seconds: float, settle_s: float) -> tuple[float, float]:
    """Bytes a second and processor share while nobody presses a key."""
    until = time.perf_counter() + settle_s
    while time.perf_counter() < until:
        terminal.read(0.1)
    before, cpu, began = terminal.total, cpu_s(terminal.pid), time.perf_counter()
    while time.perf_counter() - began < seconds:
        terminal.read(0.1)
        terminal.output.clear()
    took = time.perf_counter() - began
    return (terminal.total - before) / took, (cpu_s(terminal.pid) - cpu) / took


def filter_s(terminal: Terminal) -> float:
    """Seconds from the key that completes a regular expression to the rows that fit it."""
    os.write(terminal.fd, b"/")
    terminal.quiet()
    os.write(terminal.fd, _PATTERN)
    terminal.quiet(1.0)
    took = [terminal.key(b"]", (_ROW,))]
    for _ in range(4):
        os.write(terminal.fd, b"\x7f")
        terminal.quiet(1.0)
        took.append(terminal.key(b"]", (_ROW,)))
    for key in (b"\r", b"\x1b"):  # back to the list, then all of it
        os.write(terminal.fd, key)
        terminal.quiet(1.0)
    return min(took)


def key_s(terminal: Terminal, answer: bytes = b"") -> float:
    """Of many steps down and up, what 99 of 100 do not exceed until the answer, or any byte."""
    took = []
    for number in range(_KEYS):
        step = _STEPS[number % 2]
        drained = time.perf_counter() + _CALM_S
        while time.perf_counter() < drained:
            terminal.read(_CALM_S)
        if answer:
            took.append(terminal.key(step, (answer,)))
            continue
        began = time.perf_counter()
        os.write(terminal.fd, step)
        while not terminal.read(0.002) and time.perf_counter() - began < _LOST_S:
            pass
        took.append(time.perf_counter() - began)
    return percentile(took, 0.99)


def bare_key_s(root: Path, count: int) -> float:
    """The same of a bare list of as many lines."""
    terminal = Terminal([sys.executable, str(HERE / "bare_list.py"), str(count)], root, columns=160)
    terminal.until(b"evaluate 0", _PATIENCE_S)
    terminal.quiet()
    found = key_s(terminal)
    terminal.close()
    return found


@dataclass(frozen=True)
class Found:
    """What was measured of a program."""

    starts: list[Start]
    rate: float
    cpu: float
    memory: float
    key: float
    busy_rate: float
    busy_cpu: float
    busy_key: float
    made: float
    """Changes a second that the server took meanwhile."""
    filtering: float = 0.0

    def best(self, what: str) -> float:
        """The smallest of all starts."""
        return float(min(getattr(start, what) for start in self.starts))

    def tell(self, name: str, count: int) -> None:
        """Print it."""
        print(f"    {name}, {count} pods: first rows {self.best('first'):.2f} s "
              f"({self.best('first_cpu'):.2f} s of a processor), all {self.best('every'):.2f} s "
              f"({self.best('every_cpu'):.2f} s), {self.memory:.0f} MiB")  # fmt: skip
        print(f"      at rest {self.rate:.0f} B/s, {self.cpu:.1%} of a processor, a key "
              f"{self.key * 1000:.0f} ms; with {self.made:.0f} changes/s {self.busy_rate:.0f} B/s, "
              f"{self.busy_cpu:.1%}, a key {self.busy_key * 1000:.0f} ms")  # fmt: skip


class Bench:
    """One cluster, one terminal size, programs in turn."""

    def __init__(self, root: Path, environ: dict[str, str], options: argparse.Namespace) -> None:
        self.root, self.environ, self.options = root, environ, options
        self.namespace = SMALL[0] if options.small else ""
        self.namespaces = SMALL if options.small else LARGE
        self.there = asyncio.run(
            fill(environ, self.namespaces, 50 if options.small else options.pods)
        )
        # What the other one left is listed with all namespaces.
        self.count = self.there + (0 if options.small else asyncio.run(fill(environ, SMALL, 0)))

    def start(self, program: str) -> Start:
        """One start, ended at once."""
        start, terminal = self._listed(program)
        terminal.close()
        return start

    def _listed(self, program: str) -> tuple[Start, Terminal]:
        return listed(program, self.root, self.environ, self.namespace, self.count)

    def measure(self, program: str, starts: list[Start]) -> Found:
        """All but the time of more starts."""
        is_ours, seconds = program == "mltui", self.options.seconds
        answer = _CURSOR if is_ours else b""
        start, terminal = self._listed(program)
        rate, cpu = at_rest(terminal, seconds, _SETTLE_S)
        memory = terminal.pss_bytes() / 2**20
        key = key_s(terminal, answer)
        filtering = filter_s(terminal) if is_ours and not self.options.small else 0.0
        with changing(self.environ, self.namespaces, self.there, self.options.changes) as done:
            before, began = done[0], time.perf_counter()
            busy_rate, busy_cpu = at_rest(terminal, seconds, _BUSY_S)
            made = (done[0] - before) / (time.perf_counter() - began)
            busy_key = key_s(terminal, answer)
        terminal.close()
        return Found([*starts, start], rate, cpu, memory, key, busy_rate, busy_cpu, busy_key, made,
                     filtering)  # fmt: skip

    def run(self, other: str | None) -> bool:
        """Measure and report; whether all that must be reached is."""
        options = self.options
        starts: dict[str, list[Start]] = {"mltui": [], **({other: []} if other else {})}
        for _ in range(options.runs):
            for program, found in starts.items():
                found.append(self.start(program))
        ours = self.measure("mltui", starts["mltui"])
        inside = best(options.runs, lambda: from_command(self.root, self.environ, self.namespace))
        bare = bare_key_s(self.root, self.count)
        ours.tell("mltui", self.count)
        print(f"      from `:pods` {inside:.2f} s; a key in a bare list {bare * 1000:.0f} ms")
        good = report("changes beside those asked for", options.changes / max(ours.made, 0.1), 1.1)
        good &= report("processor at rest beside 2 %", ours.cpu / 0.02, 1)
        good &= report("a key beside a bare list's", ours.key / bare, 2)
        good &= report("a key under changes beside a bare list's", ours.busy_key / bare, 2)
        good &= report("bytes under changes beside 10 KB/s", ours.busy_rate / 10_000, 1)
        if ours.filtering:
            good &= report("filter of all rows beside 100 ms", ours.filtering / 0.1, 1)
        if other is None:
            return good
        theirs = self.measure(other, starts[other])
        theirs.tell("k9s", self.count)
        limits = (1.2, 1.2, 1.2, 0.7) if options.small else (0.1, 0.06, 0.35, 0.12)
        good &= report(
            "first rows beside k9s", ours.best("first") / theirs.best("first"), limits[0]
        )
        good &= report("from `:pods` beside k9s", inside / theirs.best("first"), limits[1])
        good &= report("all rows beside k9s", ours.best("every") / theirs.best("every"), limits[2])
        good &= report("memory beside k9s", ours.memory / theirs.memory, limits[3])
        cpu = ours.best("every_cpu") / theirs.best("every_cpu")
        print(f"  processor until all rows beside k9s: {cpu:.3f}×")
        return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="50 pods, and the limits for those")
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--changes", type=float, default=50.0, help="a second")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--fill", action="store_true", help="only make the pods")
    parser.add_argument("--k9s", help="its file, where it is not on PATH")
    options = parser.parse_args()
    environ = scale_cluster()
    if environ is None:
        return
    other = options.k9s or peer("k9s", "go install github.com/derailed/k9s@latest")
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        root = Path(folder)
        (root / "mltui.yaml").write_text(_SPEC)
        environ |= {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
        bench = Bench(root, environ, options)
        good = options.fill or bench.run(other)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
