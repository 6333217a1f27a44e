"""A pod that needs a ConfigMap, a Secret, or a key of one that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding
from mltui.triage.kube import Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import (
    edit_fix,
    event_evidence,
    is_alive,
    is_being_made,
    kind_words,
    on_pod,
    opens,
    tidy,
)

_ABSENT = re.compile(
    r'(?P<kind>configmap|secret|serviceaccount)s? "(?P<name>[^"]+)" not found'
    r"|(?P<kind2>configmap|secret) (?P<name2>[\w./-]+) not found",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) (?P<name>[^\s,]+)"
    r"|references non-existent (?P<kind2>config|secret) key: (?P<key2>\S+)"
)
_VOLUME = re.compile(r'for volume "(?P<name>[^"]+)"')
_IDS = re.compile(r" \(pod: .*\)$")
_WORDS = {"configmap": "ConfigMap", "config": "ConfigMap", "secret": "Secret",
          "serviceaccount": "ServiceAccount"}  # fmt: skip


def missing(message: str) -> str:
    """`ConfigMap settings`, `key url of Secret db`; empty when the message names none."""
    if found := _KEY.search(message):
        kind = _WORDS[(found["kind"] or found["kind2"]).lower()]
        key = found["key"] or found["key2"]
        name = (found["name"] or "").rpartition("/")[2]
        return f"key {key} of {kind} {name}".rstrip() if name else f"key {key} of a {kind}"
    if found := _ABSENT.search(message):
        kind = _WORDS[(found["kind"] or found["kind2"]).lower()]
        return f"{kind} {(found['name'] or found['name2']).rpartition('/')[2]}"
    return ""


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """Containers that can't be made for it, and volumes that can't be mounted."""
    if not is_alive(pod):
        return
    for each in pod.containers:
        if each.state == "waiting" and each.reason == "CreateContainerConfigError":
            what = missing(each.message)
            seen = Evidence("state", f"{each.reason}: {tidy(each.message)}", opens(pod))
            yield _finding(cluster, pod, what, each.message, seen)
            return
    if not is_being_made(pod):
        return
    for event in reversed(cluster.events("Pod", pod.namespace, pod.name, "FailedMount")):
        if what := _named(pod, missing(event.message), event.message):
            yield _finding(cluster, pod, what, event.message, *event_evidence([event]))
            return


def _named(pod: Pod, what: str, message: str) -> str:
    """With the name of the Secret or ConfigMap, where the node tells only that of the volume."""
    key, of, _ = what.partition(" of a ")
    volume = _VOLUME.search(message)
    source = pod.sources.get(volume["name"], "") if volume else ""
    return f"{key} of {source}" if of and source else what


def _finding(cluster: Cluster, pod: Pod, what: str, message: str, seen: Evidence) -> Finding:
    owner = kind_words(cluster.owner_of(pod))
    cause = f"{owner} needs {what}, which is not in namespace {pod.namespace}"
    return on_pod(
        cluster,
        pod,
        RULE.name,
        cause if what else tidy(message),
        f"{what} is missing in {pod.namespace}"
        if what
        else f"{owner} can't be set up: {_IDS.sub('', tidy(message))}",
        (seen,),
        (edit_fix(cluster, pod),),
        group=f"{pod.namespace}/{what}" if what else "",
    )


RULE = ClusterRule(
    "kube-config", "A ConfigMap, Secret or key that a pod needs is missing.", {Pod: examine}
)
