"""Facts for triage from the serving journal: how services stand, what they measured, what monitors
found. Called in a thread by the app and by `mltui triage`; decides nothing.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from mltui.runs.project import Project
from mltui.serving import client, series
from mltui.serving.readings import Readings
from mltui.triage.facts import Curve, Facts, MonitorFact, ServiceFact

PAST_S = 86_400.0
POINTS = 720


def with_services(facts: Facts, project: Project) -> Facts:
    """The facts with what is known of services and monitors. JournalError."""
    if not client.has_journal(project):
        return facts
    status = client.supervisor_status(project)
    services, monitors = [], []
    with closing(client.read(project)) as ledger:
        for each in ledger.deployments():
            state, reason = client.state_of(each, status)
            services.append(
                ServiceFact(
                    each.name,
                    state.value,
                    reason,
                    each.ready,
                    each.replicas if each.is_wanted else 0,
                    each.version,
                    each.changed_at,
                    ledger.metrics_problem(each.name),
                    _curves(ledger, each.name, facts.at),
                )
            )
        for row in ledger.monitors():
            said = ledger.measurements(row.name, row.target, limit=1)
            trouble = row.note if row.cronjob and row.is_wanted else ""
            if not said and trouble:
                monitors.append(MonitorFact(f"{row.name}@{row.target}", "", trouble=trouble))
            if row.is_wanted and said and said[0].verdict:
                last = said[0]
                monitors.append(
                    MonitorFact(
                        f"{row.name}@{row.target}",
                        last.verdict,
                        last.reason,
                        dict(last.metrics),
                        last.rows,
                        last.at,
                        last.run,
                        last.outcome,
                        trouble,
                    )
                )
    return replace(facts, services=tuple(services), monitors=tuple(monitors))


def _curves(ledger: Readings, deployment: str, at: float) -> tuple[Curve, ...]:
    found = []
    for each in series.list_series(ledger, deployment):
        points = series.read_points(ledger, each.id, at - PAST_S, at)[-POINTS:]
        fine = series.read_points(ledger, each.id, at - 600.0, at)
        if points and fine:
            past = tuple(point.mean for point in points if point.at < fine[0].at)
            found.append(Curve(each.name, each.kind, past, tuple(point.mean for point in fine)))
    return tuple(found)
