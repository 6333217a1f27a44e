"""Objects for a real cluster, kubeconfigs that lead to it, and the list of it on screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mltui.app.lists import Lists

from .driver import Driver

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

PAUSE = "mltui.test/pause:1"
"""An image that the test cluster's node has; elsewhere the same is pulled."""
PUBLIC = "registry.k8s.io/pause:3.10"
WIDE = (160, 30)


def image(cluster: Cluster) -> str:
    return PAUSE if cluster.viewer is not None else PUBLIC


def a_pod(name: str, *, image: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": image}], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def a_deployment(name: str, replicas: int, *, image: str) -> dict[str, Any]:
    labels = {"app": name}
    spec = a_pod("", image=image)["spec"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def kubeconfig_of(cluster: Cluster, path: Path) -> Path:
    """The cluster, the same as a user without rights or with an old login, and a dead one."""
    assert cluster.viewer is not None
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    viewer = yaml.safe_load(cluster.viewer.read_text())
    name = config["contexts"][0]["name"]
    config["users"].append({"name": "viewer", "user": viewer["users"][0]["user"]})
    config["users"].append({"name": "expired", "user": {"token": "of-yesterday"}})
    where = config["contexts"][0]["context"]["cluster"]
    config["clusters"].append({"name": "dead", "cluster": {"server": "https://127.0.0.1:1"}})
    for context, at, user in (
        ("viewer", where, "viewer"),
        ("expired", where, "expired"),
        ("dead", "dead", "viewer"),
    ):
        config["contexts"].append({"name": context, "context": {"cluster": at, "user": user}})
    config["current-context"] = name
    path.write_text(json.dumps(config))
    return path


def lists(screen: Driver) -> Lists:
    listed = screen.app.workbench.listed
    assert listed is not None
    return listed


def line_of(screen: Driver, name: str) -> str:
    return next((line for line in screen.lines if name in line), "")


def context(cluster: Cluster) -> str:
    return cluster.kubectl("config", "current-context")


async def choose(screen: Driver, name: str) -> None:
    """Put the cursor on a row."""
    pane = lists(screen).pane
    await screen.until(lambda: any(r.name == name for r in pane.grid.model.rows.values()), name)
    pane.grid.cursor_key = next(k for k, r in pane.grid.model.rows.items() if r.name == name)
    await screen.settle()
