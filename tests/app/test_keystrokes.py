"""The keystroke table of docs/keystrokes.md, pressed key by key against the real things.

A test waits for the screen between keys, as a person does, and for what the task was about.
"""

from __future__ import annotations

import re
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mltui.app.context import ScreenContext
from mltui.app.lists import Lists
from mltui.live.table import Table
from mltui.runs.project import Project

from .driver import Driver
from .seed import NOON

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster
    from tests.testbed.docker import DockerHost

_clusters = import_module("testbed.cluster")
_hosts = import_module("testbed.docker")
cluster = _clusters.cluster
docker_host = _hosts.docker_host

PAGE = Path(__file__).parents[2] / "docs" / "keystrokes.md"
SIZE = (160, 40)
MARK = uuid.uuid4().hex[:6]
NAMED = {"⏎": "enter", "⇥": "tab", "␣": "space", "↓": "down", ":": "colon", "/": "slash"}


def keys_of(cell: str) -> list[str]:
    """`:dp⏎ ^d` as single keys."""
    text = "".join(re.findall(r"`([^`]*)`", cell))
    return re.findall(r"\^.|[^ ]", text)


@dataclass(frozen=True)
class Task:
    """A row of the table."""

    keys: list[str]
    count: int
    peers: list[tuple[list[str], int]]
    """Of those that can do it."""

    @property
    def is_fewer(self) -> bool:
        return bool(self.peers) and self.count < min(count for _, count in self.peers)


def tasks() -> dict[int, Task]:
    found = {}
    for line in PAGE.read_text().splitlines():
        number, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if number.isdecimal():
            pairs = [(keys_of(cells[at]), int(cells[at + 1] or -1)) for at in (1, 3, 5)]
            (keys, count), *peers = pairs
            found[int(number)] = Task(keys, count, [each for each in peers if each[1] >= 0])
    return found


def test_the_table_counts_right_and_no_peer_needs_fewer() -> None:
    found = tasks()
    assert list(found) == list(range(1, 16))
    for each in found.values():
        assert len(each.keys) == each.count
        assert all(len(keys) == count >= each.count for keys, count in each.peers)
    assert sum(each.is_fewer for each in found.values()) >= 8


async def is_read(screen: Driver, table: Table[Any]) -> None:
    await screen.until(lambda: table.is_loaded, "the list is read")


async def play(screen: Driver, number: int, names: Mapping[str, str] | None = None) -> None:
    """Press the keys of a task; `names` are what its letters stand for here."""
    for key in keys_of_task(number, names or {}):
        listed = screen.app.workbench.listed
        if listed is not None and listed.pane.table is not None and not listed.pane.showing:
            pane = listed.pane
            assert pane.table is not None
            await is_read(screen, pane.table)
        if len(key) > 1 and key in (names or {}).values():
            await screen.type(key)
            continue
        name = NAMED.get(key, key)
        await screen.press(name.replace("^", "ctrl+") if len(name) > 1 else name)


def keys_of_task(number: int, names: Mapping[str, str]) -> Sequence[str]:
    keys, told = tasks()[number].keys, []
    text = "".join(keys)
    for short, real in names.items():
        before, found, after = text.partition(short)
        assert found, (short, text)
        told = [*re.findall(r"\^.|.", before), real, *re.findall(r"\^.|.", after)]
    return told or keys


def lists(screen: Driver) -> Lists:
    listed = screen.app.workbench.listed
    assert listed is not None, screen.text
    return listed


def names_of(screen: Driver) -> list[str]:
    return sorted(row.name for row in lists(screen).pane.grid.model.rows.values())


# --- a cluster ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(cluster: Cluster, docker_host: DockerHost) -> str:
    """An image with a shell that the nodes can pull."""
    registry = cluster.need_registry()
    name = f"{registry}/mltui-keys/base:1"
    docker_host.run("tag", _hosts.BASE_IMAGE, name)
    docker_host.run("push", name)
    return name


def space(cluster: Cluster, name: str) -> str:
    full = f"mltui-{MARK}-{name}"
    cluster.kubectl("create", "namespace", full)
    return full


