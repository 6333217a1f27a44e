"""`mltui ls` of a cluster: what a screen would show, as a table and as JSON."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
namespace = _testbed.namespace


def ls(cluster: Cluster, *argv: str, kubeconfig: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**cluster.environ, **({"KUBECONFIG": kubeconfig} if kubeconfig else {})}
    return mltui(cluster, "ls", *argv, environ=environ)


def mltui(
    cluster: Cluster, *argv: str, stdin: str | None = None, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mltui", *argv],
        env=environ or cluster.environ,
        input=stdin,
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


def test_an_object_is_described_its_family_is_a_tree_and_its_yaml_keeps_secrets(
    cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl(
        "create", "secret", "generic", "key", "-n", namespace, "--from-literal=a=s3cr3t"
    )
    page = mltui(cluster, "describe", "secret/key", "-n", namespace)
    assert "What it is" in page.stdout and "Events" in page.stdout and "s3cr3t" not in page.stdout
    whole = mltui(cluster, "describe", "secret/key", "-n", namespace, "-o", "yaml").stdout
    assert "kind: Secret" in whole and "czNjcjN0" not in whole
    shown = mltui(cluster, "describe", "secret/key", "-n", namespace, "-o", "json", "--secrets")
    assert json.loads(shown.stdout)["data"] == {"a": "s3cr3t"}
    pod = {"containers": [{"name": "c", "image": "localhost:1/none:v9"}], "restartPolicy": "Never"}
    job = {"backoffLimit": 0, "template": {"spec": pod}}
    made = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": job}
    cluster.apply(made, namespace=namespace)
    created = ("wait", "--for=create", "pod", "-l", "job-name=work", "--timeout=90s")
    cluster.kubectl(*created, "-n", namespace)
    tree = mltui(cluster, "describe", "job/work", "-n", namespace, "-o", "tree").stdout
    job_line, pod_line, container = tree.splitlines()
    assert job_line.startswith("job/work") and pod_line.startswith("  pod/work-")
    assert container.startswith("    container/c")
    missing = mltui(cluster, "describe", "deploy/nope", "-n", namespace)
    assert missing.returncode and f"there is no deployment {namespace}/nope" in missing.stderr


@pytest.fixture
def server(cluster: Cluster, namespace: str) -> str:
    """A pod that has a shell and serves its folder."""
    container = {
        "name": "c",
        "image": cluster.shell_image(),
        "command": ["python3", "-u", "-m", "http.server", "8000"],
        "ports": [{"name": "http", "containerPort": 8000}],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    cluster.apply(body, namespace=namespace)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "-n", namespace, "--timeout=90s")
    return namespace


def test_a_command_in_a_pod_has_its_streams_and_its_exit_code(
    cluster: Cluster, server: str
) -> None:
    where = ("pod/web", "-n", server)
    done = mltui(cluster, "exec", *where, "--", "sh", "-c", "echo out; echo bad >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "bad\n")
    text = "line\n" * 100_000
    given = mltui(cluster, "exec", "-i", *where, "--", "wc", "-c", stdin=text)
    assert given.stdout.strip() == str(len(text))
    missing = mltui(cluster, "exec", *where, "--", "nonsense")
    assert missing.returncode == 127 and "has no program `nonsense`" in missing.stderr


def test_a_shell_in_a_pod_has_the_terminal_its_size_and_gives_it_back(
    cluster: Cluster, server: str
) -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    argv = [sys.executable, "-m", "mltui", "exec", "web", "-n", server]
    process = subprocess.Popen(
        argv, env=cluster.environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    seen = b""

    def until(text: bytes) -> None:
        nonlocal seen
        deadline = time.monotonic() + 60
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65536)

    try:
        until(b"# ")
        os.write(master, b"until stty size | grep '30 90'; do sleep 0.1; done\r")
        until(b"\r30 90")
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        process.send_signal(signal.SIGWINCH)
        os.write(master, b"until stty size | grep '33 99'; do sleep 0.1; done\r")
        until(b"\r33 99")
        os.write(master, b"echo beg''in; sleep 1000\r")
        until(b"begin")
        os.write(master, b"\x03")  # it is the shell's, not mltui's
        until(b"^C")
        os.write(master, b"exit 7\r")
        assert process.wait(60) == 7
        assert termios.tcgetattr(slave) == before
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def fetched(address: str) -> bytes:
    """What is at an address; a pod's process may begin to listen later than the pod is ready."""
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                found: bytes = answer.read()
                return found
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def test_a_port_is_led_to_a_pod_until_it_is_interrupted(cluster: Cluster, server: str) -> None:
    argv = [sys.executable, "-m", "mltui", "forward", "pod/web", ":http", "-n", server]
    process = subprocess.Popen(argv, env=cluster.environ, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert f"leads to pod {server}/web, port http" in said
        port = int(said.split()[0].partition(":")[2])
        assert fetched(f"http://127.0.0.1:{port}/etc/hostname") == b"web\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
    wrong = mltui(cluster, "forward", "pod/web", "8080:smtp", "-n", server)
    assert wrong.returncode == 2 and "has no port called smtp" in wrong.stderr
