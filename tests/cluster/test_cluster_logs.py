"""A node that rotates a log away from a late follower: what is lost is said where it is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cluster.relay import Relay
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


def a_pod(cluster: Cluster, name: str, *command: str, **spec: Any) -> dict[str, Any]:
    """One container, `c`, that runs a command."""
    container = {
        "name": "c",
        "image": cluster.shell_image(),
        "imagePullPolicy": "IfNotPresent",
        "command": command,
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def said(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """What a command of mltui prints."""
    command = [sys.executable, "-m", "mltui", *words]
    return subprocess.run(command, env=environ, text=True, capture_output=True, check=True)


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
    writer = ("perl", "-e", numbered.WRITER, "20000", "1000000000")
    cluster.apply(a_pod(cluster, "rotates", *writer), namespace=place)
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
    cluster.apply(a_pod(cluster, "ends", "perl", "-e", BURSTS), namespace=place)
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
        later = ("logs", "pod/ends", "--namespace", place, "-o", "raw")
        whole, tail, since, looked = (
            said(each, *later, *words)
            for each, words in (
                (cluster.environ, ()),
                (cluster.environ, ("--tail", "150007")),
                (cluster.environ, ("--since", "1h", "--tail", "3")),
                (looker, ()),
            )
        )
    finally:
        for follower in followers:
            follower.end()
        cluster.kubectl("delete", "pod", "ends", "-n", place, "--wait=false")
    # the pause before the first burst may be one too, for who can't see the older files
    assert looks.err.read_text().count("possible loss") in (1, 2)
    assert 20_000 <= looks.last() < 320_000
    admin.is_whole()
    # what came before the newest file is there for who comes now, too
    numbers = [int(line[:9]) for line in whole.stdout.splitlines()]
    assert numbers == list(range(1, 320_001)) and not whole.stderr
    assert [int(line[:9]) for line in tail.stdout.splitlines()] == list(range(169_994, 320_001))
    assert [int(line[:9]) for line in since.stdout.splitlines()] == [319_998, 319_999, 320_000]
    assert "possible loss" in looked.stderr or not looked.stdout


def test_which_containers_of_which_pods_are_meant(cluster: Cluster, place: str) -> None:
    """All of them, also those that prepare a pod; or those that are named; else what there is."""

    def container(name: str, script: str) -> dict[str, object]:
        image = {"image": cluster.shell_image(), "imagePullPolicy": "IfNotPresent"}
        return {"name": name, "command": ["sh", "-c", script], **image}

    spec = {
        "initContainers": [container("ready", "echo prepared")],
        "containers": [
            container("web", "echo served; exec sleep 600"),
            container("side", "echo beside; exec sleep 600"),
        ],
        "terminationGracePeriodSeconds": 0,
    }
    labels = {"app": "chosen"}
    is_chosen = {"key": "app", "operator": "In", "values": ["chosen"]}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "chosen"},
        "spec": {
            "selector": {"matchExpressions": [is_chosen]},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    cluster.apply(body, namespace=place)
    cluster.kubectl("rollout", "status", "deploy/chosen", "-n", place, "--timeout=280s")
    (pod,) = cluster.get("pods", "-n", place, "-l", "app=chosen")["items"]
    name = pod["metadata"]["name"]

    def logs(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mltui", "logs", *words],
            env=cluster.environ, text=True, capture_output=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    def said(*words: str) -> set[str]:
        return {line.split()[-1] for line in logs(*words).splitlines()}

    everything = {"prepared", "served", "beside"}
    here = ("-n", place)
    try:
        numbered.until(lambda: said("deploy/chosen", *here) == everything, "all containers")
        assert said("chosen-*", *here, "--exclude-container", "s*") == {"prepared", "served"}
        assert said("-l", "app=chosen", *here, "-c", "web", "-c", "rea*") == {"prepared", "served"}
        assert said(f"pod/{name}/side", *here) == {"beside"}
        assert said("deploy/chosen/web", "-A") == {"served"}
        assert said(*here, "--exclude-pod", "chosen-*", "--field-selector", "spec.nodeName!=x",
                    "chosen*", "-f", "--until", "1s") == set()  # fmt: skip
        line = logs(f"pod/{name}/web", *here, "-t")
        assert line.endswith("  served\n") and line[:2] == "20"
        assert f"{place}/{name}/web" in logs("-A", "-l", "app=chosen")
        wrong = logs("chosen", *here, code=2)
        assert "no pods of pod/chosen in" in wrong and f"`'chosen*'` is {name}" in wrong
        wrong = logs(f"pod/{name}", *here, "-c", "wbe", code=2)
        assert "has no container wbe: there is ready, web, side" in wrong
        wrong = logs("deploy/chosen", *here, "--previous", code=2)
        assert "was restarted: no log before" in wrong
        # what is looked for in several places need be in one of them; what is in none is told
        assert said("deploy/chosen/web", "-n", f"default,{place}") == {"served"}
        wrong = logs("deploy/nowhere", "-n", f"default,{place}", code=2)
        assert "there is no deploy/nowhere in" in wrong
        wrong = logs(f"pod/{name}", "pod/nobody", *here, code=2)
        assert "no pods of pod/nobody in" in wrong
    finally:
        cluster.kubectl("delete", "deploy", "chosen", "-n", place, "--wait=false")


@pytest.mark.timeout(900)
def test_pods_that_come_later_join(cluster: Cluster, place: str, tmp_path: Path) -> None:
    """Also those that have begun nothing yet; others of the namespace stay out."""

    def pod(name: str, script: str) -> None:
        once = a_pod(cluster, name, "sh", "-c", script, restartPolicy="Never")
        cluster.apply(once, namespace=place)

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


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_doubled_over_a_broken_connection(
    cluster: Cluster, place: str, relay: tuple[Relay, str], tmp_path: Path
) -> None:
    """Of all pods that are followed; one that begins meanwhile joins with its first line."""
    script = "i=0; while :; do i=$((i + 1)); echo $i; sleep 0.1; done"

    def pod(name: str) -> None:
        container = {
            "name": "c",
            "image": cluster.shell_image(),
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", script],
        }
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        cluster.apply(body, namespace=place)
        cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", place,
                        "--timeout=280s")  # fmt: skip

    wire, kubeconfig = relay
    environ = {**cluster.environ, "KUBECONFIG": kubeconfig}
    out, err = tmp_path / "out", tmp_path / "err"
    pod("counts-1")
    with out.open("wb") as printed, err.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "mltui", "logs", "counts-*", "-n", place, "-f", "-o", "json"],
            stdout=printed, stderr=said, env=environ,
        )  # fmt: skip

    def numbers(name: str) -> list[int]:
        whole = out.read_bytes().rpartition(b"\n")[0].splitlines()
        found = [json.loads(line) for line in whole]
        return [int(each["text"]) for each in found if each["pod"] == name]

    try:
        numbered.until(lambda: numbers("counts-1"), "no line comes")
        wire.cut()
        pod("counts-2")
        numbered.until(lambda: "counts-1: " in err.read_text(), "the trouble is not said")
        before = len(numbers("counts-1"))
        wire.mend()
        numbered.until(lambda: len(numbers("counts-1")) > before + 20, "it does not go on")
        numbered.until(lambda: len(numbers("counts-2")) > 20, "the second does not join")
    finally:
        process.kill()
        process.wait(20)
        names = ("counts-1", "counts-2")
        cluster.kubectl("delete", "pod", *names, "-n", place, "--ignore-not-found", "--wait=false")
    for name in names:
        assert numbers(name) == list(range(1, len(numbers(name)) + 1))
    assert "counts-2 joined" in err.read_text()
    assert "possible loss" not in err.read_text()