@pytest.fixture(scope="module")
def spaces(cluster: Cluster, base: str) -> Iterator[dict[str, str]]:
    """Namespaces in the moods of the tasks."""
    shell = ("sh", "-c")
    sleeps = pod_spec(base, *shell, "exec sleep 9999")
    made = {each: space(cluster, each) for each in ("a-dev", "a-test", "sick", "stuck", "bad")}
    try:
        cluster.apply(deployment("web", sleeps), namespace=made["a-dev"])
        cluster.apply(*(pod(f"old-{n}", sleeps) for n in "123"), namespace=made["a-test"])
        crash = pod_spec(base, *shell, "echo last words; exit 3")
        cluster.apply(pod("crash", crash), pod("well", sleeps), namespace=made["sick"])
        chatty = "seq 300; echo an oom nearby; seq 300; echo ERROR disk is full; exec sleep 9999"
        nowhere = {**sleeps, "nodeSelector": {"no": "such"}}
        cluster.apply(pod("waits", nowhere), pod("well", sleeps), namespace=made["stuck"])
        cluster.apply(pod("chatty", pod_spec(base, *shell, chatty)), namespace=made["a-dev"])
        cluster.apply(deployment("api", sleeps), job("sums", base), namespace=made["bad"])
        rollout = ("rollout", "status", "deployment/api", "-n", made["bad"], "--timeout=120s")
        cluster.kubectl(*rollout)
        image = ("set", "image", "deployment/api", "c=localhost:1/none:v9", "-n", made["bad"])
        cluster.kubectl(*image)
        yield made
    finally:
        cluster.kubectl("delete", "namespace", "--wait=false", *made.values(), check=False)


