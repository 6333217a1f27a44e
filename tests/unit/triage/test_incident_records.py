"""Facts that somebody else wrote down: whatever they say is diagnosed and shown, or refused.

Values are drawn by the types that fields declare, from words that rules know and from texts and
numbers that nobody expects; objects of a cluster are right ones with a few places changed.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from random import Random
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.app.present.moment import Moment
from mltui.app.present.triage import detail_lines, list_lines
from mltui.cli.commands.triage import to_json
from mltui.live.kube.chart import Batch, Chart
from mltui.runs.findings import history_from
from mltui.triage.diagnosis import diagnose, told
from mltui.triage.facts import Facts
from mltui.triage.history import History
from mltui.triage.recording import BadRecord, read_facts, write_facts

NOW = 1_000_000.0
WORDS = (
    "", "", "failed", "succeeded", "running", "exited", "restarting", "unhealthy", "cancelled",
    "program", "memory", "timeout", "contract", "build", "config", "infrastructure", "process",
    "docker", "kubernetes", "train", "train~2", "clean", "1", "a", "b", "web", "web-1", "n1", "c",
    "Pod", "ReplicaSet", "Deployment", "Job", "CronJob", "Node", "Secret", "Running", "Pending",
    "Failed", "Evicted", "waiting", "terminated", "CrashLoopBackOff", "OOMKilled", "True", "False",
    "Unknown", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "Unhealthy",
    "RunContainerError", "FailedMount", "FailedCreate", "FailedScheduling", "Killing", "Ready",
    "PodScheduled", "Progressing", "Complete", "not-passed", "accuracy", ">=", "digits", "rate",
    "Insufficient cpu", "untolerated taint {a: }", "exceeded quota: q, requested: a, used: b, ",
    "Container main failed liveness probe", "Liveness probe failed: ", "x" * 400, "a\x1b[31mb",
    "\u202e", "\ud800", "a\nb\tc", "${x}", "%s {0} {", "é漢", "0", "-1", "/etc/passwd", "3.11",
    "MODULE_NOT_FOUND", "No module named 'a'", "exec format error", "no space left on device",
    "http :80/", "liveness", "startup", "restart: always", "always", "no", "PersistentVolumeClaim",
)  # fmt: skip
FIELDS: Mapping[str, tuple[str, ...]] = {
    "state": ("failed", "failed", "waiting", "running", "terminated", "exited", "restarting"),
    "reason": ("", "CrashLoopBackOff", "OOMKilled", "ImagePullBackOff", "RunContainerError",
               "CreateContainerConfigError", "Unhealthy", "Killing", "FailedMount", "FailedCreate",
               "FailedGetResourceMetric", "ProgressDeadlineExceeded", "ReadinessGatesNotReady"),
    "last_reason": ("", "OOMKilled", "Error", "StartError"),
    "phase": ("Running", "Pending", "Failed", "Succeeded", "Lost"),
    "type": ("Ready", "PodScheduled", "DiskPressure", "Failed", "ScalingActive", "Progressing"),
    "status": ("True", "False", "False", "Unknown"),
    "kind": ("Pod", "Deployment", "ReplicaSet", "Job", "PersistentVolumeClaim", "Node"),
    "failure": ("program", "memory", "timeout", "contract", "build", "infrastructure"),
    "namespace": ("a",), "name": ("web", "web-1", "j", "c"), "node": ("", "n1", "n2"),
    "engine": ("docker", "kubernetes", "process"), "verdict": ("not-passed", "failed", "passed"),
    "gate": ("not-passed", "accepted-best"), "health": ("unhealthy", "healthy", ""),
}  # fmt: skip
NUMBERS = (0, 1, -1, 2, 3, 80, 137, 139, 1 << 20, 1 << 40, 10**30)
FLOATS = (
    NOW, NOW - 10, NOW - 70, NOW - 4000, NOW + 60, 0.0, -1.0, 0.5, 1e18, -1e18, 1e300, -1e300,
    math.inf, -math.inf, math.nan, NOW, NOW - 1, NOW - 300,
)  # fmt: skip


hints_of = cache(get_type_hints)


def anything(kind: Any, random: Random) -> Any:
    """A value of a type as JSON has it; now and then one of another."""
    if random.random() < 0.0003:
        return random.choice((None, [], {}, "x", 1, True, [[]], {"a": 1}))
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if random.random() < 0.3 else anything(get_args(kind)[0], random)
    if origin is tuple:
        return [anything(get_args(kind)[0], random) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    if origin is not None and issubclass(origin, Mapping):
        inner = get_args(kind)[1]
        return {random.choice(WORDS): anything(inner, random) for _ in range(random.choice((0, 2)))}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = hints_of(kind)
        chosen = [each for each in fields(kind) if _is_needed(each) or random.random() < 0.7]
        return {
            each.name: random.choice(FIELDS[each.name])
            if hints[each.name] is str and each.name in FIELDS and random.random() < 0.8
            else anything(hints[each.name], random)
            for each in chosen
        }
    if kind is bool:
        return random.random() < 0.5
    if kind is str:
        return random.choice(WORDS)
    return random.choice(NUMBERS if kind is int else FLOATS)


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def shown(facts: Facts) -> None:
    """As the CLI and the screen show it."""
    found = diagnose(facts)
    json.dumps([to_json(each, None) for each in found]).encode()
    moment = Moment(NOW)
    list_lines(found, (), 78, moment)
    for each in found:
        detail_lines(each, 78, moment)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_record_is_diagnosed_or_refused(seed: int) -> None:
    random = Random(seed)
    hints = hints_of(Facts)
    raw = {"mltui-facts": 1, "at": NOW}
    for name in random.sample(sorted(hints), k=5):
        raw.setdefault(name, anything(hints[name], random))
    try:
        facts = read_facts(json.dumps(raw))
    except BadRecord:
        return
    shown(facts)
    again = read_facts(write_facts(facts).encode().decode())
    assert repr(again) == repr(facts)  # of NaN alone it can't be said that it is the same


@given(st.integers(0, 2**32 - 1))
def test_any_history_is_read_or_passed_over(seed: int) -> None:
    random = Random(seed)
    history = history_from(json.loads(json.dumps(anything(History, random))))
    list_lines((), history.past, 78, Moment(NOW))


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "[]", "{}", '{"kind": "List", "items": [1, null, {}, {"kind": {}}]}',
        '{"kind": "List", "items": 5}', '{"kind": "List"}', "[" * 100_000,
        '{"mltui-facts": 1, "at": ' + "[" * 100_000, '{"mltui-facts": 1, "at": 1' + "0" * 400 + "}",
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(text: str) -> None:
    try:
        shown(read_facts(text))
    except BadRecord as error:
        assert str(error)


# --- objects --------------------------------------------------------------------------------------

POD = {
    "metadata": {
        "name": "p", "namespace": "a", "uid": "u", "labels": {"app": "web"}, "finalizers": ["x/y"],
        "creationTimestamp": "1970-01-12T13:00:00Z", "deletionTimestamp": "1970-01-12T13:20:00Z",
        "deletionGracePeriodSeconds": 30,
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}],
    },
    "spec": {
        "nodeName": "n1", "serviceAccountName": "robot", "schedulerName": "mine",
        "initContainers": [{"name": "first", "image": "i"}],
        "containers": [{
            "name": "main", "image": "web:1", "ports": [{"name": "http", "containerPort": 80}],
            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"},
                          "limits": {"memory": "2Gi"}},
            "livenessProbe": {"httpGet": {"port": 80, "path": "/"}, "failureThreshold": 3},
            "startupProbe": {"exec": {"command": ["a", "b"]}, "periodSeconds": 5},
        }],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}},
                    {"name": "s", "secret": {"secretName": "s"}}],
    },
    "status": {
        "phase": "Running", "reason": "", "conditions": [{
            "type": "Ready", "status": "False", "lastTransitionTime": "1970-01-12T13:00:00Z"}],
        "containerStatuses": [{
            "name": "main", "ready": False, "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                                         "finishedAt": "1970-01-12T13:40:00Z"}}}],
        "initContainerStatuses": [{"name": "first", "state": {"terminated": {"exitCode": 0}}}],
    },
}  # fmt: skip
META = {"name": "web", "namespace": "a", "creationTimestamp": "1970-01-12T13:00:00Z"}
OBJECTS: Mapping[str, Mapping[str, Any]] = {
    "Pod": POD,
    "Event": {
        "metadata": {"name": "e", "namespace": "a"}, "reason": "Unhealthy", "count": 3,
        "involvedObject": {"kind": "Pod", "namespace": "a", "name": "p"}, "message": "m",
        "lastTimestamp": "1970-01-12T13:40:00Z", "series": {"count": 2},
    },
    "Deployment": {
        "metadata": {**META, "generation": 2,
                     "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}}},
        "status": {"readyReplicas": 1, "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
    },
    "Job": {
        "metadata": {**META, "name": "j"}, "spec": {"parallelism": 1, "activeDeadlineSeconds": 9},
        "status": {"failed": 3, "conditions": [
            {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]},
    },
    "Service": {
        "metadata": META,
        "spec": {"selector": {"app": "wev"}, "ports": [{"port": 80, "targetPort": "http"}]},
    },
    "EndpointSlice": {
        "metadata": {**META, "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"conditions": {"ready": False}}],
    },
    "Endpoints": {"metadata": META, "subsets": [{"addresses": [{}], "notReadyAddresses": [{}]}]},
    "Node": {
        "metadata": {"name": "n1", "labels": {"a": "b"}},
        "spec": {"unschedulable": True, "taints": [{"key": "a", "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "4", "memory": "1Gi"}, "conditions": [
            {"type": "Ready", "status": "Unknown"}]},
    },
    "PersistentVolumeClaim": {
        "metadata": {**META, "name": "c"}, "status": {"phase": "Pending"},
        "spec": {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"],
                 "resources": {"requests": {"storage": "1Gi"}}},
    },
    "StorageClass": {"metadata": {"name": "fasst", "annotations": {
        "storageclass.kubernetes.io/is-default-class": "true"}}},
    "HorizontalPodAutoscaler": {
        "metadata": META, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
        "status": {"conditions": [{"type": "ScalingActive", "status": "False", "reason": "x"}]},
    },
    "PodDisruptionBudget": {
        "metadata": META, "status": {"expectedPods": 1, "currentHealthy": 1},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    },
    "Ingress": {
        "metadata": META, "spec": {"defaultBackend": {"service": {"name": "webs"}}, "rules": [
            {"host": "h", "http": {"paths": [
                {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 81}}}}]}}]},
    },
    "Secret": {
        "metadata": META, "type": "kubernetes.io/tls", "data": {"tls.crt": "LS0tLS1CRUdJTg=="},
    },
    "Namespace": {
        "metadata": {"name": "a", "deletionTimestamp": "1970-01-12T13:00:00Z"},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"conditions": [{"type": "x", "status": "True", "message": "m"}]},
    },
}  # fmt: skip
STRANGE: tuple[Any, ...] = (
    None, [], {}, "", "x", 0, -1, 1.5, True, 10**30, 1e300, "9" * 5000, "\u202ea\x1b[2J", [None],
    [[]], [{}], ["a"], {"a": None}, {"": ""}, "0001-01-01T00:00:00", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+23:59", "1e999", "-5Gi", "..", "x" * 500, "True", [1, "a", None],
)  # fmt: skip


def changed(value: Any, random: Random, chance: float) -> Any:
    """The same with a few places put otherwise."""
    if random.random() < chance:
        return random.choice(STRANGE)
    if isinstance(value, Mapping):
        return {
            name: changed(each, random, chance)
            for name, each in value.items()
            if random.random() > chance
        }
    if isinstance(value, list):
        return [changed(each, random, chance) for each in value * random.choice((1, 1, 2))]
    return value


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_object_of_a_cluster_breaks_what_is_told_of_the_others(seed: int) -> None:
    random = Random(seed)
    chance = random.choice((0.0, 0.01, 0.05))
    objects = {
        kind: changed(raw, random, chance if kind != "Service" else 0.0)
        for kind, raw in OBJECTS.items()
    }
    kinds = list(objects)
    random.shuffle(kinds)
    chart = Chart("kind", "")
    at = NOW + 9000.0
    for kind in kinds:
        raw = json.dumps(objects[kind]).encode()
        chart.apply(Batch({(kind, "a", "x"): raw}), at)
        chart.wanted()
    found = told(Facts(at), [chart.examination])
    assert any(each.rule == "kube-service" for each in found) or chance
    listed = [{**raw, "kind": kind} for kind, raw in objects.items() if isinstance(raw, dict)]
    shown(read_facts(json.dumps({"kind": "List", "items": listed})))
    for kind in kinds:
        chart.apply(Batch({(kind, "a", "x"): None}), at)
    assert not told(Facts(at), [chart.examination])
