"""Jobs that failed, rollouts that stall: told when no pod of theirs says why."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.text import format_duration
from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.kube import Condition, Workload
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import on_object, tidy


def examine(cluster: Cluster, each: Workload) -> Iterator[Finding]:
    """By its conditions."""
    if cluster.is_our_stage(each.labels) or (each.kind == "Job" and cluster.went_well(each)):
        return
    for condition in each.conditions:
        if (found := _judged(cluster, each, condition)) is not None:
            yield found
            return


def _judged(cluster: Cluster, each: Workload, condition: Condition) -> Finding | None:
    words = f"{each.kind} {each.name} in {each.namespace}"
    reason = condition.reason
    if each.kind == "Job" and condition.type == "Failed" and condition.status == "True":
        if reason == "DeadlineExceeded":
            limit = format_duration(each.deadline_s)
            cause = f"it ran longer than its deadline of {limit} (activeDeadlineSeconds)"
            return _finding(cluster, each, condition, f"{words} did not end in time", cause)
        cause = tidy(condition.message) or reason
        if reason == "BackoffLimitExceeded":
            cause = f"its pods failed {each.failed} times, and it gave up (backoffLimit)"
        return _finding(cluster, each, condition, f"{words} failed", cause)
    if each.kind != "Deployment":
        return None
    if condition.type == "Progressing" and reason == "ProgressDeadlineExceeded":
        there = f"{each.available} of {each.desired} pods are available"
        cause = f"{there}; the new ones don't come up"
        return _finding(cluster, each, condition, f"the rollout of {words} stalls", cause)
    if condition.type == "ReplicaFailure" and condition.status == "True":
        cause = tidy(condition.message)
        return _finding(cluster, each, condition, f"{words} may have no pods", cause)
    return None


def _finding(
    cluster: Cluster, each: Workload, condition: Condition, title: str, cause: str
) -> Finding:
    fixes: tuple[Fix, ...] = ()
    if each.kind == "Deployment" and each.has_earlier:
        step = on_object(cluster, "undo", each.kind, each.namespace, each.name)
        fixes = (Fix("roll it back to the revision before", (step,)),)
    text = f"{condition.type}={condition.status} {condition.reason}: {tidy(condition.message)}"
    return Finding(
        rule=RULE.name,
        key=each.key,
        object=f"{each.kind} {each.name} in {each.namespace}",
        cause=cause,
        headline=title,
        harm=Harm.WRONG,
        evidence=(Evidence("state", text, Opens(each.kind.lower(), each.key)),),
        fixes=fixes,
        since=condition.at,
    )


RULE = ClusterRule(
    "kube-workload",
    "A Job failed or a rollout stalls, and no pod of it says why.",
    {Workload: examine},
)
