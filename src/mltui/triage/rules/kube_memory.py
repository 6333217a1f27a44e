"""A container of a pod that was killed at its memory limit."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.text import format_bytes
from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Fix
from mltui.triage.kube import Pod, PodContainer
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import (
    edit_fix,
    kind_words,
    log_evidence,
    on_object,
    on_pod,
    opens,
)

LONG_S = 3600.0
"""A container that has run so long since is taken to be well again."""


def is_oom(cluster: Cluster, pod: Pod, each: PodContainer) -> bool:
    """Killed now, or before its present start and not long ago."""
    if each.state == "terminated" and each.reason == "OOMKilled":
        return pod.deleting_since is None
    if each.last_reason != "OOMKilled" or pod.is_over:
        return False
    started = each.started_at if each.state == "running" else None
    return started is None or not cluster.passed(started, LONG_S)


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """The first container that ran out of memory."""
    if pod.phase == "Failed" and cluster.is_done(pod):
        return
    for each in pod.containers:
        if is_oom(cluster, pod, each):
            yield _finding(cluster, pod, each)
            return


def _finding(cluster: Cluster, pod: Pod, each: PodContainer) -> Finding:
    owner = cluster.owner_of(pod)
    limit = each.memory_limit_bytes
    size = format_bytes(limit, binary=True)
    cause = (
        f"container {each.name} needs more memory than its limit of {size}"
        if limit
        else f"container {each.name} was killed: its node had no memory left"
    )
    again = f", restarted {each.restarts} times" if each.restarts else ""
    code = each.exit_code if each.state == "terminated" else each.last_exit_code
    if limit and code not in (137, None):
        cause = f"a process of {cause.replace('needs', 'needed', 1)}, and was killed"
    text = f"container {each.name}: OOMKilled, exit code {code}{again}"
    fixes: list[Fix] = []
    if limit and owner[0] in ("Deployment", "StatefulSet", "DaemonSet"):
        more = f"{-(-limit * 3 // 2 // (1 << 20))}Mi"
        step = on_object(
            cluster, "set-memory", owner[0], pod.namespace, owner[1],
            container=each.name, value=more,
        )  # fmt: skip
        fixes.append(Fix(f"set its limit to {more}", (step,)))
    fixes.append(edit_fix(cluster, pod))
    return on_pod(
        cluster,
        pod,
        RULE.name,
        cause,
        f"{kind_words(owner)} runs out of memory",
        (Evidence("state", text, opens(pod)), *log_evidence(pod, each)),
        fixes,
        since=each.ended_at or each.last_ended_at,
        count=max(each.restarts, 1),
    )


RULE = ClusterRule(
    "kube-memory", "A container of a pod was killed at its memory limit.", {Pod: examine}
)
