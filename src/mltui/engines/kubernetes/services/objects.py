"""A service as objects of a namespace: what the server is told. Pure.

Called by `host`. All of them have one name and are told by server-side apply, so that telling them
again changes nothing and puts right what somebody else has changed. Sources: Kubernetes docs,
"Deployments", "Container lifecycle hooks", "Pod topology spread constraints", "Disruptions".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from mltui.engines.hosting import Hosting, Wanted
from mltui.engines.kubernetes import manifest
from mltui.engines.kubernetes.manifest import MANAGED, Served
from mltui.spec.model import Pods

HOSTED = "mltui.hosted"
"""Label: finds a service's pods; its value is the objects' name."""
DEPLOYMENT, MARK = "mltui.deployment", "mltui.mark"
"""Annotations: whose it is."""
VERSION, RESTARTED = "mltui.version", "mltui.restarted"
"""Annotations of the Deployment and of its pods: what they are of."""
RECORDER = "record"
SHARED = "/mltui/shared"
DRAIN_S = 10
"""How long a pod that gets no new connections still takes them: until every node knows."""
GRACE_S = 30
"""From being asked to end until being ended, after that."""
_LOST_S = 30
"""How long a node may be silent until its replicas are made elsewhere."""
_UNWELL_FAILURES = 6
"""A replica that is late gets requests a while longer: where none is ready all are refused."""
_LIVE_FAILURES = 15
_PROBE_S = 5
_SURGE = {"maxSurge": 1, "maxUnavailable": 0}


def object_name(hosting: Hosting) -> str:
    """The name of all objects of a deployment: short enough for the names of its pods."""
    plain = re.sub(r"[^a-z0-9]+", "-", hosting.name.lower()).strip("-") or "service"
    if len(plain) <= 40 and plain[0].isalpha():
        return plain
    digest = hashlib.sha256(hosting.name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"s-{plain[:31].strip('-')}-{digest}"


def told(wanted: Wanted) -> dict[str, str]:
    """The annotations that say what was wanted."""
    return {VERSION: str(wanted.version), RESTARTED: repr(wanted.restarted_at)}


def deployment(
    wanted: Wanted,
    *,
    image: str,
    tree: str,
    served: Served,
    pods: Pods,
    has_secrets: bool,
    user: str,
) -> dict[str, Any]:
    """The Deployment: replaces one pod after the other, an old one only once a new one is ready."""
    name = object_name(wanted.hosting)
    attempt = wanted.attempt
    labels = {
        key: manifest.label_value(value)
        for key, value in attempt.labels.items()
        if key != "mltui.replica"
    }
    labels |= {**MANAGED, HOSTED: name}
    spec = manifest.pod(
        attempt,
        image=image,
        tree=tree,
        served=served,
        pods=pods,
        starter=[*manifest.STARTER, "/mltui/bin/serve"],
        beside={
            "name": RECORDER,
            "args": ["record", "$(MLTUI_POD)"],
            "env": [_field("MLTUI_POD", "metadata.name")],
        },
        grace_s=DRAIN_S + GRACE_S,
        secret=name if has_secrets else None,
        user=user,
    )
    stage = spec["containers"][0]
    stage["env"] = [
        *(each for each in stage["env"] if each["name"] != "MLTUI_REPLICA"),
        _field("MLTUI_REPLICA", "metadata.name"),
    ]
    if attempt.port is not None:
        stage["ports"] = [{"name": "service", "containerPort": attempt.port}]
        stage |= _probes(wanted, attempt.port)
    stage["lifecycle"] = {
        # Whatever the image: it may have no `sleep`.
        "preStop": {"exec": {"command": ["/mltui/bin/busybox", "sleep", str(DRAIN_S)]}}
    }
    spec["topologySpreadConstraints"] = [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {HOSTED: name}},
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]
    spec["tolerations"] = [
        *spec.get("tolerations", ()),
        *(
            {
                "key": f"node.kubernetes.io/{what}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": _LOST_S,
            }
            for what in ("not-ready", "unreachable")
        ),
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(wanted.hosting, labels, told(wanted)),
        "spec": {
            "replicas": wanted.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": int(wanted.ready_s) + 60,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": _SURGE},
            "selector": {"matchLabels": {HOSTED: name}},
            "template": {
                "metadata": {"labels": labels, "annotations": told(wanted)},
                "spec": spec,
            },
        },
    }


def _probes(wanted: Wanted, port: int) -> dict[str, Any]:
    """Ready: it gets requests. Started and alive: its process is left as it is."""
    how: dict[str, Any] = (
        {"tcpSocket": {"port": port}}
        if wanted.health is None
        else {"httpGet": {"path": wanted.health, "port": port}}
    )
    every = {**how, "periodSeconds": 1, "timeoutSeconds": _PROBE_S}
    # A version that never gets healthy is given back before the node loses patience with it.
    starts = max(2 * int(wanted.ready_s), 10)
    return {
        "readinessProbe": {**every, "failureThreshold": _UNWELL_FAILURES},
        "startupProbe": {**every, "failureThreshold": starts},
        "livenessProbe": {**every, "periodSeconds": 2, "failureThreshold": _LIVE_FAILURES},
    }


def service(wanted: Wanted) -> dict[str, Any] | None:
    """The Service: where clients ask. None for a service without a port."""
    if wanted.port is None or wanted.attempt.port is None:
        return None
    name = object_name(wanted.hosting)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(wanted.hosting, {**MANAGED, HOSTED: name}),
        "spec": {
            "selector": {HOSTED: name},
            "ports": [{"name": "service", "port": wanted.port, "targetPort": wanted.attempt.port}],
        },
    }


def budget(wanted: Wanted) -> dict[str, Any]:
    """The disruption budget: a node that is emptied takes one replica at a time."""
    name = object_name(wanted.hosting)
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(wanted.hosting, {**MANAGED, HOSTED: name}),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {HOSTED: name}}},
    }


def secret(hosting: Hosting, values: Mapping[str, str]) -> dict[str, Any]:
    """The service's secrets (base64)."""
    labels = {**MANAGED, HOSTED: object_name(hosting)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(hosting, labels),
        "type": "Opaque",
        "data": dict(values),
    }


def _metadata(
    hosting: Hosting, labels: Mapping[str, str], notes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    whose = {DEPLOYMENT: hosting.deployment, MARK: hosting.mark}
    return {
        "name": object_name(hosting),
        "labels": dict(labels),
        "annotations": {**whose, **(notes or {})},
    }


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
