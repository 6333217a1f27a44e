"""A node that rotates a log away from a late follower: what is lost is said where it is missing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

numbered = import_module("testbed.numbered")


@pytest.fixture(scope="module")
def looker(cluster: Cluster, place: str) -> dict[str, str]:
    """Of a user who may read logs there, and nothing of nodes."""
    if cluster.viewer is None:
        pytest.skip("needs the test cluster's user without rights")
    right = ("--verb=get,list,watch", "--resource=pods,pods/log", "-n", place)
    cluster.kubectl("create", "role", "reads-logs", *right)
    bound = ("--role=reads-logs", "--user=viewer", "-n", place)
    cluster.kubectl("create", "rolebinding", "reads-logs", *bound)
    return {**cluster.environ, "KUBECONFIG": str(cluster.viewer)}


class Node:
    """A pod's log, as its node keeps it."""

    def __init__(self, cluster: Cluster, place: str, pod: str) -> None:
        found = cluster.get(f"pod/{pod}", "-n", place)
        node, uid = found["spec"]["nodeName"], found["metadata"]["uid"]
        self._folder = f"/api/v1/nodes/{node}/proxy/logs/pods/{place}_{pod}_{uid}/c/"
        self._cluster = cluster
        self.seen: set[str] = set()

    def rotated(self) -> int:
        """How many files it has put away, each of its time."""
        words = self._cluster.kubectl("get", "--raw", self._folder).replace(".gz", "").split('"')
        self.seen |= {word for word in words if word.startswith("0.log.2") and "tmp" not in word}
        return len(self.seen)


@pytest.mark.timeout(900)
def test_what_a_node_threw_away_is_told_where_it_is_missing(
    cluster: Cluster, place: str, looker: dict[str, str], tmp_path: Path
) -> None:
    """And who may read the files that the node has put away lacks nothing."""
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
    node = Node(cluster, place, "rotates")
    target = ("pod/rotates", "--namespace", place)
    followers = []
    for name, environ in (("looks", looker), ("admin", cluster.environ)):
        (tmp_path / name).mkdir()
        followers.append(numbered.Follower(tmp_path / name, environ, *target))
    looks, admin = followers
    try:
        for follower in followers:
            follower.begins()
            follower.stop()
        before = node.rotated()
        numbered.until(lambda: node.rotated() >= before + 3, "the node does not rotate")
        cluster.kubectl("exec", "-n", place, "rotates", "--", "touch", "/tmp/stop")
        for follower in followers:
            follower.go_on()
        times = cluster.kubectl("exec", "-n", place, "rotates", "--", "sh", "-c", numbered.TIMES)
    finally:
        for follower in followers:
            follower.end()
        cluster.kubectl("delete", "pod", "rotates", "-n", place, "--wait=false")
    looks.check(times)
    admin.is_whole()


BURSTS = """
$| = 1; my $pad = "x" x 80; my $n = 0;
sub burst {
  my $text = "";
  for (1 .. $_[0]) { $n++; $text .= sprintf("%09d %s\\n", $n, $pad) }
  print $text;
}
burst(20000);
for my $go ("/tmp/one", "/tmp/two") { select(undef, undef, undef, 0.1) until -e $go; burst(150000) }
sleep 600;
"""


@pytest.mark.timeout(900)
def test_a_loss_at_the_end_of_a_log_is_told_though_nothing_comes_any_more(
    cluster: Cluster, place: str, looker: dict[str, str], tmp_path: Path
) -> None:
    container = {
        "name": "c",
        "image": cluster.shell_image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["perl", "-e", BURSTS],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ends"}, "spec": spec}
    cluster.apply(pod, namespace=place)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/ends", "-n", place, "--timeout=280s")
    node = Node(cluster, place, "ends")
    followers = []
    for name, environ in (("looks", looker), ("admin", cluster.environ)):
        (tmp_path / name).mkdir()
        target = ("pod/ends", "--namespace", place)
        followers.append(numbered.Follower(tmp_path / name, environ, *target))
    looks, admin = followers
    try:
        for follower in followers:
            follower.begins()
            numbered.until(lambda each=follower: each.last() == 20_000, "the first lines")
            follower.stop()
        for count, go in enumerate(("/tmp/one", "/tmp/two"), start=1):
            cluster.kubectl("exec", "-n", place, "ends", "--", "touch", go)
            numbered.until(lambda many=count: node.rotated() >= many, "the node does not rotate")
        for follower in followers:
            follower.starts_again()
        numbered.until(lambda: "possible loss" in looks.err.read_text(), "no word of the loss")
        numbered.until(lambda: admin.last() == 320_000, "the last line does not come")
    finally:
        for follower in followers:
            follower.end()
        cluster.kubectl("delete", "pod", "ends", "-n", place, "--wait=false")
    # the pause before the first burst may be one too, for who can't see the older files
    assert looks.err.read_text().count("possible loss") in (1, 2)
    assert 20_000 <= looks.last() < 320_000
    admin.is_whole()


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
