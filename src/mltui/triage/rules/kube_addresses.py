"""A Service without a selector, whose addresses somebody else is to give, and nobody does."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube_routes import Service
from mltui.triage.rules import ClusterRule

PATIENCE_S = 60.0


def examine(cluster: Cluster, each: Service) -> Iterator[Finding]:
    """Where its addresses are known."""
    if not each.lacks_selector or each.ready is None or each.ready or each.not_ready:
        return
    if not cluster.passed(each.created_at, PATIENCE_S):
        return
    place = f"Service {each.name} in {each.namespace}"
    yield Finding(
        rule=RULE.name,
        key=f"{each.key}:addresses",
        object=place,
        cause="it has no selector, so its addresses are given by hand or by a controller, "
        "and no EndpointSlice gives it one",
        headline=f"{place} leads nowhere: it has no selector, and nobody gives it addresses",
        harm=Harm.WARNING,
        evidence=(Evidence("field", "no selector, no addresses", Opens("service", each.key)),),
        since=each.created_at,
        confidence=0.9,
    )


RULE = ClusterRule(
    "kube-addresses", "Nobody gives a Service without a selector addresses.", {Service: examine}
)
