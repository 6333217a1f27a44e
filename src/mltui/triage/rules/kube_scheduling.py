"""A pod that no node takes: which resource, taint, affinity or volume, and what would fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.text import format_bytes
from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding
from mltui.triage.kube import Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import edit_fix, event_evidence, is_alive, on_pod, opens

_SHORT = re.compile(r"Insufficient ([\w./-]*\w)")
_TAINT = re.compile(r"untolerated taint \{([^}]*)\}")
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)')
_VOLUME = "didn't match PersistentVolume's node affinity"
_TAIL = re.compile(r"[.,] *no new claims to deallocate,?\s*$")
_SYSTEM = ("node.kubernetes.io/",)


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """A pending pod that the scheduler refuses."""
    said = pod.condition("PodScheduled")
    if not is_alive(pod) or said is None or said.status != "False" or pod.node:
        return
    if said.reason == "SchedulingGated":
        return
    message = _TAIL.sub("", said.message.partition(" preemption:")[0].strip())
    causes = list(dict.fromkeys(_causes(cluster, pod, message))) or [message]
    owner = cluster.owner_of(pod)
    events = cluster.events("Pod", pod.namespace, pod.name, "FailedScheduling")
    yield on_pod(
        cluster,
        pod,
        RULE.name,
        "; ".join(causes),
        f"{owner[0]} {owner[1]} fits no node: {causes[0]}",
        (Evidence("state", message, opens(pod)), *event_evidence(events[-1:])),
        (edit_fix(cluster, pod),),
        since=said.at,
    )


def _causes(cluster: Cluster, pod: Pod, message: str) -> Iterator[str]:
    for found in _SHORT.finditer(message):
        yield _resource(cluster, pod, found[1])
    for found in _TAINT.finditer(message):
        taint = found[1].strip().rstrip(":").strip()
        if taint.startswith(_SYSTEM):
            yield f"nodes are not ready ({taint.partition(':')[0].rpartition('/')[2]})"
        else:
            yield f"nodes have the taint {taint}, which it does not tolerate"
    if "didn't match Pod's node affinity/selector" in message:
        yield "no node has the labels that its node selector or affinity asks for"
    if "pod affinity" in message or "anti-affinity" in message:
        yield "its rules about other pods (affinity) leave no node"
    if "topology spread" in message:
        lacks = "missing required label" in message
        yield (
            "no node has the label that its topology spread goes by"
            if lacks
            else "its topology spread leaves no node"
        )
    claim = _CLAIM.search(message)
    if claim is not None:
        yield f"it needs the claim {claim[1]}, which is {claim[2].replace('is ', '')}"
    if "unbound immediate PersistentVolumeClaims" in message:
        names = ", ".join(pod.claims)
        yield f"its volume is not there: the claim {names} is not bound"
    if "volume node affinity conflict" in message or _VOLUME in message:
        yield "its volume is on a node or in a zone where it may not run"
    if "were unschedulable" in message:
        yield "nodes are cordoned"
    if "Too many pods" in message:
        yield "nodes have as many pods as they may"
    if "free ports" in message:
        yield "the host port that it asks for is taken on every node"
    if "no nodes available" in message:
        yield "the cluster has no nodes"


def _resource(cluster: Cluster, pod: Pod, name: str) -> str:
    nodes = cluster.nodes.values()
    if name == "memory":
        asked = format_bytes(pod.memory_bytes, binary=True)
        most = max((node.memory_bytes for node in nodes), default=0)
        whole = f"; the largest node has {format_bytes(most, binary=True)} in all" if most else ""
        return f"no node has the {asked} of memory that it asks for free{whole}"
    if name == "cpu":
        cpus = max((node.cpu for node in nodes), default=0.0)
        whole = f"; the largest node has {cpus:g} in all" if cpus else ""
        return f"no node has the {pod.cpu:g} CPUs that it asks for free{whole}"
    known = [node.resources for node in nodes if node.resources]
    if known and not any(name in offered for offered in known):
        return f"no node offers {name}: no node has enough {name} free"
    return f"no node has enough {name} free"


RULE = ClusterRule(
    "kube-scheduling", "No node takes a pod: what it lacks, and what would fit.", {Pod: examine}
)
