"""An Ingress that leads to a Service, or a port of one, that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube_routes import Backend, Ingress, Service
from mltui.triage.rules import ClusterRule

YOUNG_S = 30.0


def examine(cluster: Cluster, each: Ingress) -> Iterator[Finding]:
    """Where Services may be seen: else nobody knows which there are."""
    if not cluster.sees("Service", each.namespace):
        return
    if not cluster.passed(each.created_at, YOUNG_S):
        return
    for backend in each.backends:
        if why := _why(cluster, each, backend):
            yield _finding(each, backend, why)
            return


def _why(cluster: Cluster, each: Ingress, backend: Backend) -> str:
    service = cluster.service(each.namespace, backend.service)
    if service is None:
        known = cluster.services_in(each.namespace)
        near = difflib.get_close_matches(backend.service, known, 1)
        hint = f": did you mean {near[0]}?" if near else ""
        return f"there is no Service {backend.service}{hint}"
    if backend.port and service.ports and not _has(service, backend.port):
        there = ", ".join(" ".join(filter(None, (x.name, str(x.port)))) for x in service.ports)
        return f"Service {service.name} has no port {backend.port}, but {there}"
    return ""


def _has(service: Service, port: str) -> bool:
    return any(port in (str(x.port), x.name) for x in service.ports)


def _finding(each: Ingress, backend: Backend, why: str) -> Finding:
    place = f"Ingress {each.name} in {each.namespace}"
    to = f"{backend.service}:{backend.port}" if backend.port else backend.service
    return Finding(
        rule=RULE.name,
        key=each.key,
        object=place,
        cause=f"{backend.at} leads to {to}, and {why}",
        headline=f"{place} leads nowhere: {why}",
        harm=Harm.WRONG,
        evidence=(Evidence("field", f"{backend.at} → {to}", Opens("ingress", each.key)),),
        since=each.created_at,
    )


RULE = ClusterRule(
    "kube-ingress", "An Ingress leads to a Service or port that is not there.", {Ingress: examine}
)
