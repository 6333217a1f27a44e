"""An Ingress whose certificate's Secret is not there: visitors get another one, or none."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube_routes import Ingress
from mltui.triage.rules import ClusterRule

PATIENCE_S = 120.0
"""What asks an authority for one takes its time."""


def examine(cluster: Cluster, each: Ingress) -> Iterator[Finding]:
    """Where TLS Secrets may be seen: else nobody knows which there are."""
    at = f"certificate:{each.namespace}/"
    lacking = [name for name in each.secrets if f"{at}{name}" not in cluster.subjects]
    if not lacking or not cluster.sees("Secret", each.namespace):
        return
    if not cluster.passed(each.created_at, PATIENCE_S):
        return
    name = lacking[0]
    known = cluster.certificates_in(each.namespace)
    near = difflib.get_close_matches(name, known, 1)
    hint = f": did you mean {near[0]}?" if near else ""
    more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    place = f"Ingress {each.name} in {each.namespace}"
    yield Finding(
        rule=RULE.name,
        key=f"{each.key}:secret",
        object=place,
        cause=f"there is no Secret {name} of type kubernetes.io/tls{more}{hint}",
        headline=f"{place}: there is no Secret {name} of type kubernetes.io/tls",
        harm=Harm.WARNING,  # a controller may take a certificate of another type, which is not read
        evidence=(Evidence("field", f"tls: secretName: {name}", Opens("ingress", each.key)),),
        since=each.created_at,
        confidence=0.7,
    )


RULE = ClusterRule(
    "kube-ingress-secret", "An Ingress's certificate is not there.", {Ingress: examine}
)
