"""Nodes that are not ready or under pressure, and pods that were evicted for it."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube import Node, Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import edit_fix, kind_words, on_pod, opens, tidy

JOINING_S = 10.0
_PRESSURE = {
    "MemoryPressure": "has hardly any memory left",
    "DiskPressure": "has hardly any disk left",
    "PIDPressure": "has hardly any process numbers left",
    "NetworkUnavailable": "has no network",
}


def examine(cluster: Cluster, node: Node) -> Iterator[Finding]:
    """A node that is down explains the pods on it."""
    for each in node.conditions:
        is_down = each.type == "Ready" and each.status != "True"
        if not is_down and not (each.type in _PRESSURE and each.status == "True"):
            continue
        what = "is not ready" if is_down else _PRESSURE[each.type]
        text = f"{each.type}={each.status} {each.reason}: {tidy(each.message)}"
        cause = tidy(each.message) or f"it {what}"
        if each.status == "Unknown":
            cause = "its kubelet says nothing any more: the machine or its network is down"
        yield Finding(
            rule=RULE.name,
            key=node.key,
            object=f"node {node.name}",
            cause=cause,
            headline=f"node {node.name} {what}",
            harm=Harm.URGENT if is_down else Harm.WRONG,
            evidence=(Evidence("state", text, Opens("node", node.key)),),
            since=each.at,
            explains=tuple(x.key for x in cluster.pods_on(node.name)) if is_down else (),
        )


def _is_lost(cluster: Cluster, pod: Pod) -> bool:
    """Its node is known not to be there; nodes that are just joining come a moment later."""
    is_known = bool(cluster.nodes) and cluster.sees("Node", "")
    is_absent = is_known and bool(pod.node) and pod.node not in cluster.nodes
    return is_absent and cluster.passed(pod.created_at, JOINING_S)


def examine_pod(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """One that was evicted, or whose node is not there."""
    if pod.phase == "Pending" and _is_lost(cluster, pod):
        yield on_pod(
            cluster,
            pod,
            RULE.name,
            f"there is no node {pod.node}: its nodeName says that it is to run there",
            f"{kind_words(cluster.owner_of(pod))} is bound to node {pod.node}, which is not there",
            (Evidence("field", f"nodeName: {pod.node}", opens(pod)),),
            (edit_fix(cluster, pod),),
        )
    if pod.phase == "Failed" and pod.reason == "Evicted":
        owner = cluster.owner_of(pod)
        yield on_pod(
            cluster,
            pod,
            RULE.name,
            tidy(pod.message) or "its node ran short of something",
            f"{owner[0]} {owner[1]} was evicted from {pod.node or 'its node'}",
            (Evidence("state", f"Evicted: {tidy(pod.message)}", opens(pod)),),
            harm=Harm.WARNING,
        )


RULE = ClusterRule(
    "kube-node",
    "A node is not ready, under pressure or not there; pods that were evicted.",
    {Node: examine, Pod: examine_pod},
)
