"""A Service that leads nowhere: a selector that fits nothing, no ready pod, a wrong port."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube import Pod, Service
from mltui.triage.rules import Rule
from mltui.triage.scene import Cluster, Scene

YOUNG_S = 30.0


def find(scene: Scene) -> Iterator[Finding]:
    """Services with a selector; of the others nobody knows what is meant."""
    cluster = scene.cluster
    for each in cluster.facts.services:
        if not each.selector or cluster.at - (each.created_at or 0.0) < YOUNG_S:
            continue
        pods = [
            pod
            for pod in cluster.chosen(each.namespace, each.selector)
            if pod.phase not in ("Succeeded", "Failed")
        ]
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


def _fits(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.items())


def _words(selector: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in selector.items())


def _nothing(cluster: Cluster, service: Service) -> Finding | None:
    """No pod has such labels: scaled to nothing, or a wrong selector."""
    for each in cluster.facts.workloads:
        same = each.namespace == service.namespace and each.kind != "ReplicaSet"
        if same and _fits(service.selector, each.labels):
            if each.desired == 0:
                return None  # somebody scaled it to nothing
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
    known = [
        x.labels for x in cluster.facts.workloads if x.namespace == service.namespace and x.labels
    ]
    known += [pod.labels for pod in cluster.pods_in.get(service.namespace, ())]
    for name, value in service.selector.items():
        values = sorted({labels[name] for labels in known if name in labels} - {value})
        near = difflib.get_close_matches(value, values, 1, cutoff=0.6)
        if near and value not in {labels.get(name) for labels in known}:
            return f": did you mean {name}={near[0]}?"
        names = sorted({x for labels in known for x in labels})
        other = difflib.get_close_matches(name, names, 1, cutoff=0.6)
        if other and name not in names:
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


RULE = Rule("kube-service", "A Service leads nowhere: selector, readiness or port.", find)
