"""A pod that nobody looks after: its scheduler, or who is to set its gates, does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.kube import GATED, Condition, Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import edit_fix, is_alive, kind_words, on_pod, opens, tidy

PATIENCE_S = 60.0
_USUAL = ("", "default-scheduler")
_GATE = re.compile(r'readiness gate "(?P<name>[^"]+)"')


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """One that waits for something that is no node, image or volume."""
    if not is_alive(pod) or not cluster.passed(pod.created_at, PATIENCE_S):
        return
    scheduled, ready = pod.condition("PodScheduled"), pod.condition("Ready")
    if ready is not None and ready.reason == GATED:
        if cluster.passed(ready.at, PATIENCE_S):
            yield _gated(cluster, pod, ready)
    elif pod.phase != "Pending" or pod.node:
        return
    elif scheduled is None and not pod.conditions:
        yield _ignored(cluster, pod)
    elif scheduled is not None and scheduled.reason == "SchedulingGated":
        owner = kind_words(cluster.owner_of(pod))
        yield on_pod(
            cluster,
            pod,
            RULE.name,
            "it may not be given a node yet: whoever set its scheduling gates has not taken them "
            "away",
            f"{owner} is held by its scheduling gates",
            (Evidence("state", tidy(scheduled.message) or scheduled.reason, opens(pod)),),
            harm=Harm.NOTE,
        )


def _gated(cluster: Cluster, pod: Pod, ready: Condition) -> Finding:
    found = _GATE.search(ready.message)
    name = found["name"] if found else ""
    return on_pod(
        cluster,
        pod,
        RULE.name,
        f"nobody has set its readiness gate {name}".rstrip() + ", so it gets no traffic",
        f"{kind_words(cluster.owner_of(pod))} waits for its readiness gate {name}".rstrip(),
        (Evidence("state", f"{ready.reason}: {tidy(ready.message)}", opens(pod)),),
        (edit_fix(cluster, pod),),
        since=ready.at,
    )


def _ignored(cluster: Cluster, pod: Pod) -> Finding:
    """No word of any scheduler, not even a refusal."""
    owner = kind_words(cluster.owner_of(pod))
    is_own = pod.scheduler not in _USUAL
    who = f"the scheduler {pod.scheduler}, which it names," if is_own else "the scheduler"
    return on_pod(
        cluster,
        pod,
        RULE.name,
        f"{who} says nothing of it: {'there may be none of this name' if is_own else 'it is down'}",
        f"{owner} is not looked at by {f'scheduler {pod.scheduler}' if is_own else 'a scheduler'}",
        (Evidence("field", f"schedulerName: {pod.scheduler or 'default-scheduler'}", opens(pod)),),
        (edit_fix(cluster, pod),),
        sure=0.9,
    )


RULE = ClusterRule(
    "kube-waiting",
    "A pod waits for a scheduler, or for gates that somebody else has to set.",
    {Pod: examine},
)
