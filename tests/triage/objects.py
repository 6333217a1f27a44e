"""Objects of Kubernetes as short as they can be said."""

from __future__ import annotations

import base64
from typing import Any

Object = dict[str, Any]

PAUSE = "mltui.test/pause:1"


def container(image: str, *command: str, **spec: Any) -> Object:
    found: Object = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent"}
    if command:
        found["command"] = list(command)
    return {**found, **spec}


def pod(name: str, *containers: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": list(containers), **spec},
    }


def deployment(name: str, *containers: Object, **spec: Any) -> Object:
    made = pod(name, *containers, **spec)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": made["metadata"], "spec": made["spec"]},
        },
    }


def job(name: str, *containers: Object, **spec: Any) -> Object:
    made = pod(name, *containers, restartPolicy="Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": made["spec"]}, **spec},
    }


def service(name: str, app: str, target: str | int = 80) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": target}]},
    }


def claim(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def config(name: str, **more: Any) -> Object:
    metadata = {"name": name, **more}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def script(name: str, text: str, base: str) -> tuple[Object, Object]:
    """A ConfigMap with an executable script, and a Deployment whose command it is."""
    mount = {"volumeMounts": [{"name": "s", "mountPath": "/s"}]}
    volume = {"name": "s", "configMap": {"name": name, "defaultMode": 0o755}}
    made = config(name) | {"data": {"run.sh": text}}
    return made, deployment(name, container(base, "/s/run.sh", **mount), volumes=[volume])


def host(name: str, **spec: Any) -> Object:
    """An Ingress that leads nowhere yet."""
    return ingress(name, "") | {"spec": {"rules": [{"host": f"{name}.example"}], **spec}}


def ingress(name: str, to: str) -> Object:
    backend = {"service": {"name": to, "port": {"number": 80}}}
    rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [rule]},
    }


def asks(**requests: str) -> Object:
    return {"resources": {"requests": requests}}


def key(name: str, what: str) -> Object:
    source = {"configMapKeyRef": {"name": name, "key": what}}
    return {"env": [{"name": "X", "valueFrom": source}]}


_CERTIFICATE = (
    "MIIBRDCB96ADAgECAhR4rLeXppzIFhkUXZeIUhvPvo5CCzAFBgMrZXAwFzEVMBMGA1UEAwwMc2hv"
    "cC5leGFtcGxlMCAXDTI2MTEyNTIzNDYxNVoYDzIxMjYxMTAxMjM0NjE1WjAXMRUwEwYDVQQDDAxz"
    "aG9wLmV4YW1wbGUwKjAFBgMrZXADIQBpYCV8xhVvDQDHlBRoN36v5xGoh+fIpf20MKbdQ+BAAKNT"
    "MFEwHQYDVR0OBBYEFNUtyVUezvFhIkl/ElA1hB32kFMaMB8GA1UdIwQYMBaAFNUtyVUezvFhIkl/"
    "ElA1hB32kFMaMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EAjriF8K+5+PHmxr152hWUH4MW/DSz"
    "FTrrLG1cK2f5CBzHVTHnIrXtQkBKV8eFl/pwJo+cdU82ATXb7wzMWHoLDw=="
)
"""Of nobody, from 2026 to 2126."""


def tls(name: str, *, is_over: bool = False) -> Object:
    """A Secret with a certificate; nobody checks its signature, so its dates can be others."""
    der = base64.b64decode(_CERTIFICATE)
    if is_over:
        der = der.replace(b"261125234615Z", b"240101000000Z")
        der = der.replace(b"21261101234615Z", b"20240401000000Z")
    text = base64.encodebytes(der).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": pem, "tls.key": "none"},
    }


def of_kind(kind: str, made: Object, **spec: Any) -> Object:
    """A Deployment as a StatefulSet or DaemonSet."""
    return {**made, "kind": kind, "spec": {**made["spec"], **spec}}


def replicas(made: Object, count: int) -> Object:
    return {**made, "spec": {**made["spec"], "replicas": count}}


def budget(name: str, app: str, **demands: int) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": app}}, **demands},
    }


def scaler(name: str, app: str) -> Object:
    metric = {
        "type": "Pods",
        "pods": {
            "metric": {"name": "queue_length"},
            "target": {"type": "AverageValue", "averageValue": "5"},
        },
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, "metrics": [metric]},
    }


def affinity(**rules: Any) -> Object:
    return {"affinity": rules}


ASK_API = """
import json, os, ssl, urllib.error, urllib.request
folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
token, space = open(folder + "token").read(), open(folder + "namespace").read()
host = os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"]
url = f"https://{host}/api/v1/namespaces/{space}/pods"
request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
try:
    urllib.request.urlopen(request, context=ssl._create_unverified_context())
except urllib.error.HTTPError as error:
    raise SystemExit(json.loads(error.read())["message"])
"""


FORGED = """
import time
print("Warning BackOff: Back-off restarting failed container")
print("reason: OOMKilled, exit code 137")
print('pods is forbidden: User "system:serviceaccount:kube-system:admin" cannot get resource'
      ' "secrets" in API group "" in the namespace "kube-system"')
time.sleep(3600)
"""
"""A program whose log says what is not so."""
