"""`mltui ls services` and its kin: replicas, versions, monitors, measurements, acts.

Called by `commands.ls` for kinds that the serving journal has. What `-o json` prints is in
docs/reference/json.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.listing import timestamp
from mltui.cli.lsmonitors import LIMIT, Rows, ago, last_metrics, measurements, monitors
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.logs.sanitize import safe
from mltui.runs.project import Project
from mltui.serving import client, series
from mltui.serving.readings import Readings
from mltui.serving.rows import Deployment, Replica, Version
from mltui.text import format_age, format_number

_NOTHING = "nothing is served yet: `mltui deploy SERVICE` after a run"


def list_serving(kind: str, args: argparse.Namespace, out: Output) -> int:
    """List one kind. UsageError for a service or monitor that is not there."""
    project = Project.find(Path.cwd())
    is_json = args.output == "json"
    if not client.has_journal(project):
        if is_json:
            out.json([])
        else:
            diagnostics.note(_NOTHING)
        return diagnostics.DONE
    with closing(client.read(project)) as ledger:
        objects, columns, rows = _KINDS[kind](project, ledger, args)
    if is_json:
        out.json(objects)
        return diagnostics.DONE
    if not rows:
        diagnostics.note(f"there are no {kind} yet")
    shown = [tuple(out.say(cell) for cell in row) for row in rows]
    for line in layout(columns, shown, width=out.width) if rows else ():
        out.line(line)
    return diagnostics.DONE


def _chosen(project: Project, ledger: Readings, args: argparse.Namespace) -> list[Deployment]:
    if args.name is None:
        return ledger.deployments()
    return [client.find(project, args.name)]


def _services(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    status = client.supervisor_status(project)
    objects: list[dict[str, Any]] = []
    rows: Rows = []
    now = time.time()
    for found in _chosen(project, ledger, args):
        version = ledger.version(found.name, found.version)
        state, reason = client.state_of(found, status)
        url = found.url
        objects.append(
            {
                "name": found.name,
                "service": found.service,
                "target": found.target,
                "state": state.value,
                "reason": reason,
                "ready": found.ready,
                "replicas": found.replicas,
                "wanted": found.is_wanted,
                "version": found.version,
                "run": None if version is None else version.run,
                "since": timestamp(None if version is None else version.at),
                "url": url,
                "supervisor": status.pid,
            }
        )
        rows.append(
            (
                found.name,
                state.value,
                f"{found.ready}/{found.replicas}",
                str(found.version),
                "" if version is None or version.run is None else str(version.run),
                "" if version is None else ago(version.at, now),
                url or "",
                reason,
            )
        )
    columns = [
        Column("SERVICE"),
        Column("STATE"),
        Column("READY", right=True),
        Column("VERSION", right=True),
        Column("RUN", right=True),
        Column("SINCE", right=True),
        Column("URL"),
        Column("DETAIL"),
    ]
    return objects, columns, rows


def _replicas(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    now = time.time()
    found: list[Replica] = []
    for deployment in _chosen(project, ledger, args):
        found += ledger.replicas(deployment.name, gone=args.all)
    objects = [
        {
            "name": one.label,
            "service": one.deployment.partition("@")[0],
            "target": one.deployment.partition("@")[2],
            "replica": one.number,
            "version": one.version,
            "state": one.health.value,
            "object": one.object,
            "host": one.host,
            "port": one.port,
            "started_at": timestamp(one.made_at),
            "ready_at": timestamp(one.ready_at),
            "ended_at": timestamp(one.ended_at),
            "reason": one.reason,
            "log": str(project.folder / "serving" / one.deployment / str(one.number) / "log"),
        }
        for one in found
    ]
    rows: Rows = [
        (
            one.label,
            one.health.value,
            str(one.version),
            str(one.port or ""),
            (one.object or "").partition(":")[0][:12],
            format_age((one.ended_at or now) - one.made_at),
            one.reason,
        )
        for one in found
    ]
    columns = [
        Column("REPLICA"),
        Column("STATE"),
        Column("VERSION", right=True),
        Column("PORT", right=True),
        Column("OBJECT"),
        Column("AGE", right=True),
        Column("DETAIL"),
    ]
    return objects, columns, rows


def _versions(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    found: list[Version] = []
    for deployment in _chosen(project, ledger, args):
        found += ledger.versions(deployment.name, limit=args.limit or -1)
    now = time.time()
    objects = [version_object(one) for one in found]
    rows: Rows = [
        (
            one.deployment,
            str(one.number),
            one.course.value,
            "" if one.run is None else str(one.run),
            ago(one.at, now),
            one.by,
            one.why,
            one.reason or last_metrics(one.metrics),
        )
        for one in found
    ]
    columns = [
        Column("SERVICE"),
        Column("VERSION", right=True),
        Column("STATE"),
        Column("RUN", right=True),
        Column("WHEN", right=True),
        Column("WHO"),
        Column("WHY"),
        Column("DETAIL"),
    ]
    return objects, columns, rows


def version_object(one: Version) -> dict[str, Any]:
    """A version, for scripts."""
    inputs = {}
    for name, served in one.inputs.items():
        digest = None if served.artifact is None else served.artifact.digest
        inputs[name] = {"digest": digest, "source": served.source}
    return {
        "name": one.deployment,
        "version": one.number,
        "state": one.course.value,
        "reason": one.reason,
        "run": one.run,
        "at": timestamp(one.at),
        "by": one.by,
        "why": one.why,
        "inputs": inputs,
        "code": one.code,
        "environment": None if one.built is None else one.built.resolved,
        "location": None if one.built is None else one.built.location,
        "image": None if one.built is None or one.engine == "process" else one.built.location,
        "metrics": dict(one.metrics),
    }


def _metrics(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    now = time.time()
    objects: list[dict[str, Any]] = []
    rows: Rows = []
    for deployment in _chosen(project, ledger, args):
        problem = ledger.metrics_problem(deployment.name)
        if problem:
            diagnostics.warn(f"{deployment.name}: {problem}")
        for one in series.list_series(ledger, deployment.name):
            points = series.read_points(ledger, one.id, now - 3_600, now)
            if not points:
                continue
            low, high = min(p.low for p in points), max(p.high for p in points)
            mean = sum(p.mean for p in points) / len(points)
            objects.append(
                {
                    "name": deployment.name,
                    "metric": one.name,
                    "kind": one.kind,
                    "last": points[-1].mean,
                    "low": low,
                    "mean": mean,
                    "high": high,
                    "points": [[p.at, p.mean] for p in points],
                }
            )
            unit = "/s" if one.kind == "rate" else ""
            number = format_number
            rows.append(
                (
                    deployment.name,
                    safe(one.name),
                    number(points[-1].mean) + unit,
                    number(low),
                    number(mean),
                    number(high),
                )
            )
    columns = [
        Column("SERVICE"),
        Column("METRIC"),
        Column("LAST", right=True),
        Column("LOW 1h", right=True),
        Column("MEAN", right=True),
        Column("HIGH", right=True),
    ]
    return objects, columns, rows


def _acts(
    project: Project, ledger: Readings, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Column], Rows]:
    limit = args.limit if args.limit is not None else LIMIT
    found = ledger.acts(args.name, limit=limit or -1)
    now = time.time()
    objects = [
        {"at": timestamp(one.at), "by": one.by, "name": one.deployment, "what": one.what}
        for one in found
    ]
    rows: Rows = [(ago(one.at, now), one.by, one.deployment, one.what) for one in found]
    columns = [Column("WHEN", right=True), Column("WHO"), Column("WHERE"), Column("WHAT")]
    return objects, columns, rows


_Lister = Callable[
    [Project, Readings, argparse.Namespace], tuple[list[dict[str, Any]], list[Column], Rows]
]
_KINDS: dict[str, _Lister] = {
    "services": _services,
    "replicas": _replicas,
    "versions": _versions,
    "monitors": monitors,
    "measurements": measurements,
    "metrics": _metrics,
    "acts": _acts,
}
