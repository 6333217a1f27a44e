"""Objects that are being deleted and don't go: which finalizer, which node."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._pods import kubectl, on_pod, opens, tidy
from mltui.triage.scene import Cluster, Scene

PATIENCE_S = 60.0


def find(scene: Scene) -> Iterator[Finding]:
    """Those that should be gone for a minute."""
    cluster = scene.cluster
    for pod in cluster.sick:
        since = pod.deleting_since
        if since is None or cluster.at - since < PATIENCE_S:
            continue
        # The deletion time has the grace period in it already.
        if pod.finalizers:
            cause = f"it waits for its finalizer {', '.join(pod.finalizers)}"
        elif _is_lost(cluster, pod.node):
            cause = f"its node {pod.node} does not answer, so nobody can end it"
        else:
            cause = "its node does not end its containers"
        yield on_pod(
            cluster,
            pod,
            RULE.name,
            cause,
            f"pod {pod.name} in {pod.namespace} is stuck terminating",
            (Evidence("state", f"being deleted; {cause}", opens(pod)),),
            (
                Fix(
                    "delete it by force, whatever it still does",
                    (kubectl(cluster, pod.namespace, "delete", "pod", pod.name, "--force",
                             "--grace-period=0"),),
                ),
            )
            if not pod.finalizers
            else (),
            since=since,
            group=pod.key,
        )  # fmt: skip
    for each in cluster.facts.leaving:
        if cluster.at - each.since < PATIENCE_S:
            continue
        names = ", ".join(each.finalizers)
        where = f" in {each.namespace}" if each.namespace else ""
        cause = f"it waits for its finalizer {names}" if names else "it is not removed"
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


def _is_lost(cluster: Cluster, node: str) -> bool:
    for each in cluster.facts.nodes:
        if each.name == node:
            return any(c.type == "Ready" and c.status != "True" for c in each.conditions)
    return bool(cluster.facts.nodes) and bool(node)


RULE = Rule("kube-stuck", "Something is being deleted and does not go: what it waits for.", find)
