"""Claim: 30 days of metrics of 10 services take at most 100 MB and are opened in half a second.

    python bench/bench_series.py

Fills a serving journal as the scraper would leave it (every series at its bound), then measures the
file, and opening it and reading what a screen shows.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from mltui.serving import series
from mltui.serving.ledger import Ledger

SERVICES = 10
LIMIT_MB, LIMIT_S = 100.0, 0.5


def fill(ledger: Ledger, now: int) -> int:
    """Every series of every service, full at all resolutions; how many points."""
    count = 0
    with ledger.transaction() as db:
        for service in range(SERVICES):
            for number in range(series.MAX_SERIES):
                cursor = db.execute(
                    "INSERT INTO series (deployment, name, kind) VALUES (?, ?, 'rate')",
                    (f"service-{service}@prod", f"requests_total{{code={number}}}"),
                )
                for step, kept_s in series.STEPS:
                    rows = [
                        (cursor.lastrowid, step, at, 8, at * 1.1, at * 0.9, at * 1.3)
                        for at in range((now - kept_s) // step * step, now, step)
                    ]
                    db.executemany("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                    count += len(rows)
    return count


def main() -> int:
    now = int(time.time())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with closing(Ledger.open(root, write=True)) as ledger:
            count = fill(ledger, now)
            ledger.query("PRAGMA wal_checkpoint(TRUNCATE)")
        size_mb = sum(file.stat().st_size for file in root.iterdir()) / 1e6
        begun = time.perf_counter()
        with closing(Ledger.open(root)) as ledger:
            shown = series.list_series(ledger, "service-3@prod")[:12]
            points = [series.read_points(ledger, one.id, now - 86_400, now) for one in shown]
        took_s = time.perf_counter() - begun
    print(f"{count:,} points of {SERVICES * series.MAX_SERIES} series: {size_mb:.1f} MB")
    print(f"opened, and 12 curves of a day read: {took_s:.3f} s ({sum(map(len, points)):,} points)")
    return 0 if size_mb <= LIMIT_MB and took_s <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
