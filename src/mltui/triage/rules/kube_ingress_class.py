"""An Ingress of a class that the cluster does not have: no controller takes it up."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube_routes import Ingress
from mltui.triage.rules import ClusterRule

YOUNG_S = 30.0


def examine(cluster: Cluster, each: Ingress) -> Iterator[Finding]:
    """Where classes may be seen. One that has an address was taken up, and may still be served."""
    name = each.class_name
    if not name or name in cluster.ingress_classes or not cluster.sees("IngressClass", ""):
        return
    if not cluster.passed(each.created_at, YOUNG_S):
        return
    known = sorted(cluster.ingress_classes)
    near = difflib.get_close_matches(name, known, 1)
    there = f"the cluster has {', '.join(known[:5])}" if known else "the cluster has none"
    hint = f"did you mean {near[0]}?" if near else there
    place = f"Ingress {each.name} in {each.namespace}"
    served = ", though it has an address" if each.has_address else ""
    yield Finding(
        rule=RULE.name,
        key=f"{each.key}:class",
        object=place,
        cause=f"there is no IngressClass {name}, which it asks for: {hint}",
        headline=f"{place} is taken up by no controller{served}: there is no class {name}",
        harm=Harm.WARNING if each.has_address else Harm.WRONG,
        evidence=(Evidence("field", f"ingressClassName: {name}", Opens("ingress", each.key)),),
        since=each.created_at,
        confidence=0.9,
    )


RULE = ClusterRule(
    "kube-ingress-class", "An Ingress asks for a class that is not there.", {Ingress: examine}
)
