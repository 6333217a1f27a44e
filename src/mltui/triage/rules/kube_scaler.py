"""A HorizontalPodAutoscaler that can't do its work."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._pods import tidy
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """Those whose conditions say that they don't scale."""
    for each in scene.cluster.facts.scalers:
        for condition in each.conditions:
            is_off = condition.type in ("AbleToScale", "ScalingActive")
            if not is_off or condition.status != "False" or condition.reason == "ScalingDisabled":
                continue
            cause = tidy(condition.message) or condition.reason
            if "Metric" in condition.reason:
                cause = f"it can't read metrics of {each.target}: {cause}"
            yield Finding(
                rule=RULE.name,
                key=each.key,
                object=f"autoscaler {each.name} in {each.namespace}",
                cause=cause,
                headline=f"autoscaler {each.name} in {each.namespace} can't scale {each.target}",
                harm=Harm.WARNING,
                evidence=(
                    Evidence(
                        "state",
                        f"{condition.type}=False {condition.reason}",
                        Opens("scaler", each.key),
                    ),
                ),
                since=condition.at,
            )
            break


RULE = Rule("kube-scaler", "An autoscaler can't read metrics, or can't scale.", find)
