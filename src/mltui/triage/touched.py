"""What a change of a cluster's rows has judged again: the row, and those whose findings look at it.

Asked by `examination` with each change. Whatever a rule may ask the cluster about another row has
to be here too: a property test holds that changes one by one give what all at once gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mltui.triage.cluster import Cluster, Row
from mltui.triage.kube import (
    Certificate,
    Claim,
    Event,
    Hidden,
    Node,
    Owner,
    Pod,
    StorageClass,
    Workload,
    key_of,
)
from mltui.triage.kube_routes import IngressClass, Service, Slice


def changed(cluster: Cluster, old: Row | None, new: Row | None) -> set[str]:
    """A row came, went or reads otherwise: keys of what has to be judged again.

    None of them while the cluster is being filled: all will be.
    """
    found: set[str] = set()
    if old is not None:
        if not cluster.is_filling:
            found.update(_relatives(cluster, old))
        cluster.drop(old)
    if new is not None:
        cluster.add(new)
        if not cluster.is_filling:
            found.update(_relatives(cluster, new))
    if not cluster.is_filling and (isinstance(old, Workload) or isinstance(new, Workload)):
        found.update(_below(cluster, old, new))
    return found


def hidden(cluster: Cluster, kinds: Iterable[Hidden]) -> set[str]:
    """From now on these kinds can't be seen there, and all others can."""
    return set(cluster.subjects) if cluster.hide(kinds) else set()


def _relatives(cluster: Cluster, row: Row) -> Iterator[str]:
    if isinstance(row, Event):
        yield key_of(*row.about)
    elif isinstance(row, StorageClass):
        yield from (key for key, x in cluster.subjects.items() if isinstance(x, Claim))
    elif isinstance(row, IngressClass):
        yield from (key for kept in cluster.ingresses.values() for key in kept)
    elif isinstance(row, Slice):
        yield f"service:{row.namespace}/{row.service}"
    else:
        yield row.key
    if isinstance(row, Pod):
        yield from _of_pod(cluster, row)
    elif isinstance(row, Service):
        chosen = cluster.chosen(row.namespace, row.selector)
        yield from (pod.key for pod in chosen if pod.key in cluster.sick)
        yield from _claims_of(chosen)
        # Those that lead to none by their name ask which there are.
        yield from cluster.ingresses.get(row.namespace, ())
    elif isinstance(row, Certificate):
        yield from cluster.ingresses.get(row.namespace, ())  # those that name it
    elif isinstance(row, Workload) and row.kind == "Job":
        for job in cluster.jobs_of(row):  # its pods are past once it, or its like, went well
            yield job.key
            yield from cluster.owned.get((job.kind, job.namespace, job.name), ())
    elif isinstance(row, Node):
        yield from cluster.sick
        yield from (key for kept in cluster.budgets.values() for key in kept)


def _of_pod(cluster: Cluster, pod: Pod) -> Iterator[str]:
    space = pod.namespace
    yield from (each.key for each in cluster.choosing(pod))
    yield from cluster.stranded.get(space, ())
    yield from (key_of(kind, space, name) for kind, name in cluster.owners(space, pod.owner))
    yield from _claims_of((pod,))
    yield from (x.key for x in cluster.budgets.get(space, {}).values() if x.chooses(pod))
    if pod.node:
        yield f"node:{pod.node}"


def _claims_of(pods: Iterable[Pod]) -> Iterator[str]:
    """Claims whose findings explain what these pods lead to, or name them as who keeps it."""
    for pod in pods:
        for name in pod.claims:
            yield f"claim:{pod.namespace}/{name}"
            yield f"leaving:PersistentVolumeClaim:{pod.namespace}/{name}"


def _below(cluster: Cluster, old: Row | None, new: Row | None) -> Iterator[str]:
    """What hangs on a workload: how its pods and ReplicaSets are called, what is done about them.

    A fix acts on the owner as it is known, so a new generation of it makes another fix.
    """
    row = new if isinstance(new, Workload) else old
    assert isinstance(row, Workload)
    space, own = row.namespace, (row.kind, row.name)
    yield from cluster.stranded.get(space, ())
    if _bequeathed(old) == _bequeathed(new):
        return
    known: dict[Owner, bool] = {}

    def is_below(owner: Owner) -> bool:
        if owner not in known:
            known[owner] = own in cluster.owners(space, owner)
        return known[owner]

    yield from (x.key for x in cluster.sick.values() if x.namespace == space and is_below(x.owner))
    yield from (x.key for x in cluster.workloads_in(space) if is_below(x.owner))
    for (where, name), pods in cluster.claimed.items():
        if where == space and any(is_below(pod.owner) for pod in pods.values()):
            yield f"claim:{space}/{name}"


def _bequeathed(row: Row | None) -> tuple[object, ...] | None:
    """What findings of all that is below a workload say of it."""
    if not isinstance(row, Workload):
        return None
    return (row.owner, row.uid, row.generation, row.has_earlier)
