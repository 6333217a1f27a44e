"""A log of 5,000,000 lines beside ripgrep, and the log pane under a flood beside a bare list.

Searching: six patterns over a file of 1 GB, as the log pane searches (blocks of a `Sieve`), beside
`rg -c`, by processor time, as other work on the machine would spoil wall time. Jumping: the app on
that file, from the key to the last and to the first line. Flooding: a stage writes 100,000 lines a
second; the log pane has the keys.

    python bench/bench_logs.py [--lines 5000000] [--seconds 60] [--only search|jump|flood]
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import MLTUI, Terminal, peer, percentile, report, timed
from mltui.logs.index import LogIndex
from mltui.logs.search import compile_pattern, matching
from mltui.logs.sieve import Sieve

HERE = Path(__file__).parent
PATTERNS = (
    ("literal", "Traceback", False),
    ("prefix", "^2026-11-25T12:05:3", False),
    ("alternation", "FATAL|Traceback", False),
    ("character class", "worker 1[0-5] shard 000", False),
    ("ignoring case", "TRACEBACK", True),
    ("no match", "there is no such text", False),
)
LINE = (
    b"2026-11-25T%02d:%02d:%02d.%03dZ %s epoch %6d step %8d loss 0.%04d grad %8.3f worker %d"
    b" shard %05d of many; queue %d and memory %d MiB now; batch of examples with all their"
    b" labels and some more text here to be long\n"
)
SPEC = """\
mltui: 1
name: logs
code: [write]
stages:
  old:
    phase: data
    run: cat {log}
  flood:
    phase: training
    timeout: 10m
    run: ./write
