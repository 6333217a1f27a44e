"""`mltui ls` of a cluster: what a screen would show, as a table and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
namespace = _testbed.namespace


def ls(cluster: Cluster, *argv: str, kubeconfig: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**cluster.environ, **({"KUBECONFIG": kubeconfig} if kubeconfig else {})}
    return subprocess.run(
        [sys.executable, "-m", "mltui", "ls", *argv],
        env=environ,
        text=True,
        capture_output=True,
        timeout=120,
    )


def test_pods_are_listed_as_json_and_as_a_table(cluster: Cluster, namespace: str) -> None:
    pod = {"containers": [{"name": "c", "image": "localhost:1/none:v9"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits"}, "spec": pod}
    cluster.apply(body, namespace=namespace)
    done = ls(cluster, "pods", "-n", namespace, "-o", "json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["kind"], row["namespace"], row["name"]) == ("pod", namespace, "waits")
    assert row["created_at"].endswith("Z") and row["containers"] == ["c"]
    table = ls(cluster, "po", "-n", f"{namespace},default").stdout
    assert "NAMESPACE" in table.splitlines()[0] and "waits" in table
    assert ls(cluster, "pods", "-n", namespace, "-o", "name").stdout == "pod/waits\n"


def test_what_is_not_there_and_what_one_may_not_see_are_sentences(cluster: Cluster) -> None:
    wrong = ls(cluster, "pdos")
    assert wrong.returncode == 2 and "did you mean `pods`?" in wrong.stderr
    assert ls(cluster, "pods", "--context", "nowhere").returncode == 2
    if cluster.viewer is not None:
        refused = ls(cluster, "nodes", kubeconfig=str(cluster.viewer))
        assert refused.returncode == 3
        assert "you may not list nodes in" in refused.stderr
