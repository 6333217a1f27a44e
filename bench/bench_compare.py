"""Claim: of 1,000 runs the table takes at most 0.3 s, and the diff of two 0.2 s.

    python bench/bench_compare.py

Each is measured as a whole command (`mltui table`, `mltui diff`) less what a bare interpreter
takes, and the comparison also as the screen does it, in a process that has its modules.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import seed
from measure import MLTUI, best, timed
from mltui.runs.compare import compare
from mltui.runs.project import Project

RUNS, TIMES = 1_000, 5
TABLE_S, DIFF_S = 0.3, 0.2


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = seed.project(Path(folder) / "project", RUNS)
        bare = best(TIMES, lambda: timed((sys.executable, "-c", "pass"), root))
        print(f"{RUNS:,} runs; a bare interpreter takes {bare:.3f} s")
        table = best(TIMES, lambda: timed((*MLTUI, "table"), root)) - bare
        diff = best(TIMES, lambda: timed((*MLTUI, "diff", "1", str(RUNS)), root)) - bare
        project = Project.find(root)
        shown = best(TIMES, lambda: _seconds(project))
    good = True
    for what, took, limit in (
        ("mltui table", table, TABLE_S),
        ("mltui diff", diff, DIFF_S),
        ("diff on screen", shown, DIFF_S),
    ):
        good &= took <= limit
        verdict = "reached" if took <= limit else "NOT REACHED"
        print(f"  {what}: {took:.3f} s (must be ≤ {limit} s) {verdict}")
    return 0 if good else 1


def _seconds(project: Project) -> float:
    begun = time.perf_counter()
    compare(project, [1, RUNS])
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
