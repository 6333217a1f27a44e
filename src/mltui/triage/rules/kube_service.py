"""A Service that leads nowhere: a selector that fits nothing, no ready pod, a wrong port."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube import Pod
from mltui.triage.kube_routes import Service
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import event_evidence, tidy

YOUNG_S = 30.0
PATIENCE_S = 300.0
"""A cloud takes minutes to set one up."""


def examine(cluster: Cluster, each: Service) -> Iterator[Finding]:
    """One with a selector, where its pods may be seen; else nobody knows what is meant."""
    if each.lacks_address and cluster.passed(each.created_at, PATIENCE_S):
        yield _no_address(cluster, each)
    if not each.selector or not cluster.sees("Pod", each.namespace):
        return
    if not cluster.passed(each.created_at, YOUNG_S):
        return
    pods = cluster.reached(each)
    if not pods:
        if (found := _nothing(cluster, each)) is not None:
            yield found
    elif each.ready == 0:
        yield _finding(
            each,
            f"{len(pods)} pods fit its selector, and none is ready",
            f"Service {each.name} in {each.namespace} has no ready pod",
            Harm.WRONG,
        )
    elif (wrong := _wrong_port(each, pods)) is not None:
        yield wrong


def _no_address(cluster: Cluster, service: Service) -> Finding:
    """Nobody answers it from outside; within the cluster it may be well."""
    events = cluster.events("Service", service.namespace, service.name, "SyncLoadBalancerFailed")
    cause = "nothing in the cluster gives it an address outside (type LoadBalancer)"
    if events:
        cause = tidy(events[-1].message)
    place = f"Service {service.name} in {service.namespace}"
    opens = Opens("service", service.key)
    return Finding(
        rule=RULE.name,
        key=f"{service.key}:address",
        object=place,
        cause=cause,
        headline=f"{place} waits for its address outside: no load balancer gives it one",
        harm=Harm.WARNING,
        evidence=(
            Evidence("field", "type: LoadBalancer, no address", opens),
            *event_evidence(events[-1:]),
        ),
        since=service.created_at,
    )


def _fits(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.items())


NEAR = 0.75
"""How alike two words have to be for one to be meant by the other."""


def _words(selector: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in selector.items())


def _nothing(cluster: Cluster, service: Service) -> Finding | None:
    """No pod has such labels: scaled to nothing, or a wrong selector."""
    for each in cluster.workloads_in(service.namespace):
        if each.kind != "ReplicaSet" and _fits(service.selector, each.labels):
            if each.desired == 0:
                return None  # somebody scaled it to nothing
            if each.is_paused:
                return _finding(
                    service,
                    f"{each.kind} {each.name}, which it leads to, is paused, so it makes no pods",
                    f"Service {service.name} in {service.namespace} reaches no pod: "
                    f"{each.kind} {each.name} is paused",
                    Harm.WARNING,
                )
            return _finding(
                service,
                f"{each.kind} {each.name}, which it leads to, has no pods",
                f"Service {service.name} in {service.namespace} reaches no pod",
                Harm.WARNING,
            )
    hint = _near(cluster, service)
    return _finding(
        service,
        f"no pod has the labels {_words(service.selector)}{hint}",
        f"Service {service.name} in {service.namespace} reaches no pod: its selector fits none",
        Harm.WRONG,
    )


def _near(cluster: Cluster, service: Service) -> str:
    """Labels that were probably meant."""
    known = cluster.label_values(service.namespace)
    for name, value in service.selector.items():
        values = known.get(name, set())
        near = difflib.get_close_matches(value, sorted(values), 1, cutoff=NEAR)
        if near and value not in values:
            return f": did you mean {name}={near[0]}?"
        other = difflib.get_close_matches(name, sorted(known), 1, cutoff=NEAR)
        if other and name not in known:
            return f": did you mean the label {other[0]}?"
    return ""


def _wrong_port(service: Service, pods: list[Pod]) -> Finding | None:
    declared = {port for pod in pods for each in pod.containers for port in each.ports}
    for port in service.ports:
        if port.target in declared or not declared:
            continue
        is_name = not port.target.isdecimal()
        there = ", ".join(sorted(declared))
        return _finding(
            service,
            f"its port {port.port} leads to {port.target}, and its pods declare {there}",
            f"Service {service.name} in {service.namespace} leads to a port that no pod has",
            Harm.WRONG if is_name else Harm.WARNING,
            sure=1.0 if is_name else 0.6,
        )
    return None


def _finding(service: Service, cause: str, title: str, harm: Harm, *, sure: float = 1.0) -> Finding:
    opens = Opens("service", service.key)
    evidence = [Evidence("field", f"selector {_words(service.selector)}", opens)]
    if service.ready is not None:
        text = f"{service.ready} ready addresses, {service.not_ready} that are not"
        evidence.append(Evidence("state", text, opens))
    return Finding(
        rule=RULE.name,
        key=service.key,
        object=f"Service {service.name} in {service.namespace}",
        cause=cause,
        headline=title,
        harm=harm,
        evidence=tuple(evidence),
        since=service.created_at,
        confidence=sure,
    )


RULE = ClusterRule(
    "kube-service", "A Service leads nowhere: selector, readiness or port.", {Service: examine}
)
