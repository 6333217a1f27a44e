"""All that a screen shows of services and monitors, read at once.

Called by the app's session in a thread, with a connection of its own. Equal snapshots mean that
nothing on screen has changed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field

from mltui.runs.project import Project
from mltui.serving import client, series
from mltui.serving.readings import Readings
from mltui.serving.rows import (
    Act,
    Deployment,
    Measurement,
    MonitorRow,
    Replica,
    Standing,
    Version,
)

CURVES = 12
POINTS = 240
WINDOW_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One series of the last hour."""

    name: str
    kind: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A deployment and what belongs to it."""

    deployment: Deployment
    state: Standing
    reason: str
    version: Version | None
    replicas: tuple[Replica, ...]
    curves: tuple[Curve, ...]
    versions: tuple[Version, ...]
    """The newest ones."""
    acts: tuple[Act, ...]
    metrics_problem: str


@dataclass(frozen=True, slots=True)
class MonitorView:
    """A monitor and what it said, newest first."""

    row: MonitorRow
    said: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Services and monitors by their names in `mltui.yaml`; one entry a target."""

    services: Mapping[str, tuple[ServiceView, ...]] = field(default_factory=dict)
    monitors: Mapping[str, tuple[MonitorView, ...]] = field(default_factory=dict)

    @property
    def is_ticking(self) -> bool:
        """Something on it depends on the clock."""
        due = any(one.row.is_wanted for rows in self.monitors.values() for one in rows)
        return due or bool(self.services)


def read_snapshot(project: Project) -> Snapshot:
    """What there is now. JournalError when the serving journal can't be read."""
    if not client.has_journal(project):
        return Snapshot()
    services: dict[str, tuple[ServiceView, ...]] = {}
    monitors: dict[str, tuple[MonitorView, ...]] = {}
    status = client.supervisor_status(project)
    with closing(client.read(project)) as ledger:
        for deployment in ledger.deployments():
            state, reason = client.state_of(deployment, status)
            view = _service(ledger, deployment, state, reason)
            services[deployment.service] = (*services.get(deployment.service, ()), view)
        for row in ledger.monitors():
            said = tuple(ledger.measurements(row.name, row.target, limit=12))
            monitors[row.name] = (*monitors.get(row.name, ()), MonitorView(row, said))
    return Snapshot(services, monitors)


def _service(ledger: Readings, deployment: Deployment, state: Standing, reason: str) -> ServiceView:
    name = deployment.name
    return ServiceView(
        deployment,
        state,
        reason,
        ledger.version(name, deployment.version),
        tuple(ledger.replicas(name)),
        _curves(ledger, name),
        tuple(ledger.versions(name, limit=6)),
        tuple(ledger.acts(name, limit=4)),
        ledger.metrics_problem(name),
    )


def _curves(ledger: Readings, deployment: str) -> tuple[Curve, ...]:
    """Rates first, then what was observed, then the rest."""
    now = time.time()
    order = {"rate": 0, "quantile": 1, "mean": 1, "value": 2}
    found = []
    for one in series.list_series(ledger, deployment):
        points = series.read_points(ledger, one.id, now - WINDOW_S, now)
        if points:
            values = tuple(point.mean for point in points[-POINTS:])
            found.append(Curve(one.name, one.kind, values))
    found.sort(key=lambda c: (order.get(c.kind, 3), c.name.endswith("_count")))
    return tuple(found[:CURVES])