@pytest.fixture
def here(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    """No project, and the cluster found as a person's is."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    (tmp_path / "nothing").mkdir()
    return Project(tmp_path / "nothing")


def pod_spec(image: str, *command: str) -> dict[str, Any]:
    container = {"name": "c", "image": image, "command": list(command)}
    return {"containers": [container], "terminationGracePeriodSeconds": 0}


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def deployment(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    wanted = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
    return {**head, "spec": wanted}


def job(name: str, image: str) -> dict[str, Any]:
    spec = {**pod_spec(image, "sh", "-c", "exit 1"), "restartPolicy": "Never"}
    head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}}
    return {**head, "spec": {"backoffLimit": 0, "template": {"spec": spec}}}


def wait(cluster: Cluster, what: str, *argv: str) -> None:
    """Wait until `kubectl get` says something."""
    until = time.monotonic() + 120
    while what not in (said := cluster.kubectl("get", *argv)):
        assert time.monotonic() < until, f"never {what}: {said}"
        time.sleep(0.3)


async def test_1_the_crashing_pods_previous_log(
    here: Project, cluster: Cluster, spaces: dict[str, str]
) -> None:
    waits = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['sick']}") as screen:
        for _ in range(5):  # the kubelet may drop a container's log as it starts the next
            wait(cluster, "CrashLoop", "pod", "crash", "-n", spaces["sick"], "-o", waits)
            await screen.until(lambda: names_of(screen) == ["crash", "well"], "the pods")
            await play(screen, 1)
            await screen.until(
                lambda: "last words" in screen.text or "unable to retrieve" in screen.text, "a log"
            )
            if "last words" in screen.text:
                break
            await screen.press("escape")
        assert "last words" in screen.text
        await screen.sees("before")


async def test_3_scale_a_deployment_to_5(
    here: Project, cluster: Cluster, spaces: dict[str, str]
) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['a-dev']}") as screen:
        await play(screen, 3)
        await screen.until(lambda: "/5" in screen.text, "five are wanted")
        found = cluster.get("deployment", "web", "-n", spaces["a-dev"])
        assert found["spec"]["replicas"] == 5


async def test_4_switch_namespace(here: Project, spaces: dict[str, str]) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['sick']}") as screen:
        await play(screen, 4, {"pro": spaces["stuck"]})
        await screen.until(lambda: "waits" in names_of(screen), "its pods")
        assert f"/{spaces['stuck']}" in screen.line("header")


async def test_5_see_two_namespaces(here: Project, spaces: dict[str, str]) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['sick']}") as screen:
        await play(screen, 5, {"tea": f"{MARK}-a"})
        await screen.until(lambda: {"chatty", "old-1"} <= set(names_of(screen)), "both")
        assert "crash" not in names_of(screen)


async def test_6_why_is_this_pod_pending(here: Project, spaces: dict[str, str]) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['stuck']}") as screen:
        await screen.until(lambda: "nodes are available" in screen.line("story"), "why")
        await play(screen, 6)
        assert "waits" in screen.line("story")


async def test_9_delete_three_marked_pods(
    here: Project, cluster: Cluster, spaces: dict[str, str]
) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['a-test']}") as screen:
        await screen.until(lambda: len(names_of(screen)) == 3, "three")
        await play(screen, 9)
        await screen.until(lambda: "no pods here" in screen.text, "all gone")


async def test_10_restart_a_deployment(
    here: Project, cluster: Cluster, spaces: dict[str, str]
) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['a-dev']}") as screen:
        await play(screen, 10)
        await screen.until(lambda: "restart" in screen.notice, "it is said")
        template = cluster.get("deployment", "web", "-n", spaces["a-dev"])["spec"]["template"]
        assert any("restartedAt" in each for each in template["metadata"]["annotations"])


async def open_chatty(screen: Driver) -> None:
    """The pods, the chatty one under the cursor."""
    pane = lists(screen).pane
    await screen.until(lambda: "chatty" in names_of(screen), "the pods")
    pane.grid.cursor_key = next(k for k, r in pane.grid.model.rows.items() if r.name == "chatty")
    await screen.until(lambda: "Running" in screen.line_of("chatty"), "it runs")


async def test_11_find_a_word_in_a_log(here: Project, spaces: dict[str, str]) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['a-dev']}") as screen:
        await open_chatty(screen)
        await play(screen, 11)
        await screen.sees("an oom nearby")


async def test_12_copy_a_logs_error_line(
    here: Project, spaces: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    async def keep(app: object, text: str) -> bool:
        copied.append(text)
        return True

    monkeypatch.setattr("mltui.app.logdesk.copy", keep)
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['a-dev']}") as screen:
        await open_chatty(screen)
        first, *rest = keys_of_task(12, {})
        await screen.press(first)
        await screen.sees("ERROR disk is full")
        await screen.press(*rest)
        await screen.until(lambda: bool(copied), "it is copied")
        assert [each.strip() for each in copied] == ["ERROR disk is full"]


async def test_13_roll_a_deployment_back(
    here: Project, cluster: Cluster, spaces: dict[str, str], base: str
) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['bad']}") as screen:
        await play(screen, 13)
        await screen.until(lambda: "● ready" in screen.text, "it is well again")
        assert base in cluster.kubectl("get", "deployment", "-n", spaces["bad"], "-o", "yaml")


async def test_14_which_node_is_full(here: Project, spaces: dict[str, str]) -> None:
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['bad']}") as screen:
        await play(screen, 14)
        await screen.sees("%MEM")
        await screen.until(lambda: bool(names_of(screen)), "a node")


async def test_15_run_a_failed_job_again(
    here: Project, cluster: Cluster, spaces: dict[str, str]
) -> None:
    wait(cluster, "Failed", "job", "sums", "-n", spaces["bad"], "-o", "jsonpath={.status}")
    async with Driver.open(here, size=SIZE, opens=f"pods {spaces['bad']}") as screen:
        await play(screen, 15)
        await screen.until(lambda: len(names_of(screen)) == 2, "another job")


# --- a Docker host and a build --------------------------------------------------------------------


@pytest.fixture
def web(docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Two containers, of which one is meant; no cluster."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        if name in docker_host.environ:
            monkeypatch.setenv(name, docker_host.environ[name])
    names = [f"keys-{MARK}-web", f"keys-{MARK}-db"]
    for name in names:
        argv = ("run", "-d", "--name", name, "--network", "none", "--stop-timeout", "0")
        shell = ("sh", "-c", f"echo here is {name}; exec sleep 600")
        docker_host.run(*argv, _hosts.BASE_IMAGE, *shell)
    yield names[0]
    docker_host.run("rm", "-fv", *names, check=False)


async def test_2_a_containers_log(fresh: Project, web: str) -> None:
    async with Driver.open(fresh, size=SIZE) as screen:
        await play(screen, 2, {"web": f"{MARK}-web"})
        await screen.sees(f"here is {web}")


async def test_8_a_shell_in_a_container(
    fresh: Project, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    async def outside(self: ScreenContext, argv: Sequence[str], **other: Any) -> int:
        asked.append(argv)
        return 0

    monkeypatch.setattr(ScreenContext, "outside", outside)
    async with Driver.open(fresh, size=SIZE) as screen:
        await play(screen, 8, {"web": f"{MARK}-web"})
        await screen.until(lambda: bool(asked), "a shell")
        assert asked[0][0] == "docker"
        name = subprocess.list2cmdline(asked[0])
        assert "exec" in name


async def test_7_why_did_this_build_fail(broken: Project) -> None:
    async with Driver.open(broken, size=SIZE, now=NOON) as screen:
        await play(screen, 7)
        assert "pip install" in screen.card and "images/prep" in screen.card
