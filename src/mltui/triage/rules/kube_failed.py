"""A pod that failed as a whole: its deadline, its node's refusal. No container says why."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding
from mltui.triage.kube import Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import edit_fix, kind_words, on_pod, opens, tidy

_ELSEWHERE = ("", "Evicted")
"""Told by the rules of containers and of nodes."""


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """By the pod's own reason. Of a Job's the Job tells that time was up."""
    if pod.phase != "Failed" or pod.deleting_since is not None or pod.reason in _ELSEWHERE:
        return
    if cluster.is_done(pod):
        return
    owner = cluster.owner_of(pod)
    if owner[0] in ("Job", "CronJob") and pod.reason == "DeadlineExceeded":
        return
    why = tidy(pod.message) or pod.reason
    title = f"{kind_words(owner)} failed: {pod.reason}"
    if pod.reason == "DeadlineExceeded":
        title = f"{kind_words(owner)} did not end in time (activeDeadlineSeconds)"
    yield on_pod(
        cluster,
        pod,
        RULE.name,
        why[:1].lower() + why[1:],
        title,
        (Evidence("state", f"{pod.reason}: {why}", opens(pod)),),
        (edit_fix(cluster, pod),) if owner[0] != "Pod" else (),
    )


RULE = ClusterRule(
    "kube-failed", "A pod failed as a whole: its deadline, its node's refusal.", {Pod: examine}
)
