"""A Docker host and a cluster that say the same in every run, for pictures of what is on them.

Both speak the real APIs on loopback; nothing of the app is replaced. What they have is in the moods
that a person looks at lists for: something failed, something waits, the rest is well.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

import yaml

from .seed import NOON

if TYPE_CHECKING:
    from tests.unit.kube.server import Answer, Asked, Endless

_server = import_module("unit.kube.server")

MIB = 1 << 20
HOUR, DAY = 3_600.0, 86_400.0


def when(ago_s: float) -> str:
    """A moment as both APIs write it."""
    return datetime.fromtimestamp(NOON - ago_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def docker(socket: Path) -> AsyncIterator[dict[str, str]]:
    """A Docker daemon; gives the variables that lead to it."""
    server = await _server.ApiServer(_docker).open(socket)
    try:
        yield {"DOCKER_HOST": f"unix://{socket}"}
    finally:
        await server.close()


@asynccontextmanager
async def cluster(file: Path) -> AsyncIterator[dict[str, str]]:
    """A cluster, and a kubeconfig with a second one that nobody looks at."""
    server = await _server.ApiServer(_cluster).open()
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


# --- Docker ---------------------------------------------------------------------------------------

_STAGE = {"mltui.project": "digits", "mltui.run": "14"}
_SHOP = {"com.docker.compose.project": "shop"}
_LIMIT = 512 * MIB


def _container(
    name: str,
    image: str,
    state: str,
    created_ago: float,
    *,
    labels: Mapping[str, str] | None = None,
    code: int = 0,
    ended_ago: float | None = None,
    health: str = "",
    restarts: int = 0,
    port: int = 0,
    cpu: float = 0.0,
    memory: int = 0,
    limit: int = 0,
    is_oom: bool = False,
    log: Sequence[str] = (),
) -> dict[str, Any]:
    """A container as its inspection gives it, with what is measured of it and its log."""
    over = state == "exited"
    told = {
        "Status": state,
        "Running": state == "running",
        "Pid": 4711 if state == "running" else 0,
        "ExitCode": code,
        "OOMKilled": is_oom,
        "StartedAt": when(created_ago - 1),
        "FinishedAt": when(ended_ago or 0.0) if over else "0001-01-01T00:00:00Z",
    }
    if health:
        check = {"Start": when(20), "ExitCode": int(health == "unhealthy"), "Output": "no answer"}
        told["Health"] = {"Status": health, "FailingStreak": 4, "Log": [check]}
    ports = {f"{port}/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}]} if port else {}
    return {
        "Id": f"{sum(map(ord, name)):x}".ljust(64, "0"),
        "Name": f"/{name}",
        "Created": when(created_ago),
        "Path": "python",
        "Args": ["-m", "digits.train", "--token=s3cret"],
        "State": told,
        "Image": f"sha256:{sum(map(ord, image)):x}".ljust(71, "0"),
        "RestartCount": restarts,
        "HostConfig": {
            "Memory": limit,
            "NanoCpus": 10**9 if limit else 0,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
        "Config": {
            "Image": image,
            "Labels": dict(labels or {}),
            "Env": ["PYTHONUNBUFFERED=1", "API_TOKEN=s3cret"],
            "WorkingDir": "/mltui/work",
            "Tty": False,
            "Healthcheck": {"Test": ["CMD", "curl", "-f", f"http://localhost:{port}/"]},
        },
        "NetworkSettings": {"Ports": ports, "Networks": {"none": {"NetworkID": "n" * 64}}},
        "Mounts": [],
        "_measured": (cpu, memory),
        "_log": list(log),
    }


def _epoch(n: int) -> str:
    fields = {"level": "info", "msg": "epoch done", "epoch": n, "loss": round(0.7 / n, 3)}
    return json.dumps(fields)


_JSON_LOG = [
    json.dumps({"level": "info", "msg": "loading features", "rows": 12_000, "columns": 64}),
    *(_epoch(n) for n in range(1, 30)),
    json.dumps({"level": "warning", "msg": "gradient norm is large", "norm": 91.3, "epoch": 29}),
    *(_epoch(n) for n in range(30, 60)),
    json.dumps({"level": "error", "msg": "cannot allocate kernel matrix", "bytes": 1_152_000_000}),
]
_WEB_LOG = [
    f'10.0.0.{n % 7 + 2} "GET /predict?digit={n % 10} HTTP/1.1" {200 if n % 11 else 503} {n % 40}ms'
    for n in range(1, 120)
]

_CONTAINERS = [
    _container("digits-14-train-3", "digits-train:8f2c", "running", 130, cpu=98.4,
               labels={**_STAGE, "mltui.stage": "train", "mltui.round": "3"},
               memory=471 * MIB, limit=_LIMIT, log=_JSON_LOG),
    _container("digits-14-train-2", "digits-train:8f2c", "exited", 420, code=137, ended_ago=380,
               labels={**_STAGE, "mltui.stage": "train", "mltui.round": "2"}, is_oom=True,
               limit=_LIMIT, log=_JSON_LOG[:20]),
    _container("classifier-local-1", "digits-serve:8f2c", "running", 2.5 * HOUR, cpu=3.2,
               labels={"mltui.project": "digits", "mltui.service": "classifier"},
               memory=88 * MIB, port=8080, health="healthy", log=_WEB_LOG),
    _container("shop-web-1", "shop/web:2.14", "running", 3.5 * DAY, cpu=0.4,
               labels={**_SHOP, "com.docker.compose.service": "web"}, memory=212 * MIB, port=8443,
               health="unhealthy", restarts=3, log=_WEB_LOG),
    _container("shop-db-1", "postgres:16", "running", 3.5 * DAY, cpu=1.1,
               labels={**_SHOP, "com.docker.compose.service": "db"}, memory=301 * MIB,
               log=_WEB_LOG),
    _container("nightly-report-with-a-name-that-is-too-long-for-most", "registry.local/ml/es:v9",
               "exited", 9.5 * HOUR, ended_ago=9.4 * HOUR),
    _container("translate-en-es", "registry.local/ml/translate-en-es:2025-11-20", "paused",
               1.5 * DAY),
    _container("scratch", "debian:bookworm-slim", "exited", 12.5 * DAY, code=143,
               ended_ago=12.4 * DAY),
]  # fmt: skip


def _listed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same as the list gives it."""
    state = raw["State"]
    word, code = str(state["Status"]), state["ExitCode"]
    health = f" ({state['Health']['Status']})" if "Health" in state else ""
    status = f"Exited ({code}) a while ago" if word == "exited" else f"Up a while{health}"
    ports = [
        {"PrivatePort": int(name.split("/")[0]), "PublicPort": int(each["HostPort"]),
         "Type": "tcp", "IP": each["HostIp"]}
        for name, bound in raw["NetworkSettings"]["Ports"].items() for each in bound
    ]  # fmt: skip
    return {
        "Id": raw["Id"],
        "Names": [raw["Name"]],
        "Image": raw["Config"]["Image"],
        "ImageID": raw["Image"],
        "Created": int(datetime.fromisoformat(raw["Created"]).timestamp()),
        "State": word,
        "Status": status,
        "Labels": raw["Config"]["Labels"],
        "Ports": ports,
        "NetworkSettings": raw["NetworkSettings"],
        "Mounts": [],
    }


