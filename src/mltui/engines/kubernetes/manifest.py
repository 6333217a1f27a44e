"""An attempt as a Job, and the store of a namespace as objects: what the server is told. Pure.

Called by the engine and by `storage`. The pod of a stage has three containers that share a volume:
`fetch` lays out code and inputs before it, `stage` is the person's command in their image, under a
shell of our own, `keep` brings log and outputs to the store. Source: Kubernetes docs, "Jobs".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltui.engines.kubernetes.store.server import PORT, PROBE_PORT
from mltui.engines.protocol import Attempt, View
from mltui.spec.model import ClusterStore, Pods

VIEW = View("/mltui/work", "/mltui/metrics", "/mltui/secrets")
"""The same in every pod."""
STAGE, FETCH, KEEP = "stage", "fetch", "keep"
NAME = "mltui.name"
"""Annotation: the attempt's own name, which is its identity."""
RECORD = "mltui.record"
"""Label: where the store keeps what the attempt left; also finds its pods."""
MANAGED = {"app.kubernetes.io/managed-by": "mltui"}
STORE = "mltui-store"
NETWORK, CLOSED = "mltui.network", "closed"
"""Label of pods that may reach the store and nothing else."""
STORE_FORMAT = 5
"""Raise when a store of before can't serve the pods of now."""
FORMAT = "mltui.store/format"
STARTER = ["/mltui/bin/busybox", "sh"]
"""What commands are started under: images may have no shell."""
KEEP_S = 60
"""For so long a pod that is ended may bring what it has to the store."""
_SHARED = [{"name": "mltui", "mountPath": "/mltui"}]
_DEFAULT_SHM_BYTES = 1 << 30
_SMALL = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}}


@dataclass(frozen=True, slots=True)
class Served:
    """The store of a namespace, ready."""

    address: str
    """`IP:port`, as pods reach it."""
    image: str
    """With a digest: what `fetch`, `keep` and the store itself run."""


def job_name(attempt: str) -> str:
    """Of an attempt: a DNS label, short enough for the names of its pods. Unique as the attempt."""
    plain = re.sub(r"[^a-z0-9]+", "-", attempt.lower()).strip("-")
    digest = hashlib.sha256(attempt.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:43].strip('-') or 'stage'}-{digest}"


