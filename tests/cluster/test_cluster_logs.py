"""A node that rotates a log away from a late follower: what is lost is said where it is missing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

numbered = import_module("testbed.numbered")


@pytest.mark.timeout(900)
def test_what_a_node_threw_away_is_told_where_it_is_missing(
    cluster: Cluster, place: str, tmp_path: Path
) -> None:
    container = {
        "name": "c",
        "image": cluster.shell_image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["perl", "-e", numbered.WRITER, "20000", "1000000000"],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rotates"}, "spec": spec}
    cluster.apply(pod, namespace=place)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/rotates", "-n", place, "--timeout=280s")
    found = cluster.get("pod/rotates", "-n", place)
    node, uid = found["spec"]["nodeName"], found["metadata"]["uid"]
    folder = f"/api/v1/nodes/{node}/proxy/logs/pods/{place}_rotates_{uid}/c/"

    def rotated() -> set[str]:
        """The names of the log's earlier files, each of its time."""
        words = cluster.kubectl("get", "--raw", folder).replace(".gz", "").split('"')
        return {word for word in words if word.startswith("0.log.2") and "tmp" not in word}

    follower = numbered.Follower(tmp_path, cluster.environ, "pod/rotates", "--namespace", place)
    try:
        follower.begins()
        follower.stop()
        seen = set(rotated())
        before = len(seen)

        def has_passed() -> bool:
            seen.update(rotated())
            return len(seen) >= before + 3

        numbered.until(has_passed, "the node does not rotate")
        cluster.kubectl("exec", "-n", place, "rotates", "--", "touch", "/tmp/stop")
        follower.go_on()
        times = cluster.kubectl("exec", "-n", place, "rotates", "--", "sh", "-c", numbered.TIMES)
    finally:
        follower.end()
        cluster.kubectl("delete", "pod", "rotates", "-n", place, "--wait=false")
    follower.check(times)


@pytest.mark.timeout(900)
def test_pods_that_come_later_join(cluster: Cluster, place: str, tmp_path: Path) -> None:
    """Also those that have begun nothing yet; others of the namespace stay out."""

    def pod(name: str, script: str) -> None:
        container = {
            "name": "c",
            "image": cluster.shell_image(),
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", script],
        }
        spec = {
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        cluster.apply(body, namespace=place)

    names = ["joins-1", "joins-2", "stays-out"]
    pod("joins-1", "echo the first; sleep 300")
    follower = numbered.Follower(tmp_path, cluster.environ, "joins-*", "--namespace", place)
    try:
        follower.begins()
        pod("stays-out", "echo not meant; sleep 300")
        pod("joins-2", "echo the second")
        numbered.until(lambda: b"the second" in follower.out.read_bytes(), "it does not join")
        numbered.until(lambda: "joins-2 left" in follower.err.read_text(), "its end is not told")
    finally:
        follower.end()
        cluster.kubectl("delete", "pod", *names, "-n", place, "--ignore-not-found", "--wait=false")
    assert follower.out.read_bytes() == b"the first\nthe second\n"
    assert "joins-2 joined" in follower.err.read_text()
