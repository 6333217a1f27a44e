"""A HorizontalPodAutoscaler that can't do its work."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube import Scaler
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import tidy

YOUNG_S = 60.0
"""New pods have no metrics yet."""


def examine(cluster: Cluster, each: Scaler) -> Iterator[Finding]:
    """One whose conditions say that it doesn't scale."""
    for condition in each.conditions:
        is_off = condition.type in ("AbleToScale", "ScalingActive")
        if not is_off or condition.status != "False" or condition.reason == "ScalingDisabled":
            continue
        if not cluster.passed(condition.at, YOUNG_S):
            continue
        cause = tidy(condition.message) or condition.reason
        if "Metric" in condition.reason:
            cause = f"it can't read metrics of {each.target}: {cause}"
        text = f"{condition.type}=False {condition.reason}"
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=f"autoscaler {each.name} in {each.namespace}",
            cause=cause,
            headline=f"autoscaler {each.name} in {each.namespace} can't scale {each.target}",
            harm=Harm.WARNING,
            evidence=(Evidence("state", text, Opens("scaler", each.key)),),
            since=condition.at,
        )
        return


RULE = ClusterRule(
    "kube-scaler", "An autoscaler can't read metrics, or can't scale.", {Scaler: examine}
)
