"""Keys in the list of 300 running containers, beside a bare Textual list of as many lines.

The containers are really started, without a network, on the Docker that `docker` finds, and removed
at the end; nothing is pulled. The cursor goes down and up at irregular times.

    python bench/bench_containers.py [--containers 300] [--keys 1000] [--image debian:bookworm-slim]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import MLTUI, Terminal, percentile, report

HERE = Path(__file__).parent
PREFIX = "bench-list-"
SPEC = "mltui: 1\nname: bench\ntargets: {local: {engine: docker}}\nstages: {a: {run: 'true'}}\n"


def start(image: str, count: int) -> list[str]:
    """The names of so many containers that run."""

    def one(number: int) -> str:
        name = f"{PREFIX}{number:03d}"
        argv = ["docker", "run", "-d", "--name", name, "--network", "none", image]
        done = subprocess.run([*argv, "sleep", "86400"], capture_output=True)
        if done.returncode:
            sys.exit(f"{name} could not be started: {done.stderr.decode()}")
        return name

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(count)))


def latencies(terminal: Terminal, keys: int, answer: bytes) -> list[float]:
    """Seconds from press to bytes: only the lines the cursor leaves and enters are painted."""
    rng = random.Random(7)
    found = []
    for n in range(keys):
        found.append(terminal.key(b"\x1b[B" if n % 2 == 0 else b"\x1b[A", (answer,)))
        time.sleep(rng.uniform(0.005, 0.03))
    return found


def measure(root: Path, count: int, keys: int) -> tuple[list[float], list[float]]:
    """Latencies of the bare list, then of mltui, in turn in four parts each."""
    floor: list[float] = []
    found: list[float] = []
    bare = Terminal([sys.executable, str(HERE / "bare_list.py"), str(count)], root)
    bare.until(b"evaluate")
    ours = Terminal([*MLTUI], root)
    ours.until(b"Filter")
    ours.quiet()
    opened = time.perf_counter()
    ours.output.clear()
    for letter in b":containers\r":
        ours.key(bytes([letter]), (b" ",), 0.5)
    ours.until(b"bench-", 60)
    print(f"    the list was there {time.perf_counter() - opened:.1f} s after `:`")
    for terminal in (bare, ours):
        terminal.quiet(1.0)
    for _ in range(4):
        floor += latencies(bare, keys // 4, b"evaluate")
        found += latencies(ours, keys // 4, b"bench-")
    bare.close()
    ours.close()
    return floor, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=300)
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--image", default="debian:bookworm-slim")
    options = parser.parse_args()
    probe = subprocess.run(["docker", "image", "inspect", options.image], capture_output=True)
    if probe.returncode:
        print(f"  no Docker with the image {options.image}: nothing measured")
        return
    names: list[str] = []
    try:
        names = start(options.image, options.containers)
        with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
            root = Path(folder)
            (root / "mltui.yaml").write_text(SPEC)
            listed = subprocess.run(
                [*MLTUI, "ls", "containers", "-o", "json"], cwd=root, capture_output=True
            )
            seen = {row["name"] for row in json.loads(listed.stdout)}
            print(f"    {len(seen & set(names))} of {len(names)} containers are listed")
            floor, found = measure(root, options.containers, options.keys)
    finally:
        for first in range(0, options.containers, 50):
            some = [f"{PREFIX}{n:03d}" for n in range(first, min(first + 50, options.containers))]
            subprocess.run(["docker", "rm", "-f", *some], capture_output=True)
    for name, values in (("bare list", floor), ("mltui", found)):
        print(
            f"    {name:10} median {percentile(values, 0.5) * 1000:6.1f} ms   "
            f"p99 {percentile(values, 0.99) * 1000:6.1f} ms"
        )
    ratio = percentile(found, 0.99) / percentile(floor, 0.99)
    good = report(f"p99 key to bytes among {options.containers} containers", ratio, 2)
    sys.exit(0 if good and len(seen & set(names)) == len(names) else 1)


if __name__ == "__main__":
    main()
