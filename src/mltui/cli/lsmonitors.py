"""`mltui ls monitors` and `ls measurements`: when monitors are due, and what they said."""

from __future__ import annotations

import argparse
import time
from typing import Any

from mltui.cli.listing import timestamp
from mltui.cli.table import Column
from mltui.runs.project import Project
from mltui.serving.readings import Readings
from mltui.serving.rows import Measurement, MonitorRow
from mltui.text import format_age, format_number

LIMIT = 20
Rows = list[tuple[str, ...]]


def monitors(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    """When each is due, and what it said last."""
    now = time.time()
    objects: list[dict[str, Any]] = []
    rows: Rows = []
    for found in ledger.monitors():
        if args.name not in (None, found.name, f"{found.name}@{found.target}"):
            continue
        newest = ledger.measurements(found.name, found.target, limit=1)
        last = newest[0] if newest else None
        objects.append(
            {
                "name": f"{found.name}@{found.target}",
                "monitor": found.name,
                "target": found.target,
                "on": found.is_wanted,
                "every": found.every_s,
                "next_at": timestamp(found.next_at if found.is_wanted else None),
                "cronjob": found.cronjob or None,
                "note": found.note,
                "last": None if last is None else measurement_object(last),
            }
        )
        rows.append(
            (
                f"{found.name}@{found.target}",
                due(found, now),
                "" if last is None else last.verdict or "measuring",
                "" if last is None else ago(last.at, now),
                found.cronjob,
                found.note or ("" if last is None else _detail(last)),
            )
        )
    columns = [
        Column("MONITOR"),
        Column("DUE"),
        Column("LAST"),
        Column("WHEN", right=True),
        Column("CRONJOB"),
        Column("DETAIL"),
    ]
    return objects, columns, rows


def _detail(last: Measurement) -> str:
    return last.outcome or last.reason or last_metrics(last.metrics)


def due(found: MonitorRow, now: float) -> str:
    """When a monitor runs next: `in 42m`, `now`, `off`."""
    if not found.is_wanted:
        return "off"
    if found.running_since is not None:
        return "measuring"
    if found.next_at <= now or found.asked_at is not None:
        return "now"
    return f"in {format_age(found.next_at - now)}"


def measurements(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    """What they said, newest first."""
    name, _, target = (args.name or "").partition("@")
    limit = args.limit if args.limit is not None else LIMIT
    found = ledger.measurements(name or None, target or None, limit=limit or -1)
    now = time.time()
    rows: Rows = [
        (
            f"{one.monitor}@{one.target}",
            ago(one.at, now),
            one.verdict or "measuring",
            str(one.rows),
            last_metrics(one.metrics),
            "" if one.run is None else str(one.run),
            one.outcome or one.reason,
        )
        for one in found
    ]
    columns = [
        Column("MONITOR"),
        Column("WHEN", right=True),
        Column("VERDICT"),
        Column("ROWS", right=True),
        Column("METRICS"),
        Column("RUN", right=True),
        Column("DETAIL"),
    ]
    return [measurement_object(one) for one in found], columns, rows


def measurement_object(one: Measurement) -> dict[str, Any]:
    """A measurement, for scripts."""
    return {
        "monitor": one.monitor,
        "target": one.target,
        "at": timestamp(one.at),
        "ended_at": timestamp(one.ended_at),
        "verdict": one.verdict or None,
        "rows": one.rows,
        "metrics": dict(one.metrics),
        "reason": one.reason,
        "run": one.run,
        "outcome": one.outcome,
        "job": one.object or None,
    }


def ago(at: float, now: float) -> str:
    """`3m ago`."""
    return f"{format_age(now - at)} ago"


def last_metrics(metrics: Any) -> str:
    """The last few of a measurement or a run, in words."""
    names = [name for name in metrics if name.rpartition(".")[2] not in ("step", "epoch")][-3:]
    return ", ".join(f"{name} {format_number(metrics[name])}" for name in names)
