"""Kinds of a real cluster that people look at less often have their own columns, and their pages.

What is listed was applied to the API server a moment before; its controllers fill in the status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mltui.runs.project import Project

from .driver import Driver
from .kube import a_pod, choose, image, line_of

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

SIZE = (200, 30)


def _made(kind: str, name: str, version: str = "v1", **other: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **other}


def _backend(service: str) -> dict[str, Any]:
    return {"service": {"name": service, "port": {"number": 80}}}


def _objects(image: str) -> list[dict[str, Any]]:
    pod = a_pod("", image=image)["spec"]
    template = {"metadata": {"labels": {"app": "shelf"}}, "spec": pod}
    chosen = {"selector": {"matchLabels": {"app": "shelf"}}, "template": template}
    paths = [{"path": "/", "pathType": "Prefix", "backend": _backend("shelf")}]
    rules = [{"host": "shelf.test", "http": {"paths": paths}}]
    rights = [
        {
            "apiGroups": ["", "metrics.test"],
            "resources": ["pods", "pods/log"],
            "resourceNames": ["web"],
            "verbs": ["get", "list"],
        }
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subjects = [{"kind": "ServiceAccount", "name": "robot"}]
    asks = {"resources": {"requests": {"storage": "3Gi"}}, "storageClassName": "gold"}
    scales = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "shelf"}
    return [
        _made("Service", "shelf", spec={"selector": {"app": "shelf"}, "ports": [{"port": 80}]}),
        _made("StatefulSet", "shelf", "apps/v1",
              spec={**chosen, "replicas": 1, "serviceName": "shelf"}),
        _made("HorizontalPodAutoscaler", "shelf", "autoscaling/v2",
              spec={"scaleTargetRef": scales, "minReplicas": 2, "maxReplicas": 9}),
        _made("CronJob", "weekly", "batch/v1",
              spec={"schedule": "7 3 * * 1", "timeZone": "Etc/UTC", "concurrencyPolicy": "Forbid",
                    "jobTemplate": {"spec": {"template": {"spec": {**pod,
                                                                   "restartPolicy": "Never"}}}}}),
        _made("PersistentVolumeClaim", "books",
              spec={"accessModes": ["ReadWriteMany"], **asks}),
        _made("Ingress", "front", "networking.k8s.io/v1",
              spec={"ingressClassName": "edge", "rules": rules,
                    "tls": [{"hosts": ["shelf.test"], "secretName": "papers"}]}),
        _made("ServiceAccount", "robot"),
        _made("Role", "reader", "rbac.authorization.k8s.io/v1", rules=rights),
        _made("RoleBinding", "robots", "rbac.authorization.k8s.io/v1",
              roleRef=role, subjects=subjects),
        _made("ConfigMap", "words", data={"plain": "one line", "text": "first\nsecond of two\n"}),
        _made("Secret", "papers", type="kubernetes.io/basic-auth",
              stringData={"username": "me", "password": "not-for-eyes"}),
    ]  # fmt: skip


LISTS = {
    "hpa": ("shelf", ["StatefulSet/shelf", "2–9"]),
    "pvc": ("books", ["Pending", "3Gi", "gold", "RWX"]),
    "ingresses": ("front", ["edge", "shelf.test", "yes"]),
    "roles": ("reader", ["get,list pods,pods/log"]),
    "rolebindings": ("robots", ["Role/reader", "robot"]),
    "serviceaccounts": ("robot", []),
    "configmaps": ("words", ["plain, text"]),
    "cronjobs": ("weekly", ["waits", "7 3 * * 1", "Etc/UTC"]),
    "secrets": ("papers", ["basic-auth", "password"]),
    "statefulsets": ("shelf", ["ready", "pause"]),
    "endpointslices": ("shelf", ["80"]),
}
PAGES = {
    "hpa": ["StatefulSet/shelf", "wanted, 2 to 9 allowed", "of 80% of what is requested"],
    "pvc": ["3Gi", "gold", "ReadWriteMany", "none yet"],
    "ingresses": ["shelf.test/", "service shelf:80", "secret papers for shelf.test"],
    "roles": ["get, list", "pods, pods/log of metrics.test, only web"],
    "configmaps": ["plain", "one line", "second of two"],
    "cronjobs": ["7 3 * * 1 in Etc/UTC", "the next one is left out", "never"],
}


@pytest.mark.timeout(300)
async def test_kinds_have_their_own_columns_and_pages(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    for each in _objects(image(here)):
        here.apply(each, namespace=namespace)
    async with Driver.open(fresh, size=SIZE) as screen:
        for kind, (name, said) in LISTS.items():
            await screen.command(f"{kind} {namespace}")
            await _is_listed(screen, name, said)
            assert "not-for-eyes" not in screen.text
        for kind, said in PAGES.items():
            await screen.command(f"{kind} {namespace}")
            await choose(screen, LISTS[kind][0])
            await screen.press("d")
            await _is_on_page(screen, said)
            await screen.press("escape")


async def _is_listed(screen: Driver, name: str, said: list[str]) -> None:
    await screen.until(
        lambda: all(x in line_of(screen, name) for x in (name, *said)), f"{said} beside {name}"
    )


async def _is_on_page(screen: Driver, said: list[str]) -> None:
    await screen.until(lambda: all(x in screen.text for x in said), f"{said} on a page")
