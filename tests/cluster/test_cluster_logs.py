"""A node that rotates a log away from a late follower: what is lost is said where it is missing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

numbered = import_module("testbed.numbered")


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
    cluster.kubectl("wait", "--for=condition=Ready", "pod/rotates", "-n", place, "--timeout=120s")
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
    finally:
        follower.end()
        cluster.kubectl("delete", "pod", "rotates", "-n", place, "--wait=false")
    follower.check()
