"""A Job whose work is done in one container while another runs on: the Job never ends."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.kube import Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import edit_fix, is_alive, kind_words, on_pod, opens

LONG_S = 600.0
"""Containers of one pod need not end at once."""


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """A Job's pod with containers that ended well long ago, and others that run."""
    if pod.owner.kind != "Job" or pod.phase != "Running" or not is_alive(pod):
        return
    own = [each for each in pod.containers if not each.is_init]
    done = [x for x in own if x.state == "terminated" and x.exit_code == 0 and x.ended_at]
    runs = [each for each in own if each.state == "running" and each.is_ready]
    if not done or len(done) + len(runs) != len(own):
        return
    newest = max(done, key=lambda each: each.ended_at or 0.0)
    if not cluster.passed(newest.ended_at, LONG_S):
        return
    names = ", ".join(each.name for each in runs)
    yield on_pod(
        cluster,
        pod,
        RULE.name,
        f"container {newest.name} ended well long ago and {names} still runs: a Job ends with its "
        "last container, so helpers belong among its init containers (restartPolicy: Always)",
        f"{kind_words(cluster.owner_of(pod))} is done and does not end: {names} runs on",
        (Evidence("state", f"container {newest.name}: exit code 0", opens(pod)),),
        (edit_fix(cluster, pod),),
        harm=Harm.WARNING,
        since=newest.ended_at,
        sure=0.5,
    )


RULE = ClusterRule(
    "kube-lingering", "A Job's work is done and a helper keeps its pod from ending.", {Pod: examine}
)
