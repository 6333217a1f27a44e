"""A pod that fails a probe: which one, what is asked, what it answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.text import format_duration
from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding
from mltui.triage.kube import Event, Pod, PodContainer
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import (
    FRESH_S,
    edit_fix,
    event_evidence,
    is_alive,
    kind_words,
    log_evidence,
    on_pod,
    opens,
    tidy,
)

ENDING_S = 300.0
"""A container that is told to end has done so by then."""
_SILENT = re.compile(r"connection refused|deadline exceeded|timeout|statuscode: 503", re.I)
YOUNG_S = 60.0
SLACK_S = 35.0
"""A grace period and what it takes to kill it."""
_FAILED = re.compile(
    r"(?P<kind>Liveness|Readiness|Startup) probe (?:failed|errored)[^:]*: ?(?P<said>.*)"
)
_KILLED = re.compile(r"Container (?P<name>\S+) failed (?P<kind>liveness|startup) probe")


def _last(cluster: Cluster, pod: Pod, kind: str = "") -> tuple[Event, str, str] | None:
    """The newest failure: its event, the probe, what was answered."""
    for event in reversed(cluster.events("Pod", pod.namespace, pod.name, "Unhealthy")):
        found = _FAILED.match(event.message)
        if event.last_at is not None and cluster.passed(event.last_at, FRESH_S):
            return None
        if found and kind in ("", found["kind"].lower()):
            return event, found["kind"].lower(), found["said"].strip()
    return None


def killed_by_probe(cluster: Cluster, pod: Pod, each: PodContainer) -> str:
    """The probe that has this container restarted; empty: none has."""
    if not each.restarts or not (each.probes.keys() & {"liveness", "startup"}):
        return ""
    for event in reversed(cluster.events("Pod", pod.namespace, pod.name, "Killing")):
        found = _KILLED.search(event.message)
        if found and found["name"].rstrip(",") == each.name and not _is_past(event, each):
            return found["kind"]
    return ""


def _is_past(event: Event, each: PodContainer) -> bool:
    """The container ended again since, and long after: that was for something else."""
    if event.last_at is None or each.last_ended_at is None:
        return False
    return each.last_ended_at - event.last_at > ENDING_S


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """Containers that are restarted for a probe, and those that run and get no traffic."""
    if not is_alive(pod):
        return
    for each in pod.containers:
        kind = killed_by_probe(cluster, pod, each)
        if not kind and (each.state != "running" or each.is_ready or each.is_init):
            continue
        found = _last(cluster, pod, kind)
        if found is None and not kind:
            continue
        event, kind_, answer = found if found is not None else (None, kind, "")
        if not kind and _is_starting(cluster, each, kind_, answer):
            return
        yield _finding(cluster, pod, each, kind or kind_, answer, event)
        return


def _is_starting(cluster: Cluster, each: PodContainer, kind: str, answer: str) -> bool:
    """Whether it has time yet: what has just begun does not listen at once."""
    if each.started_at is None or each.restarts:
        return False
    if kind == "startup":
        return not cluster.passed(each.started_at, each.patience_s.get(kind, 0.0) + SLACK_S)
    return bool(_SILENT.search(answer)) and not cluster.passed(each.started_at, YOUNG_S)


def _was_early(each: PodContainer, kind: str) -> bool:
    """Whether its last life was no longer than it takes to be killed by that probe alone."""
    if each.last_started_at is None or each.last_ended_at is None or kind not in each.patience_s:
        return False
    return each.last_ended_at - each.last_started_at <= each.patience_s[kind] + SLACK_S


def _finding(
    cluster: Cluster, pod: Pod, each: PodContainer, kind: str, answer: str, event: Event | None
) -> Finding:
    owner = kind_words(cluster.owner_of(pod))
    asked = each.probes.get(kind, "?")
    effect = {
        "liveness": "so it is restarted over and over",
        "startup": "so it is restarted before it is up",
    }.get(kind, "so it gets no traffic")
    said = tidy(answer) or "no answer"
    text = f"container {each.name}: {kind} probe asks {asked}"
    hint = ""
    port = re.search(r":(\w+)", asked)
    if port and "connection refused" in answer and each.ports and port[1] not in each.ports:
        hint = f"; it declares port {', '.join(each.ports)}"
    if "connection refused" in answer and not hint and _was_early(each, kind):
        given = format_duration(each.patience_s[kind])
        hint = f"; within the {given} that it has from its start it never listened there: it needs "
        hint += "longer (startupProbe, initialDelaySeconds), or listens elsewhere"
    return on_pod(
        cluster,
        pod,
        RULE.name,
        f"the {kind} probe ({asked}) is answered: {said}{hint}; {effect}",
        f"{owner} fails its {kind} probe",
        (
            Evidence("field", text, opens(pod)),
            *(event_evidence([event]) if event is not None else ()),
            *log_evidence(pod, each),
        ),
        (edit_fix(cluster, pod),),
        since=event.first_at if event is not None else None,
        count=max(event.count if event is not None else 1, each.restarts, 1),
    )


RULE = ClusterRule(
    "kube-probe", "A pod fails a probe: which, what is asked, what it answers.", {Pod: examine}
)
