"""A PodDisruptionBudget that never lets a pod go: a node with such a pod can't be emptied."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.kube import Budget
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import on_object

YOUNG_S = 30.0


def examine(cluster: Cluster, each: Budget) -> Iterator[Finding]:
    """With all its pods well it allows none to go; where some are not, those are the cause."""
    if each.allowed > 0 or each.expected < 1 or each.healthy < each.expected:
        return
    if not cluster.passed(each.created_at, YOUNG_S):
        return
    pods = cluster.guarded(each)
    waiting = sorted({pod.node for pod in pods if _is_cordoned(cluster, pod.node)})
    if each.expected == 1:
        cause = f"it demands {each.demands} of one pod, so its node can't be emptied"
    else:
        cause = f"it demands {each.demands} of {each.expected} pods, so no node can be emptied"
    title = f"budget {each.name} in {each.namespace} lets no pod go"
    if waiting:
        title = f"node {waiting[0]} can't be emptied: budget {each.name} lets no pod go"
    opens = Opens("budget", each.key)
    edit = on_object(cluster, "edit", "PodDisruptionBudget", each.namespace, each.name)
    yield Finding(
        rule=RULE.name,
        key=each.key,
        object=f"budget {each.name} in {each.namespace}",
        cause=cause,
        headline=title,
        harm=Harm.WRONG if waiting else Harm.WARNING,
        evidence=(
            Evidence("field", each.demands, opens),
            Evidence("state", f"{each.healthy} of {each.expected} pods well, 0 may go", opens),
            *(Evidence("state", f"node {node} is cordoned", Opens("node", f"node:{node}"))
              for node in waiting),
        ),
        fixes=(Fix(f"edit budget {each.name}", (edit,)),),
        since=each.created_at,
    )  # fmt: skip


def _is_cordoned(cluster: Cluster, name: str) -> bool:
    node = cluster.nodes.get(name)
    return node is not None and node.is_cordoned


RULE = ClusterRule(
    "kube-budget", "A PodDisruptionBudget lets no pod go, so nodes can't be emptied.",
    {Budget: examine},
)  # fmt: skip