def label_value(text: str) -> str:
    """Text as the value of a label; what does not fit is cut or replaced."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:63].strip("-._")


def job(
    attempt: Attempt,
    *,
    image: str,
    tree: str,
    served: Served,
    pods: Pods,
    grace_s: float,
    secrets: tuple[str, ...] = (),
    user: str = "",
) -> dict[str, Any]:
    """The Job of an attempt. tree: digest of its code and inputs; secrets: their names.

    With secrets it waits (`suspend`) until the Secret of its name is there. user: `UID[:GID]` that
    its image runs as; empty where that is root or not known: `fetch` and `keep` run as the same.
    """
    name = job_name(attempt.name)
    labels = {key: label_value(value) for key, value in attempt.labels.items()}
    labels |= {**MANAGED, RECORD: name}
    if not attempt.network:
        labels[NETWORK] = CLOSED
    notes = {**attempt.labels, NAME: attempt.name}
    spec: dict[str, Any] = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "Failed",
        "template": {
            "metadata": {"labels": labels, "annotations": notes},
            "spec": {
                "restartPolicy": "Never",
                **pod(
                    attempt,
                    image=image,
                    tree=tree,
                    served=served,
                    pods=pods,
                    starter=[*STARTER, "/mltui/bin/shim", f"{grace_s:g}"],
                    beside={"name": KEEP, "args": _keep(name, attempt)},
                    grace_s=int(grace_s) + KEEP_S,
                    secret=name if secrets else None,
                    user=user,
                ),
            },
        },
    }
    if secrets:
        spec["suspend"] = True
    if attempt.timeout_s is not None:
        # The runner ends it in time; this is for a runner that never comes back.
        spec["activeDeadlineSeconds"] = int(attempt.timeout_s + pods.patience_s + 2 * KEEP_S) + 1
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels, "annotations": notes},
        "spec": spec,
    }


def _keep(name: str, attempt: Attempt) -> list[str]:
    return ["keep", name, *(output.rstrip("/") for output in attempt.outputs)]


def pod(
    attempt: Attempt,
    *,
    image: str,
    tree: str,
    served: Served,
    pods: Pods,
    starter: list[str],
    beside: dict[str, Any],
    grace_s: int,
    secret: str | None,
    user: str,
) -> dict[str, Any]:
    """A pod of an attempt: `fetch` before it, the command under `starter`, ours `beside` it.

    secret: the name of the Secret that has its secrets, if it has any; user: see `job`.
    """
    store_env: list[dict[str, Any]] = [
        {"name": "MLTUI_STORE", "value": served.address},
        {
            "name": "MLTUI_STORE_TOKEN",
            "valueFrom": {"secretKeyRef": {"name": STORE, "key": "token"}},
        },
    ]
    if not attempt.network:
        store_env.append({"name": "MLTUI_NETWORK", "value": CLOSED})
    resources = attempt.resources
    volumes: list[dict[str, Any]] = [
        {"name": "mltui", "emptyDir": {}},
        # Shared memory counts against the limit as any; 64 MiB break PyTorch's loaders.
        {
            "name": "shm",
            "emptyDir": {
                "medium": "Memory",
                "sizeLimit": str(resources.memory_bytes or _DEFAULT_SHM_BYTES),
            },
        },
    ]
    mounts: list[dict[str, Any]] = [*_SHARED, {"name": "shm", "mountPath": "/dev/shm"}]
    if secret is not None:
        volumes.append({"name": "secrets", "secret": {"secretName": secret, "defaultMode": 0o444}})
        mounts.append({"name": "secrets", "mountPath": VIEW.secrets, "readOnly": True})
    env = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **attempt.env}
    security = _security(user)
    ours = {
        "image": served.image,
        "volumeMounts": _SHARED,
        "resources": _SMALL,
        "securityContext": security,
    }
    spec: dict[str, Any] = {
        "automountServiceAccountToken": bool(pods.service_account),
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_s,
        "volumes": volumes,
        "initContainers": [{"name": FETCH, "args": ["fetch", tree], "env": store_env, **ours}],
        "containers": [
            {
                "name": STAGE,
                "image": image,
                "command": [*starter, *(_literal(each) for each in attempt.argv)],
                "workingDir": "/mltui",
                "env": [{"name": key, "value": _literal(value)} for key, value in env.items()],
                "volumeMounts": mounts,
                "resources": stage_resources(attempt, pods),
                "securityContext": security,
            },
            {**ours, **beside, "env": [*beside.get("env", ()), *store_env]},
        ],
    }
    if user:
        uid, _, gid = user.partition(":")
        spec["securityContext"] = {
            "runAsNonRoot": True,
            "runAsUser": int(uid),
            **({"runAsGroup": int(gid)} if gid else {}),
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    tolerations = [_toleration(each) for each in pods.tolerations]
    if resources.gpu:
        tolerations.append({"key": pods.gpu, "operator": "Exists", "effect": "NoSchedule"})
    if tolerations:
        spec["tolerations"] = tolerations
    if pods.node_selector:
        spec["nodeSelector"] = dict(pods.node_selector)
    if pods.service_account:
        spec["serviceAccountName"] = pods.service_account
    if pods.pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in pods.pull_secrets]
    return spec


def _security(user: str) -> dict[str, Any]:
    """Of a container. One that is not root can do without capabilities ("restricted" pods)."""
    if not user:
        return {"allowPrivilegeEscalation": False}
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _literal(text: str) -> str:
    """The kubelet replaces `$(NAME)` and `$$` in commands and variables; `$$` means a dollar."""
    return text.replace("$", "$$")


def _toleration(found: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"operator": "Equal" if found.value else "Exists"}
    for key, value in (("key", found.key), ("value", found.value), ("effect", found.effect)):
        if value:
            made[key] = value
    if found.seconds is not None:
        made["tolerationSeconds"] = found.seconds
    return made


def stage_resources(attempt: Attempt, pods: Pods) -> dict[str, Any]:
    """What the stage's container asks for; as much memory is its limit, and as many GPUs.

    CPU is asked for and not limited: a limit would hold a stage back on a node that idles, and
    takes nothing from others, whom their own requests protect.
    """
    asked, limits = attempt.resources, {}
    if asked.memory_bytes is not None:
        limits["memory"] = str(asked.memory_bytes)
    if asked.gpu:
        limits[pods.gpu] = str(asked.gpu)
    requests = dict(limits)
    if asked.cpu is not None:
        requests["cpu"] = f"{round(asked.cpu * 1000)}m"
    made = {"requests": requests, "limits": limits}
    return {name: amounts for name, amounts in made.items() if amounts}


def secret(name: str, uid: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The secrets of an attempt (base64), which go with its Job."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "labels": {**MANAGED, RECORD: name},
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}
            ],
        },
        "type": "Opaque",
        "data": dict(values),
    }


# --- the store ------------------------------------------------------------------------------------

_STORE_LABELS = {**MANAGED, "app.kubernetes.io/name": STORE}


def store_secret(token: str) -> dict[str, Any]:
    """What pods and runners show to the store."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": STORE, "labels": _STORE_LABELS},
        "stringData": {"token": token},
    }


