"""Metrics of services over time, in the serving journal, with a bound.

Each value is kept at three resolutions, each for as long as it is of use; what is older goes. So a
series takes at most 2,640 points (some 120 kB), however long a service lives. Written by the
scraper, read by the CLI and the screens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mltui.serving.ledger import Ledger
from mltui.serving.readings import Readings

STEPS = ((15, 2 * 3_600), (120, 86_400), (1_800, 30 * 86_400))
"""Seconds between points, and for how long they are kept."""
MAX_SERIES = 60
"""Of one deployment."""


class Series(NamedTuple):
    """A metric of a deployment. kind: see `exposition.between`."""

    id: int
    name: str
    kind: str


class Point(NamedTuple):
    """A stretch of time: its beginning (Unix seconds) and the values in it."""

    at: int
    mean: float
    low: float
    high: float


def record(
    ledger: Ledger, deployment: str, at: float, values: Mapping[str, tuple[str, float]]
) -> int:
    """Add values of one time; how many series there was no room for."""
    known = {one.name: one for one in list_series(ledger, deployment)}
    left = 0
    with ledger.transaction() as db:
        for name, (kind, value) in values.items():
            found = known.get(name)
            if found is None:
                if len(known) >= MAX_SERIES:
                    left += 1
                    continue
                cursor = db.execute(
                    "INSERT INTO series (deployment, name, kind) VALUES (?, ?, ?)",
                    (deployment, name, kind),
                )
                found = known[name] = Series(int(cursor.lastrowid or 0), name, kind)
            db.executemany(
                "INSERT INTO points VALUES (?1, ?2, ?3, 1, ?4, ?4, ?4) "
                "ON CONFLICT (series, step, at) DO UPDATE SET "
                "mean = (mean * count + excluded.mean) / (count + 1), count = count + 1, "
                "low = min(low, excluded.low), high = max(high, excluded.high)",
                [(found.id, step, int(at) // step * step, value) for step, _ in STEPS],
            )
    return left


def prune(ledger: Ledger, now: float) -> None:
    """Remove points that are too old for their resolution, and series without any."""
    with ledger.transaction() as db:
        for step, kept_s in STEPS:
            db.execute(
                "DELETE FROM points WHERE step = ?1 AND at < ?2 AND series IN "
                "(SELECT id FROM series)",
                (step, int(now) - kept_s),
            )
        db.execute("DELETE FROM series WHERE id NOT IN (SELECT DISTINCT series FROM points)")


def list_series(ledger: Readings, deployment: str) -> list[Series]:
    """The series of a deployment, in the order in which they were first seen."""
    rows = ledger.query(
        "SELECT id, name, kind FROM series WHERE deployment = ? ORDER BY id", deployment
    )
    return [Series(*row) for row in rows]


def read_points(ledger: Readings, series: int, since: float, now: float) -> list[Point]:
    """The points of a series, at the finest resolution that reaches back so far."""
    step = next((s for s, kept_s in STEPS if now - since <= kept_s), STEPS[-1][0])
    rows = ledger.query(
        "SELECT at, mean, low, high FROM points WHERE series = ? AND step = ? AND at >= ? "
        "ORDER BY at",
        series,
        step,
        int(since) - step,
    )
    return [Point(*row) for row in rows]
