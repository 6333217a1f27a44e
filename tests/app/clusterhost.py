"""A cluster that says the same in every run, for pictures of what is on it.

It speaks the real API on loopback; nothing of the app is replaced. What it has is in the moods that
a person looks at lists for: something failed, something waits, the rest is well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .moments import DAY, HOUR, when

if TYPE_CHECKING:
    from tests.unit.kube.server import Answer, Asked, Endless

_server = import_module("unit.kube.server")


@asynccontextmanager
async def cluster(file: Path) -> AsyncIterator[dict[str, str]]:
    """A cluster, and a kubeconfig with a second one that nobody looks at."""
    server = await _server.ApiServer(_answer).open()
    contexts = {"kind": "digits-dev", "production": "digits"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kind",
        "clusters": [{"name": each, "cluster": {"server": server.url}} for each in contexts],
        "users": [{"name": "ada", "user": {}}],
        "contexts": [
            {"name": each, "context": {"cluster": each, "user": "ada", "namespace": space}}
            for each, space in contexts.items()
        ],
    }
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        yield {"KUBECONFIG": str(file), "NO_PROXY": "127.0.0.1"}
    finally:
        await server.close()


_SPACES = ("digits-dev", "digits-prod", "default", "kube-system")


def _meta(
    name: str, namespace: str, ago_s: float, labels: Mapping[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    uid = f"uid-{namespace}-{name}"
    found = {"name": name, "uid": uid, "resourceVersion": "7", "creationTimestamp": when(ago_s)}
    if namespace:
        found["namespace"] = namespace
    return {**found, "labels": dict(labels or {}), **more}


def _pod(
    name: str,
    ago_s: float,
    image: str,
    *,
    state: Mapping[str, Any] | None = None,
    last: Mapping[str, Any] | None = None,
    phase: str = "Running",
    restarts: int = 0,
    labels: Mapping[str, str] | None = None,
    owner: str = "",
    limit: str = "512Mi",
    node: str = "node-1",
    namespace: str = "digits-dev",
    message: str = "",
) -> dict[str, Any]:
    standing = {"running": {"startedAt": when(ago_s - 2)}} if state is None else dict(state)
    is_ready = "running" in standing and phase == "Running"
    kind, _, of = owner.partition("/")
    owners = [{"kind": kind, "name": of, "uid": f"uid-digits-dev-{of}", "controller": True,
               "apiVersion": "apps/v1"}] if owner else []  # fmt: skip
    told = {"name": "main", "ready": is_ready, "restartCount": restarts, "state": standing}
    scheduled = {"type": "PodScheduled", "status": "True" if node else "False"}
    if message:
        scheduled |= {"reason": "Unschedulable", "message": message}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _meta(name, namespace, ago_s, labels, ownerReferences=owners),
        "spec": {
            "nodeName": node,
            "restartPolicy": "Always",
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"memory": limit},
                    },
                    "env": [
                        {"name": "EPOCHS", "value": "60"},
                        {"name": "API_TOKEN", "value": "s3cret"},
                    ],
                }
            ],
        },
        "status": {
            "phase": phase,
            "podIP": f"10.244.0.{len(name)}" if node else "",
            "startTime": when(ago_s - 1),
            "qosClass": "Burstable",
            "conditions": [scheduled],
            "containerStatuses": [told | ({"lastState": last} if last else {})] if node else [],
        },
    }


_KILLED = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": when(60)}
_PART = {"mltui.project": "digits", "mltui.run": "14"}
_WEB = {"app": "classifier", "pod-template-hash": "7c9d5"}

_PODS = [
    _pod("digits-14-train-2", 7.5 * 60, "registry.local/digits-train:8f2c", restarts=3,
         state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
         last={"terminated": _KILLED},
         labels={**_PART, "mltui.stage": "train", "mltui.round": "2"}),
    _pod("translate-en-es-7c9d5b6f4-x2p9q", 12.5 * 60, "registry.local/ml/es:v9", phase="Pending",
         state={"waiting": {"reason": "ImagePullBackOff", "message":
                            'Back-off pulling image "registry.local/ml/es:v9"'}}),
    _pod("digits-15-evaluate", 4.5 * 60, "registry.local/digits-eval:1", phase="Pending", node="",
         message="0/2 nodes are available: 2 Insufficient memory.",
         labels={**_PART, "mltui.run": "15", "mltui.stage": "evaluate"}),
    *(_pod(f"classifier-7c9d5-{end}", 3.5 * DAY, "registry.local/digits-serve:3", labels=_WEB,
           owner="ReplicaSet/classifier-7c9d5", node=f"node-{n}")
      for n, end in enumerate(("4fqxz", "q7k2m"), 1)),
    _pod("warehouse-0", 12.5 * DAY, "postgres:16", limit="1Gi", node="node-2"),
    _pod("drift-29401200-h8wlz", 1.5 * HOUR, "registry.local/digits-drift:3", phase="Succeeded",
         state={"terminated": {"exitCode": 0, "reason": "Completed",
                               "finishedAt": when(1.4 * HOUR)}}),
]  # fmt: skip
_USED = {"digits-14-train-2": ("0", "0"), "classifier-7c9d5-4fqxz": ("12m", "212Mi"),
         "classifier-7c9d5-q7k2m": ("9m", "198Mi"), "warehouse-0": ("41m", "960Mi")}  # fmt: skip


def _workload(
    kind: str, name: str, ago_s: float, image: str, wanted: int, ready: int, **status: Any
) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": "main", "image": image}]
    updated = status.pop("updated", wanted)
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": _meta(name, "digits-dev", ago_s, labels, generation=1),
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {
            "observedGeneration": 1,
            "replicas": updated,
            "readyReplicas": ready,
            "updatedReplicas": updated,
            "availableReplicas": ready,
            **status,
        },
    }


_STUCK = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
          "message": 'ReplicaSet "translate-en-es-7c9d5b6f4" has timed out.'}  # fmt: skip
_DEPLOYMENTS = [
    _workload("Deployment", "classifier", 3.5 * DAY, "registry.local/digits-serve:3", 2, 2),
    _workload("Deployment", "translate-en-es", 12.5 * 60, "registry.local/ml/es:v9", 3, 0,
              conditions=[_STUCK]),
    _workload("Deployment", "gateway", 41.5 * DAY, "registry.local/ml/gateway:1.9.2", 4, 3,
              updated=4),
    _workload("Deployment", "spare", 90.5 * DAY, "registry.local/ml/spare:1", 0, 0),
]  # fmt: skip
_SETS = [
    _workload("ReplicaSet", "classifier-7c9d5", 3.5 * DAY, "registry.local/digits-serve:3", 2, 2)
]
_SETS[0]["metadata"]["ownerReferences"] = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "classifier",
     "uid": "uid-digits-dev-classifier", "controller": True}
]  # fmt: skip


def _node(name: str, role: str, memory: str, pressure: str = "") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
    if pressure:
        said = "kubelet has insufficient memory available"
        conditions.append({"type": pressure, "status": "True", "message": said})
    taints = [{"key": "gpu", "effect": "NoSchedule"}] if role == "gpu" else []
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _meta(name, "", 90.5 * DAY, {f"node-role.kubernetes.io/{role}": ""}),
        "spec": {"taints": taints},
        "status": {
            "allocatable": {"cpu": "8", "memory": memory, "pods": "110",
                            **({"nvidia.com/gpu": "2"} if role == "gpu" else {})},
            "conditions": conditions,
            "nodeInfo": {"kubeletVersion": "v1.34.1", "architecture": "amd64"},
            "addresses": [{"type": "InternalIP", "address": f"172.18.0.{len(name)}"}],
        },
    }  # fmt: skip


_NODES = [
    _node("node-1", "control-plane", "15Gi"),
    _node("node-2", "worker", "31Gi", "MemoryPressure"),
    _node("node-gpu-7f3a", "gpu", "251Gi"),
]
_NODES_USED = {
    "node-1": ("1200m", "9Gi"),
    "node-2": ("6400m", "29Gi"),
    "node-gpu-7f3a": ("90m", "4Gi"),
}


def _event(
    ago_s: float, about: str, reason: str, message: str, count: int = 1, kind: str = "Warning"
) -> dict[str, Any]:
    what, _, name = about.partition("/")
    return {
        "metadata": _meta(f"{name}.{count}{reason.lower()}", "digits-dev", ago_s),
        "involvedObject": {"kind": what.capitalize(), "name": name, "namespace": "digits-dev",
                           "uid": f"uid-digits-dev-{name}"},
        "type": kind,
        "reason": reason,
        "message": message,
        "count": count,
        "source": {"component": "kubelet"},
        "firstTimestamp": when(ago_s + 60),
        "lastTimestamp": when(ago_s),
    }  # fmt: skip


_EVENTS = [
    _event(41, "pod/digits-14-train-2", "BackOff",
           "Back-off restarting failed container main in pod digits-14-train-2", 9),
    _event(5.5 * 60, "pod/digits-15-evaluate", "FailedScheduling",
           "0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes help", 4),
    _event(11.5 * 60, "pod/translate-en-es-7c9d5b6f4-x2p9q", "Failed",
           'Failed to pull image "registry.local/ml/es:v9": manifest unknown', 5),
    _event(7.5 * 60, "pod/digits-14-train-2", "Scheduled",
           "Successfully assigned digits-dev/digits-14-train-2 to node-1", 1, "Normal"),
    _event(12.5 * 60, "deployment/translate-en-es", "ScalingReplicaSet",
           "Scaled up replica set translate-en-es-7c9d5b6f4 from 0 to 3", 1, "Normal"),
]  # fmt: skip


def _metrics(name: str, cpu: str, memory: str, namespace: str) -> dict[str, Any]:
    usage = {"cpu": cpu, "memory": memory}
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": meta, "usage": usage, "containers": [{"name": "main", "usage": usage}]}


def _items(path: str) -> list[dict[str, Any]] | None:
    """What a list holds; None: there is no such list."""
    if path == "/api/v1/namespaces":
        return [
            {"metadata": _meta(name, "", (n + 3.5) * DAY), "status": {"phase": "Active"}}
            for n, name in enumerate(_SPACES)
        ]
    if path == "/apis/metrics.k8s.io/v1beta1/nodes":
        return [_metrics(name, *used, "") for name, used in _NODES_USED.items()]
    if path == "/api/v1/nodes":
        return _NODES
    match = re.fullmatch(r"/apis?/[\w.]+(?:/v\w+)?/namespaces/([\w-]+)/(\w+)", path)
    if match is None:
        return None
    if match[1] != "digits-dev":
        return []
    if path.startswith("/apis/metrics.k8s.io"):
        return [_metrics(name, *used, "digits-dev") for name, used in _USED.items()]
    return {
        "pods": _PODS,
        "deployments": _DEPLOYMENTS,
        "replicasets": _SETS,
        "events": _EVENTS,
    }.get(match[2], [])


def _chosen(items: Sequence[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those that selectors of labels, of names and of what events are about leave."""
    found = list(items)
    for name, _, value in (each.partition("=") for each in
                           filter(None, query.get("labelSelector", "").split(","))):  # fmt: skip
        found = [each for each in found if each["metadata"]["labels"].get(name) == value]
    field, _, value = query.get("fieldSelector", "").partition("=")
    if field == "metadata.name":
        return [each for each in found if each["metadata"]["name"] == value]
    if field == "involvedObject.uid":
        return [each for each in found if each["involvedObject"]["uid"] == value]
    return found


async def _answer(asked: Asked) -> Answer | list[Any] | Endless:
    if "watch" in asked.query:
        await asyncio.Event().wait()
    if asked.method == "POST" and asked.path.endswith("reviews"):
        return 201, {"status": {"allowed": True}}
    items = _items(asked.path)
    if items is not None:
        return 200, {"metadata": {"resourceVersion": "7"}, "items": _chosen(items, asked.query)}
    folder, _, name = asked.path.rpartition("/")
    found = [each for each in _items(folder) or () if each["metadata"]["name"] == name]
    if found:
        return 200, found[0]
    refused: Answer = _server.refusal(404, "NotFound", f"there is no {asked.path}")
    return refused