def store_claim(wanted: ClusterStore) -> dict[str, Any]:
    """Where the store keeps it all: it outlives pods and nodes."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": str(wanted.size_bytes)}},
    }
    if wanted.storage_class:
        spec["storageClassName"] = wanted.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": STORE, "labels": _STORE_LABELS},
        "spec": spec,
    }


def store_service() -> dict[str, Any]:
    """How it is reached: by pods at its address, by runners through the API server."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": STORE, "labels": _STORE_LABELS},
        "spec": {
            "selector": {"app.kubernetes.io/name": STORE},
            "ports": [
                {"name": "http", "port": PORT},
                {"name": "probe", "port": PROBE_PORT},
            ],
        },
    }


def closed_policy() -> dict[str, Any]:
    """Pods of stages without a network: nobody reaches them, they reach the store alone.

    Not its second port: what answers there shows that the cluster does not enforce this.
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "mltui-closed", "labels": MANAGED},
        "spec": {
            "podSelector": {"matchLabels": {NETWORK: CLOSED}},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [
                {
                    "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": STORE}}}],
                    "ports": [{"protocol": "TCP", "port": PORT}],
                }
            ],
        },
    }


def store_deployment(image: str, pods: Pods) -> dict[str, Any]:
    """The store's own pod: one, as its claim can be in one place."""
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": STORE}}],
        "containers": [
            {
                "name": "store",
                "image": image,
                "args": ["serve", "/data"],
                "env": [
                    {
                        "name": "MLTUI_STORE_TOKEN",
                        "valueFrom": {"secretKeyRef": {"name": STORE, "key": "token"}},
                    }
                ],
                "ports": [{"containerPort": PORT}, {"containerPort": PROBE_PORT}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "readinessProbe": {
                    "httpGet": {"path": "/", "port": PORT},
                    "periodSeconds": 2,
                    "timeoutSeconds": 5,
                },
                "resources": {
                    "requests": {"cpu": "50m", "memory": "64Mi"},
                    "limits": {"memory": "512Mi"},
                },
                "securityContext": {"allowPrivilegeEscalation": False},
            }
        ],
    }
    if pods.pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in pods.pull_secrets]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": STORE,
            "labels": _STORE_LABELS,
            "annotations": {FORMAT: str(STORE_FORMAT)},
        },
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app.kubernetes.io/name": STORE}},
            "template": {"metadata": {"labels": _STORE_LABELS}, "spec": spec},
        },
    }
