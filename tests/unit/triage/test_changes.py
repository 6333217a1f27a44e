"""Any history of a cluster, change by change, gives the findings that all of it at once gives.

Rows are made of numbers (`drawn`), so that many are tried and a failing history is made shorter
quickly. Names, labels and times are few: things are to meet, and to be near to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.triage.cluster import Cluster, Row
from mltui.triage.diagnosis import told
from mltui.triage.examination import Examination
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding
from mltui.triage.kube import (
    GATED,
    Budget,
    Certificate,
    Claim,
    Condition,
    Event,
    Hidden,
    KubeFacts,
    Leaving,
    Node,
    Owner,
    Pod,
    PodContainer,
    Scaler,
    StorageClass,
    Workload,
)
from mltui.triage.kube_routes import (
    Backend,
    Ingress,
    IngressClass,
    Service,
    ServicePort,
    Slice,
)

NOW = 1_000_000.0
AT = (NOW - 4000, NOW - 950, NOW - 310, NOW - 70, NOW - 10, None)
SPACES, NAMES, NODES = ("a", "a", "a", "b"), ("web", "webb", "wep", "db"), ("n1", "n2", "n3")
SETS, JOBS = ("web-1", "web-1", "web-1", "db-1"), ("j1", "j2")
LABELS = (
    {"app": "web"}, {"app": "webb"}, {"app": "db"}, {"ap": "web"}, {"app": "web", "tier": "x"},
)  # fmt: skip
OURS = {
    "mltui.project": "digits", "mltui.run": "1", "mltui.stage": "train", "mltui.attempt": "1",
}  # fmt: skip
SELECTORS: tuple[Mapping[str, str], ...] = (
    {},
    {"app": "web"},
    {"app": "wev"},
    {"ap": "web"},
    {"tier": "x", "app": "web"},
)
OWNERS = (
    *(Owner("ReplicaSet", each) for each in SETS), *(Owner("Job", each) for each in JOBS),
    Owner("StatefulSet", "db"), Owner("Deployment", "web"), Owner("DaemonSet", "web"), Owner(),
)  # fmt: skip
ABOVE = (
    Owner("Deployment", "web"), Owner("Deployment", "db"), Owner("CronJob", "c"), Owner("App", "x"),
    Owner("StatefulSet", "db"), Owner("ReplicaSet", "web-1"), Owner(), Owner(),
)  # fmt: skip
WHAT = (
    ("Deployment", ("web",)), ("Deployment", ("web", "webb", "db")),
    ("ReplicaSet", ("web-1", "web-1", "db-1")), ("Job", JOBS), ("Job", JOBS),
    ("StatefulSet", ("db",)), ("DaemonSet", ("web",)), ("CronJob", ("c",)),
)  # fmt: skip
PROBES: tuple[Mapping[str, str], ...] = (
    {},
    {},
    {"liveness": "http :80/"},
    {"readiness": "tcp :80"},
    {"startup": "tcp :81"},
)
MESSAGES = (
    "Liveness probe failed: connection refused",
    "Readiness probe failed: HTTP probe failed with statuscode: 500",
    "Container main failed liveness probe, will be restarted",
    "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0",
    'configmap "x" not found', "no volume plugin matched", "image web:1 is not there",
)  # fmt: skip
SCHEDULED = (
    Condition("PodScheduled", "False", "Unschedulable", "0/2 nodes: Insufficient cpu", NOW - 70),
    Condition("PodScheduled", "False", "Unschedulable", "Insufficient memory, Insufficient gpu"),
    Condition("PodScheduled", "False", "SchedulingGated"),
    Condition("Ready", "False", GATED, 'the readiness gate "g" is not set', NOW - 70),
    Condition("Ready", "False", GATED, "", NOW - 10),
)
STANDING = (
    Condition("Failed", "True", "BackoffLimitExceeded", "", NOW - 9), Condition("Complete", "True"),
    Condition("Failed", "True", "DeadlineExceeded"),
    Condition("Progressing", "False", "ProgressDeadlineExceeded", "", NOW - 9),
    Condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota"),
)  # fmt: skip
HEALTH = (
    Condition("Ready", "Unknown", "", "", NOW - 70), Condition("Ready", "False", "x", "down"),
    Condition("DiskPressure", "True"), Condition("Ready", "True"),
)  # fmt: skip
SCALING = (
    Condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics", NOW - 55),
    Condition("AbleToScale", "False", "FailedGetScale", "", NOW - 70),
)


def one_or_none(values: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
    return ((), *((each,) for each in values))


FIELDS: Mapping[type, Mapping[str, Sequence[Any]]] = {
    PodContainer: {
        "state": ("running", "running", "waiting", "terminated", ""),
        "reason": ("", "", "CrashLoopBackOff", "ImagePullBackOff", "OOMKilled", "ContainerCreating",
                   "CreateContainerConfigError", "RunContainerError", "PodInitializing"),
        "message": ("", 'secret "s" not found', "no such file"),
        "image": ("web:1", "web:2"),
        "exit_code": (None, 0, 1, 127, 137),
        "started_at": AT,
        "ended_at": AT,
        "is_ready": (True, False),
        "restarts": (0, 0, 2, 3),
        "last_reason": ("", "Error", "OOMKilled", "StartError"),
        "last_exit_code": (None, 1, 137),
        "last_started_at": AT,
        "last_ended_at": AT,
        "memory_limit_bytes": (None, 1 << 29),
        "probes": PROBES,
        "patience_s": ({}, {"liveness": 30.0, "startup": 300.0}),
        "ports": ((), ("80",), ("web", "80")),
        "exception": ("", "KeyError: 'x'"),
        "last_lines": ((), ("waits", "waits", "waits"), ("sh: python: not found",)),
    },
    Pod: {
        "namespace": SPACES,
        "name": ("p1", "p2", "p3"),
        "phase": ("Running", "Running", "Pending", "Pending", "Failed", "Succeeded"),
        "reason": ("", "", "", "Evicted", "DeadlineExceeded", "UnexpectedAdmissionError"),
        "message": ("", "it was too much"),
        "node": (*NODES, "", ""),
        "owner": OWNERS,
        "labels": (*LABELS, OURS),
        "created_at": AT,
        "deleting_since": (None, None, None, NOW - 100, NOW - 30),
        "finalizers": ((), (), ("x/keep",)),
        "conditions": ((), *one_or_none(SCHEDULED)),
        "cpu": (0.0, 2.0),
        "memory_bytes": (0, 1 << 30),
        "claims": ((), (), ("c",), ("c", "d")),
        "scheduler": ("", "mine"),
        "account": ("", "robot"),
        "uid": ("u1", "u2"),
    },
    Event: {
        "kind": ("Pod", "Pod", "ReplicaSet", "Deployment", "Job", "PersistentVolumeClaim", "Node",
                 "CronJob", "Service"),
        "namespace": SPACES,
        "name": ("p1", "p2", "p3", "web-1", "db-1", "web", "j1", "c", "d", "n1"),
        "reason": ("Unhealthy", "Killing", "FailedCreate", "FailedMount", "FailedAttachVolume",
                   "FailedBinding", "ProvisioningFailed", "FailedPostStartHook", "Failed",
                   "FailedScheduling", "SyncLoadBalancerFailed"),
        "message": MESSAGES,
        "count": (1, 3),
        "first_at": AT,
        "last_at": AT,
        "id": ("e1", "e2", "e3", "e4"),
    },
    Workload: {
        "namespace": SPACES,
        "owner": ABOVE,
        "desired": (0, 1, 2),
        "ready": (0, 1),
        "available": (0, 1),
        "conditions": ((), *one_or_none(STANDING)),
        "labels": (*LABELS, {}, OURS),
        "created_at": AT,
        "deadline_s": (None, 60.0),
        "made_at": AT,
        "is_paused": (False, False, True),
        "has_earlier": (True, False),
        "uid": ("u1", "u2"),
        "generation": (1, 2),
    },
    Service: {
        "namespace": SPACES,
        "name": NAMES,
        "selector": SELECTORS,
        "ports": ((), (ServicePort(80, "80"),), (ServicePort(80, "web", "http"),),
                  (ServicePort(81, "81"),)),
        "created_at": AT,
        "lacks_address": (False, False, True),
        "lacks_selector": (False, False, True),
    },
    Slice: {
        "namespace": SPACES,
        "name": ("x", "y"),
        "service": NAMES,
        "ready": (0, 0, 2),
        "not_ready": (0, 1),
    },
    Node: {
        "name": NODES,
        "conditions": ((), *one_or_none(HEALTH)),
        "is_cordoned": (False, True),
        "cpu": (1.0, 4.0),
        "memory_bytes": (1 << 30, 1 << 33),
        "resources": ((), ("cpu",), ("gpu",)),
    },
    Claim: {
        "namespace": SPACES,
        "name": ("c", "d"),
        "phase": ("Pending", "Pending", "Bound", "Lost"),
        "storage_class": (None, "fast", "fasst", "slow", ""),
        "volume": ("", "", "v"),
        "created_at": AT,
    },
    StorageClass: {
        "name": ("fast", "fasts", "slow"), "is_default": (True, False), "waits": (True, False)
    },
    Ingress: {
        "namespace": SPACES,
        "name": ("i1", "i2"),
        "backends": ((), *one_or_none([Backend("*/", x, y) for x in NAMES for y in ("80", "")]),
                     (Backend("h/", "web", "http"), Backend("h/x", "webs", "80"))),
        "created_at": AT,
        "class_name": ("", "nginx", "traefik"),
        "secrets": ((), ("t1",), ("t1", "t2"), ("t3",)),
        "has_address": (False, True),
    },
    IngressClass: {"name": ("nginx", "nginz", "other")},
    Leaving: {
        "kind": ("ConfigMap", "PersistentVolumeClaim"),
        "namespace": SPACES,
        "name": ("c", "d"),
        "since": (NOW - 70, NOW - 10),
        "finalizers": ((), ("x/keep",), ("kubernetes.io/pvc-protection",)),
    },
    Budget: {
        "namespace": SPACES,
        "name": ("b1", "b2"),
        "selector": SELECTORS,
        "is_plain": (True, True, False),
        "allowed": (0, 0, 1),
        "healthy": (1, 2),
        "expected": (1, 2),
        "created_at": AT,
        "uid": ("u1", "u2"),
    },
    Certificate: {
        "namespace": SPACES,
        "name": ("t1", "t2"),
        "begins_at": (None, NOW - 86_400.0),
        "ends_at": (None, NOW - 10, NOW + 60, NOW + 900, NOW + 30 * 86_400.0),
        "is_login": (False, True),
    },
    Scaler: {
        "namespace": SPACES,
        "name": ("h1", "h2"),
        "target": ("Deployment/web",),
        "conditions": ((), *one_or_none(SCALING)),
    },
}  # fmt: skip
KINDS = tuple(sorted(FIELDS.keys() - {PodContainer}, key=lambda kind: kind.__name__))
HIDDEN = tuple(
    Hidden(kind, space)
    for kind in (
        "Pod",
        "EndpointSlice",
        "Service",
        "Node",
        "StorageClass",
        "IngressClass",
        "Secret",
    )
    for space in ("", "a")
)


def drawn(random: Random, type_: type, **given_: Any) -> Any:
    chosen = {name: random.choice(values) for name, values in FIELDS[type_].items()}
    return type_(**{**chosen, **given_})


def row(seed: int, kinds: Sequence[type]) -> Row:
    """A row of one of these kinds, the same for the same number."""
    random = Random(seed)
    kind = random.choice(kinds)
    if kind is Pod:
        inner = [drawn(random, PodContainer, name="main")]
        if random.random() < 0.3:
            inner.insert(0, drawn(random, PodContainer, name="first", is_init=True))
        if random.random() < 0.2:
            inner.append(drawn(random, PodContainer, name="beside"))
        found: Row = drawn(random, Pod, containers=tuple(inner))
    elif kind is Workload:
        what, names = random.choice(WHAT)
        found = drawn(random, Workload, kind=what, name=random.choice(names))
    else:
        found = drawn(random, kind)
    return found


def changed(old: Row | None, new: Row, seed: int) -> Row:
    """The new row; often the old one with one or two of its fields: most changes are small."""
    random = Random(seed)
    if type(old) is not type(new) or random.random() < 0.3:
        return new
    names = sorted(FIELDS[type(new)].keys() - {"namespace", "name", "kind", "id"})
    chosen = random.sample(names, k=min(len(names), random.choice((1, 1, 2))))
    assert old is not None
    return replace(old, **{name: getattr(new, name) for name in chosen})


@dataclass(frozen=True)
class Step:
    """What happens at once, how long after the step before."""

    seeds: list[int]
    gone: int
    """Of these numbers' objects every one whose bit is set goes."""
    later: float
    hides: tuple[Hidden, ...] | None
    is_filling: bool
    is_examined: bool


