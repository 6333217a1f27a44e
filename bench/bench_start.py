"""How long until something is on screen, and what it costs in memory.

First paint of real content in a project with 200 runs beside a bare Textual app; `--version`,
`ls runs` and `ls stages` beside `python -c pass`; the latest run with 100,000 events in the journal
beside one with 1,000. Run it with the interpreter of an environment where the wheel is installed.

    python bench/bench_start.py [--runs 7]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import seed
from measure import Terminal, best, report, timed

HERE = Path(__file__).parent


def first_paint(argv: list[str], cwd: Path, marker: bytes) -> tuple[float, int]:
    """Seconds to `marker` on the terminal; memory once it is quiet."""
    terminal = Terminal(argv, cwd)
    took = terminal.until(marker)
    terminal.quiet(0.5)
    memory = terminal.pss_bytes()
    terminal.close()
    return took, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    console = Path(sys.executable).parent / "mltui"
    program = [str(console)]
    bare = [sys.executable, str(HERE / "bare_list.py"), "200"]
    good = True
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        base = Path(folder)
        small = seed.project(base / "small", 2, padding_events=1_000)
        middle = seed.project(base / "middle", 200)
        large = seed.project(base / "large", 200, padding_events=100_000)

        first_paint(program, middle, b"evaluate")  # writes bytecode where there is none yet
        ours: list[tuple[float, int]] = []
        theirs: list[tuple[float, int]] = []
        for _ in range(runs):
            ours.append(first_paint(program, middle, b"evaluate"))
            theirs.append(first_paint(bare, middle, b"evaluate"))
        paint, bare_paint = min(t for t, _ in ours), min(t for t, _ in theirs)
        print(f"    mltui {paint * 1000:.0f} ms, bare Textual {bare_paint * 1000:.0f} ms")
        good &= report("first paint with 200 runs beside bare Textual", paint / bare_paint, 1.5)
        more = (min(m for _, m in ours) - min(m for _, m in theirs)) / 2**20
        print(f"  memory above bare Textual: {more:.1f} MiB (must be ≤ 50)")
        good &= more <= 50

        empty = best(runs, lambda: timed([sys.executable, "-c", "pass"], base))
        for words in (["--version"], ["ls", "runs"], ["ls", "stages"]):
            took = best(runs, partial(timed, [*program, *words], middle))
            good &= report(f"{' '.join(words)} beside python -c pass", took / empty, 4)

        show = {}
        for name, root in (("small", small), ("large", large)):
            show[name] = min(first_paint(program, root, b"evaluate")[0] for _ in range(runs))
        good &= report(
            "latest run, 100,000 events beside 1,000", show["large"] / show["small"], 1.2
        )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