def _images() -> list[dict[str, Any]]:
    sizes = (612, 388, 88, 421, 1_204, 744, 29)
    names = dict.fromkeys(each["Config"]["Image"] for each in _CONTAINERS)
    found = [
        {
            "Id": f"sha256:{sum(map(ord, name)):x}".ljust(71, "0"),
            "RepoTags": [name],
            "RepoDigests": [],
            "Created": int(NOON - (2.5 + 3 * n) * DAY),
            "Size": size * 10**6,
            "Labels": {"mltui.project": "digits"} if name.startswith("digits") else {},
        }
        for n, (name, size) in enumerate(zip(names, sizes, strict=False))
    ]
    lost = {"Id": "sha256:" + "f" * 64, "RepoTags": [], "Created": int(NOON - 40 * DAY)}
    return [*found, {**lost, "Size": 2_100 * 10**6, "Labels": None}]


def _measured(raw: Mapping[str, Any]) -> dict[str, Any]:
    cpu, memory = raw["_measured"]
    took = int(cpu / 100 * 1e9)
    return {
        "preread": when(1),
        "read": when(0),
        "precpu_stats": {"cpu_usage": {"total_usage": 10**12}},
        "cpu_stats": {"cpu_usage": {"total_usage": 10**12 + took}},
        "memory_stats": {"usage": memory, "limit": raw["HostConfig"]["Memory"]},
        "networks": {"eth0": {"rx_bytes": 1_000, "tx_bytes": 2_000}},
    }


def _frames(raw: Mapping[str, Any], query: Mapping[str, str]) -> bytes:
    """Its log as frames, as far as `since` and `tail` ask for it."""
    since, tail = float(query.get("since") or 0), query.get("tail", "all")
    lines = [(NOON - 200 + n + 0.25, text) for n, text in enumerate(raw["_log"])]
    lines = [each for each in lines if each[0] >= since]
    if tail.isdecimal():
        lines = lines[len(lines) - min(int(tail), len(lines)) :]
    out = []
    for at, text in lines:
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        data = f"{moment} {text}\n".encode()
        out.append(pack(">BxxxI", 1, len(data)) + data)
    return b"".join(out)


async def _docker(asked: Asked) -> Answer | list[Any] | Endless:
    path = re.sub(r"^/v1\.\d+", "", asked.path)
    if path == "/_ping":
        return 200, b"OK"
    if path == "/version":
        return 200, {
            "ApiVersion": "1.45",
            "MinAPIVersion": "1.24",
            "Version": "26.1",
            "Os": "linux",
        }
    if path == "/events":
        events: Endless = _server.Endless()
        return events
    if path == "/containers/json":
        return 200, [_listed(raw) for raw in _CONTAINERS]
    if path == "/images/json":
        return 200, _images()
    match = re.fullmatch(r"/containers/(\w+)/(json|stats|logs)", path)
    raw = next((each for each in _CONTAINERS if match and each["Id"] == match[1]), None)
    if match is None or raw is None:
        return 404, {"message": f"no such thing: {path}"}
    if match[2] == "stats":
        return 200, _measured(raw)
    if match[2] == "logs":
        if raw["State"]["Running"] and asked.query.get("follow") in ("1", "true"):
            followed: Endless = _server.Endless(_frames(raw, asked.query))
            return followed
        return 200, _frames(raw, asked.query)
    return 200, {name: value for name, value in raw.items() if not name.startswith("_")}


# --- a cluster ------------------------------------------------------------------------------------

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


async def _cluster(asked: Asked) -> Answer | list[Any] | Endless:
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
