"""Key press to bytes on the terminal while a stage logs 20,000 lines a second.

The peer is a bare Textual list on the same machine, under the same load, in turn with mltui. The
load is a real stage of a real run; the cursor goes up and down in the stage list.

    python bench/bench_keys.py [--keys 1000]
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import MLTUI, Terminal, percentile, report, timed

HERE = Path(__file__).parent

SPEC = """\
mltui: 1
name: noisy
code: [noisy.py]
stages:
  prepare:
    phase: data
    outputs: {raw: raw.txt}
    run: echo evaluate > ${outputs.raw}
  noisy:
    phase: training
    inputs: {raw: prepare.raw}
    timeout: 10m
    run: python3 noisy.py
  after:
    phase: inference
    inputs: {raw: prepare.raw}
    run: sleep 600
"""

NOISY = """\
import sys, time
line = "2026-01-01T00:00:00Z INFO  epoch {:>9}  loss 0.1234 of a line about as long as most are\\n"
n, start = 0, time.monotonic()
while True:
    due = int((time.monotonic() - start) * 20_000)
    if due > n:
        sys.stdout.write("".join(line.format(i) for i in range(n, due)))
        sys.stdout.flush()
        n = due
    time.sleep(0.01)
"""


def latencies(terminal: Terminal, keys: int, answers: tuple[bytes, ...]) -> list[float]:
    """Seconds from press to bytes, for keys at irregular times."""
    rng = random.Random(7)
    found = []
    for n in range(keys):
        found.append(terminal.key(b"\x1b[B" if n % 2 == 0 else b"\x1b[A", answers))
        time.sleep(rng.uniform(0.005, 0.03))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=1000)
    keys = parser.parse_args().keys
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        root = Path(folder)
        (root / "mltui.yaml").write_text(SPEC)
        (root / "noisy.py").write_text(NOISY)
        timed([*MLTUI, "run", "--detach", "--jobs", "2"], root)
        try:
            time.sleep(3)
            bare = Terminal([sys.executable, str(HERE / "bare_list.py"), "200"], root)
            bare.until(b"evaluate")
            bare.quiet()
            floor = latencies(bare, keys, (b"evaluate",))
            bare.close()
            ours = Terminal([*MLTUI], root)
            ours.until(b"noisy")
            time.sleep(2)
            found = latencies(ours, keys, (b"noisy", b"after", b"prepare"))
            ours.close()
            log = next((root / ".mltui/runs/1").glob("noisy*/log"))
            print(f"    the stage wrote {log.stat().st_size / 2**20:.0f} MiB meanwhile")
        finally:
            subprocess.run([*MLTUI, "cancel"], cwd=root, check=False, capture_output=True)
    for name, values in (("bare list", floor), ("mltui", found)):
        print(
            f"    {name:10} median {percentile(values, 0.5) * 1000:6.1f} ms   "
            f"p99 {percentile(values, 0.99) * 1000:6.1f} ms"
        )
    good = report("p99 key to bytes", percentile(found, 0.99) / percentile(floor, 0.99), 2)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