"""
WRITE = """\
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
int main(void) {
    static char text[101 * 100000], *to;
    long n = 0, count = %(count)d;
    double start = now();
    while (n < count) {
        long due = (long)((now() - start) * 100000);
        if (due > count) due = count;
        if (due > n + 100000) due = n + 100000;
        for (to = text; n < due; n++) {
            sprintf(to, "%%012ld ", n);
            memset(to + 13, 'x', 86);
            to[99] = '\\n';
            to += 100;
        }
        for (char *from = text; from < to;) {
            long done = write(1, from, to - from);
            if (done < 0) return 1;
            from += done;
        }
        usleep(10000);
    }
}
"""


def make_writer(root: Path, count: int) -> None:
    """A small program, compiled, so that it takes little from what is measured."""
    words = ["cc", "-O2", "-x", "c", "-o", str(root / "write"), "-"]
    subprocess.run(words, input=(WRITE % {"count": count}).encode(), check=True)


def write_log(path: Path, count: int) -> None:
    """A log as programs write them."""
    rng = random.Random(1)
    with path.open("wb") as file:
        for first in range(0, count, 50_000):
            lines = [
                LINE
                % (
                    *(n // 360_000 % 24, n // 6000 % 60, n // 100 % 60, n % 1000),
                    *(b"INFO " if n % 9 else b"WARN ", n // 700, n, rng.randrange(10_000)),
                    *(rng.random() * 100, n % 16, n % 4096, n % 13, n % 8192),
                )
                for n in range(first, min(first + 50_000, count))
            ]
            if first // 50_000 % 10 == 3:
                lines.insert(77, b"Traceback (most recent call last):\n")
            file.write(b"".join(lines))


def search(log: Path) -> bool:
    """Six patterns; whether each reaches its ratio."""
    rg = peer("rg", "apt-get install ripgrep")
    if rg is None:
        return True
    index = LogIndex(log)
    index.look()
    good = True
    for name, source, ignore in PATTERNS:
        pattern = compile_pattern(source, ignore_case=ignore)
        best = [float("inf"), float("inf")]
        for _ in range(3):
            sieve = Sieve(index, matching(index, pattern))
            start = time.process_time()
            while sieve.advance():
                pass
            best[0] = min(best[0], time.process_time() - start)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            words = [rg, "-c", *(["-i"] if ignore else []), source, str(log)]
            found = subprocess.run(words, capture_output=True, check=False).stdout
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best[1] = min(best[1], took)
            assert sieve.total == int(found or b"0"), (name, sieve.total, found)
        speed = best[1] / best[0]
        reached = speed >= 0.15
        good = good and reached
        words_ = "reached" if reached else "NOT REACHED"
        print(f"  {name}: {speed:.2f}× rg's speed, {sieve.total} lines (must be ≥ 0.15×) {words_}")
    print(
        f"  memory of all of that: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
    )
    return good


def jump(root: Path, count: int) -> bool:
    """From the key to the first and the last line of a log that was never read."""
    timed([*MLTUI, "run"], root)
    end = b"%8d" % (count - 1)
    app = Terminal([*MLTUI], root)
    app.until(b"flood")
    app.quiet()
    app.key(b"\x1b[F", (b"wrote nothing",), 2.0)
    app.quiet()
    idle = app.pss_bytes()
    took = {"opened on its last screen": app.key(b"\x1b[H", (end,), 20.0)}
    app.key(b"\r", (b"Search",), 1.0)
    took["first screen"] = app.key(b"g", (b"step        0",), 20.0)
    took["last screen"] = app.key(b"G", (end,), 20.0)
    app.quiet(1.0, 60.0)
    took["first screen, all counted"] = app.key(b"g", (b"step        0",), 20.0)
    took["last screen, all counted"] = app.key(b"G", (end,), 20.0)
    app.quiet(1.0, 60.0)
    grown = (app.pss_bytes() - idle) / 2**20
    app.close()
    for what, seconds in took.items():
        print(f"  key to {what}: {seconds:.3f} s (must be ≤ 0.3 s)")
    print(f"  memory over idle once all is counted: {grown:.0f} MiB (must be ≤ 100)")
    return max(took.values()) <= 0.3 and grown <= 100


def flood(root: Path, seconds: int) -> bool:
    """Keys, bytes and memory while 100,000 lines a second are written and followed."""
    rng = random.Random(7)

    def keys(terminal: Terminal, answers: tuple[bytes, ...], moves: tuple[bytes, bytes]) -> float:
        found: list[float] = []
        until = time.monotonic() + seconds / 4
        while time.monotonic() < until:
            found.append(terminal.key(moves[len(found) % 2], answers, 5.0))
            time.sleep(rng.uniform(0.005, 0.05))
        if "-v" in sys.argv:
            shares = (0.5, 0.9, 0.95, 0.99, 1.0)
            print("   ", len(found), [round(percentile(found, share), 4) for share in shares])
        return percentile(found, 0.99)

    make_writer(root, 100_000 * seconds)
    timed([*MLTUI, "run", "flood", "--detach"], root)
    time.sleep(2)
    bare = Terminal([sys.executable, str(HERE / "bare_list.py"), "200"], root)
    bare.until(b"evaluate")
    bare.quiet()
    floor = keys(bare, (b"evaluate",), (b"\x1b[B", b"\x1b[A"))
    bare.close()
    app = Terminal([*MLTUI], root)
    app.until(b"flood")
    time.sleep(2)
    app.key(b"\r", (b"xxxx",), 20.0)
    before, memory, start = app.total, app.pss_bytes(), time.monotonic()
    while time.monotonic() - start < seconds / 4:
        app.read(0.1)
    rate = (app.total - before) / (time.monotonic() - start) / 1000
    p99 = keys(app, (b"/", b"following"), (b"\x1b[A", b"\x1b[F"))
    grown = (app.pss_bytes() - memory) / 2**20
    app.close()
    timed([*MLTUI, "attach"], root)
    log = max((root / ".mltui/runs").glob("*/flood*/log"), key=lambda path: path.stat().st_mtime)
    with log.open("rb") as file:
        lost = 100_000 * seconds - sum(1 for n, line in enumerate(file) if int(line[:12]) == n)
    print(f"  lost {lost}; {rate:.1f} KB/s to the terminal (≤ 20); memory +{grown:.1f} MiB (≤ 20)")
    good = report("p99 key to bytes", p99 / floor, 2)
    return good and not lost and rate <= 20 and grown <= 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", choices=["search", "jump", "flood"])
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        root = Path(folder)
        log = root / "big.log"
        if args.only != "flood":
            write_log(log, args.lines)
        (root / "mltui.yaml").write_text(SPEC.format(log=log))
        make_writer(root, 0)
        if args.only in (None, "search"):
            good = search(log)
        if args.only in (None, "jump"):
            good = jump(root, args.lines) and good
        if args.only in (None, "flood"):
            good = flood(root, args.seconds) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
