"""Objects that are being deleted and don't go: which finalizer, which node."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.kube import Leaving, Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import on_object, on_pod, opens, tidy

PATIENCE_S = 60.0
_IN_USE = "kubernetes.io/pvc-protection"


def examine_pod(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """One that should be gone for a minute; the deletion time has the grace period in it."""
    since = pod.deleting_since
    if since is None or not cluster.passed(since, PATIENCE_S):
        return
    if pod.finalizers:
        cause = f"it waits for its finalizer {', '.join(pod.finalizers)}"
    elif _is_lost(cluster, pod.node):
        cause = f"its node {pod.node} does not answer, so nobody can end it"
    else:
        cause = "its node does not end its containers"
    force = on_object(cluster, "delete-now", "Pod", pod.namespace, pod.name)
    fixes = (Fix("delete it by force, whatever it still does", (force,)),)
    yield on_pod(
        cluster,
        pod,
        RULE.name,
        cause,
        f"pod {pod.name} in {pod.namespace} is stuck terminating",
        (Evidence("state", f"being deleted; {cause}", opens(pod)),),
        fixes if not pod.finalizers else (),
        since=since,
        group=pod.key,
    )


def examine(cluster: Cluster, each: Leaving) -> Iterator[Finding]:
    """Anything else that should be gone for a minute."""
    if not cluster.passed(each.since, PATIENCE_S):
        return
    names = ", ".join(each.finalizers)
    where = f" in {each.namespace}" if each.namespace else ""
    cause = f"it waits for its finalizer {names}" if names else "it is not removed"
    if each.kind == "PersistentVolumeClaim" and _IN_USE in each.finalizers:
        users = [x for x in cluster.users(each.namespace, each.name) if not x.is_over]
        if users:
            others = f" and {len(users) - 1} more" if len(users) > 1 else ""
            cause = f"pod {users[0].name}{others} still uses it: it goes once they do ({names})"
    if each.message:
        cause += f": {tidy(each.message)}"
    yield Finding(
        rule=RULE.name,
        key=each.key,
        object=f"{each.kind} {each.name}{where}",
        cause=cause,
        headline=f"{each.kind} {each.name}{where} is stuck terminating",
        harm=Harm.WARNING,
        evidence=(Evidence("field", f"finalizers: {names or 'none'}", Opens("", each.key)),),
        since=each.since,
    )


def _is_lost(cluster: Cluster, name: str) -> bool:
    node = cluster.nodes.get(name)
    if node is not None:
        return any(c.type == "Ready" and c.status != "True" for c in node.conditions)
    return bool(cluster.nodes) and bool(name)


RULE = ClusterRule(
    "kube-stuck",
    "Something is being deleted and does not go: what it waits for.",
    {Pod: examine_pod, Leaving: examine},
)
