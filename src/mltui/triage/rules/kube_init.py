"""An init container that does not end: what all others of the pod wait for."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.kube import Pod, PodContainer
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import (
    containers,
    edit_fix,
    is_alive,
    kind_words,
    log_evidence,
    on_pod,
    opens,
)

PATIENCE_S, LONG_S = 60.0, 300.0
"""One that says the same again and again is told early; another may be fetching something large."""
_SAME = 3


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """The one whose turn it is, and which runs and runs."""
    if not is_alive(pod) or not pod.node:
        return
    for each in containers(pod):
        if not each.is_init or each.state != "running" or each.is_ready:
            continue
        repeats = _repeats(each)
        if each.started_at is not None and cluster.passed(
            each.started_at, PATIENCE_S if repeats else LONG_S
        ):
            yield _finding(cluster, pod, each, repeats)
        return


def _repeats(each: PodContainer) -> str:
    """The line that it writes again and again."""
    said = [text.strip() for text in each.last_lines if text.strip()][-_SAME:]
    return said[-1] if len(said) == _SAME and len(set(said)) == 1 else ""


def _finding(cluster: Cluster, pod: Pod, each: PodContainer, repeats: str) -> Finding:
    owner = kind_words(cluster.owner_of(pod))
    says = f" and says over and over: {repeats}" if repeats else ""
    return on_pod(
        cluster,
        pod,
        RULE.name,
        f"init container {each.name} does not end{says}; the others wait for it",
        f"{owner} waits for its init container {each.name}{f': {repeats}' if repeats else ''}",
        (
            Evidence("state", f"init container {each.name}: running, not done", opens(pod)),
            *log_evidence(pod, each),
        ),
        (edit_fix(cluster, pod),),
        harm=Harm.WARNING,
        since=each.started_at,
        sure=0.9 if repeats else 0.6,
    )


RULE = ClusterRule(
    "kube-init", "An init container does not end, and the others wait for it.", {Pod: examine}
)