SEEDS = st.integers(0, 2**32 - 1)
STEPS = st.builds(
    Step,
    st.lists(SEEDS, min_size=1, max_size=6),
    st.integers(0, 63),
    st.sampled_from([0.0, 0.0, 1.0, 60.0, 300.0, 1000.0]),
    st.none() | st.none() | st.lists(st.sampled_from(HIDDEN), max_size=2).map(tuple),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
)


def identity(row: Row) -> object:
    if isinstance(row, Event):
        return ("event", row.namespace, row.id)
    if isinstance(row, Slice):
        return ("slice", row.namespace, row.name)
    if isinstance(row, StorageClass | IngressClass):
        return (type(row), row.name)
    return row.key


def whole(rows: dict[object, Row], at: float, hidden: Sequence[Hidden]) -> list[Finding]:
    """All at once, in another order, by somebody who never saw another state."""
    found = Examination(Cluster("kind", at, "digits", counts_slices=True))
    found.hide(hidden)
    for key in reversed(rows):
        found.change(None, rows[key])
    found.examine(at)
    return told(Facts(at, "digits"), [found])


def recorded(live: Examination, at: float, hidden: Sequence[Hidden]) -> list[Finding]:
    """What is read of it on another machine."""
    facts = KubeFacts.of("kind", live.cluster.rows(), hidden=hidden)
    return told(Facts(at, "digits"), [Examination.of(facts, at, "digits")])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(STEPS, max_size=12),
    st.sets(st.sampled_from(KINDS), min_size=1, max_size=5),
    st.sampled_from([0.0, 55.0, 900.0, 4000.0, 15 * 86_400.0]),
)
def test_changes_one_by_one_give_what_all_at_once_gives(
    steps: list[Step], few: set[type], end: float
) -> None:
    """Of few kinds at a time, so that they meet often."""
    kinds = [Pod, *sorted(few, key=lambda kind: kind.__name__)]
    live = Examination(Cluster("kind", NOW, "digits", counts_slices=True))
    known: dict[object, Row] = {}
    hidden: tuple[Hidden, ...] = ()
    at = NOW
    for step in steps:
        at += step.later
        if step.hides is not None:
            hidden = step.hides
            live.hide(hidden)
        with live.filling() if step.is_filling else nullcontext():
            for number, seed in enumerate(step.seeds):
                new = row(seed, kinds)
                key = identity(new)
                old = known.pop(key, None)
                new = changed(old, new, seed)
                if step.gone >> number & 1 and old is not None:
                    live.change(old, None)
                else:
                    live.change(old, new)
                    known[key] = new
        if step.is_examined or step.is_filling:
            live.examine(at)
    live.examine(at)
    expected = whole(known, at, hidden)
    assert told(Facts(at, "digits"), [live]) == expected
    assert recorded(live, at, hidden) == expected
    live.examine(at + end)
    assert told(Facts(at + end, "digits"), [live]) == whole(known, at + end, hidden)
