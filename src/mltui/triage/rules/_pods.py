"""What rules about a cluster share: words, evidence, commands, a finding about a pod."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Command, Evidence, Finding, Fix, Harm, Kube, Opens
from mltui.triage.kube import Budget, Event, Pod, PodContainer, Workload, key_of

FRESH_S = 3600.0
"""An event that was last seen longer ago speaks of the past."""


def is_alive(pod: Pod) -> bool:
    """It is to run, and is not being deleted."""
    return not pod.is_over and pod.deleting_since is None


def containers(pod: Pod) -> Iterator[PodContainer]:
    """Containers whose turn it is: until all init containers are done, those."""
    waits = any(x.is_init and not _is_done(x) for x in pod.containers)
    for each in pod.containers:
        if each.is_init == waits or (each.is_init and not _is_done(each)):
            yield each


def _is_done(container: PodContainer) -> bool:
    if container.state == "running" and container.is_ready:
        return True  # a sidecar
    return container.state == "terminated" and container.exit_code == 0


def is_being_made(pod: Pod) -> bool:
    """It has a node, and none of its containers was begun: volumes are what it waits for."""
    waits = ("", "ContainerCreating", "PodInitializing")
    return (
        is_alive(pod)
        and bool(pod.node)
        and all(each.state in ("", "waiting") and each.reason in waits for each in pod.containers)
    )


def where(pod: Pod) -> str:
    """`pod web-1 in shop`."""
    return f"pod {pod.name} in {pod.namespace}"


def opens(pod: Pod) -> Opens:
    """Its page."""
    return Opens("pod", pod.key)


def kind_words(owner: tuple[str, str]) -> str:
    """`Deployment web`."""
    return f"{owner[0]} {owner[1]}"


def event_evidence(events: Iterable[Event]) -> list[Evidence]:
    """Events in words, with how often."""
    found = []
    for each in events:
        times = f" ({each.count} times)" if each.count > 1 else ""
        key = f"{each.kind.lower()}:{each.namespace}/{each.name}"
        found.append(Evidence("event", f"{each.reason}: {each.message}{times}", Opens("pod", key)))
    return found


def log_evidence(pod: Pod, container: PodContainer, count: int = 3) -> list[Evidence]:
    """The exception and the last lines that it wrote."""
    lines = [text.strip() for text in container.last_lines if text.strip()][-count:]
    at = Opens("pod", pod.key)
    found = []
    if container.exception and container.exception not in lines:
        found.append(Evidence("log", container.exception, at))
    return found + [Evidence("log", text, at) for text in lines]


def kubectl(cluster: Cluster, namespace: str, *argv: str) -> Command:
    """A command against this cluster."""
    context = ("--context", cluster.name) if cluster.name else ()
    scope = ("-n", namespace) if namespace else ()
    return Command(("kubectl", *context, *scope, *argv))


def on_object(
    cluster: Cluster,
    verb: str,
    kind: str,
    namespace: str,
    name: str,
    *,
    container: str = "",
    value: str = "",
) -> Kube:
    """A verb on an object, bound to it as it is known now."""
    row = cluster.subjects.get(key_of(kind, namespace, name))
    return Kube(
        verb=verb,
        kind=kind,
        namespace=namespace,
        name=name,
        context=cluster.name,
        uid=row.uid if isinstance(row, Pod | Workload | Budget) else "",
        generation=row.generation if isinstance(row, Workload) else 0,
        container=container,
        value=value,
    )


def undo_fix(cluster: Cluster, pod: Pod) -> list[Fix]:
    """The revision before, for what has revisions."""
    owner = cluster.owner_of(pod)
    found = cluster.workloads.get((owner[0], pod.namespace, owner[1]))
    if found is None or not found.has_earlier:
        return []
    step = on_object(cluster, "undo", owner[0], pod.namespace, owner[1])
    return [Fix(f"roll {kind_words(owner)} back to the revision before", (step,))]


def edit_fix(cluster: Cluster, pod: Pod) -> Fix:
    """The editor on what made the pod."""
    owner = cluster.owner_of(pod)
    step = on_object(cluster, "edit", owner[0], pod.namespace, owner[1])
    return Fix(f"edit {kind_words(owner)}", (step,))


def on_pod(
    cluster: Cluster,
    pod: Pod,
    rule: str,
    cause: str,
    headline: str,
    evidence: Sequence[Evidence],
    fixes: Sequence[Fix] = (),
    *,
    harm: Harm = Harm.WRONG,
    since: float | None = None,
    count: int = 1,
    sure: float = 1.0,
    group: str = "",
) -> Finding:
    """A finding about a pod, joined with those of its like: same owner, same `group`."""
    owner = cluster.owner_of(pod)
    named = f"{kind_words(owner)} in {pod.namespace}"
    return Finding(
        rule=rule,
        key=pod.key,
        object=where(pod),
        cause=cause,
        headline=headline,
        harm=harm,
        evidence=(*evidence, Evidence("field", f"{where(pod)}, {named}", opens(pod)))
        if owner[0] != "Pod"
        else tuple(evidence),
        fixes=tuple(fixes),
        since=since if since is not None else pod.created_at,
        count=count,
        confidence=sure,
        explains=cluster.follows(pod),
        group=group or f"{pod.namespace}/{kind_words(owner)}",
    )


_HASHES = re.compile(r"\b[0-9a-f]{64}\b|_[0-9a-f-]{36}|\([0-9a-f-]{36}\)|\b[0-9a-f-]{36}\b")


def tidy(message: str) -> str:
    """A message without what tells a person nothing: ids, repeated causes."""
    short = " ".join(_HASHES.sub("", message).split())
    return short if len(short) <= 300 else short[:299] + "…"
