"""A cluster that is followed: findings come and go with its watches, and nothing is asked twice."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.driver import Driver

from mltui.engines.kubernetes.client import Client
from mltui.live.kube.cluster import open_clusters
from mltui.live.kube.ward import Ward, watched
from mltui.runs.project import Project
from mltui.triage.diagnosis import told
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding
from mltui.triage.looked import looked

from .objects import PAUSE, container, deployment, pod, service

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

WAIT_S = 90.0


@pytest.fixture
def space(cluster: Cluster) -> Iterator[str]:
    name = f"mltui-ward-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


class Followed:
    """What the app does with a ward."""

    def __init__(self) -> None:
        self.ward: Ward
        self.found: list[Finding] = []
        self.news = asyncio.Event()

    async def until(self, is_so: Callable[[list[Finding]], bool]) -> list[Finding]:
        """The findings once they are as they should be."""
        async with asyncio.timeout(WAIT_S):
            while True:
                at = time.time()
                batch = self.ward.take()
                await asyncio.to_thread(self.ward.chart.apply, batch, at)
                self.ward.read_logs()
                self.found = told(Facts(at), [self.ward.chart.examination])
                if is_so(self.found):
                    return self.found
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def following(cluster: Cluster, *spaces: str) -> AsyncIterator[Followed]:
    clusters = await asyncio.to_thread(open_clusters, cluster.environ)
    followed = Followed()
    client = clusters.cluster(clusters.config.context(None).name).client
    followed.ward = Ward(client, list(spaces), "", followed.news.set)
    try:
        yield followed
    finally:
        await followed.ward.close()
        await clusters.close()


@pytest.mark.timeout(240)
async def test_findings_follow_the_watches(
    cluster: Cluster, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists: list[str] = []
    pages = Client.pages

    def counted(self: Client, resource: Any, *args: Any, **more: Any) -> Any:
        lists.append(resource.plural)
        return pages(self, resource, *args, **more)

    monkeypatch.setattr(Client, "pages", counted)
    base = f"{cluster.need_registry()}/debian:1"
    cluster.apply(
        deployment("raises", container(base, "python3", "-c", "raise KeyError('label')")),
        service("typo", "raisess"),
        namespace=space,
    )
    async with following(cluster, space) as followed:
        await followed.until(lambda found: any("KeyError: 'label'" in each.cause for each in found))
        cluster.apply(service("typo", "raises"), namespace=space)
        cluster.apply(deployment("raises", container(PAUSE)), namespace=space)
        # The old pod may run for a moment before it raises again: until it is gone, too.
        sick = followed.ward.chart.examination.cluster.sick
        await followed.until(lambda found: not found and not sick)
        cluster.apply(pod("never", container("ml/absent:1", imagePullPolicy="Never")),
                      namespace=space)  # fmt: skip
        found = await followed.until(bool)
        assert [each.title for each in found] == ["image ml/absent:1 is not on the node"]
        cluster.kubectl("delete", "pod", "never", "-n", space, "--wait=false")
        await followed.until(lambda found: not found)
    assert sorted(lists) == sorted(each.resource.plural for each in watched())


@pytest.mark.timeout(240)
async def test_what_one_may_not_see_is_said_and_not_guessed(cluster: Cluster, space: str) -> None:
    """Services may be seen, their pods may not: that none is known says nothing."""
    if cluster.viewer is None:
        pytest.skip("no user without rights: tests/testbed/cluster.sh up makes one")
    cluster.kubectl(
        "create", "role", "see", "--verb=get,list,watch", "--resource=services", "-n", space
    )
    cluster.kubectl("create", "rolebinding", "see", "--role=see", "--user=viewer", "-n", space)
    cluster.apply(service("web", "web"), namespace=space)
    seen = replace(cluster, environ={**cluster.environ, "KUBECONFIG": str(cluster.viewer)})
    async with following(seen, space) as followed:
        later = 60.0  # a Service is given half a minute to find its pods
        async with asyncio.timeout(WAIT_S):
            while not followed.ward.is_settled or "service:" not in known(followed):
                await followed.until(lambda found: True)
                await asyncio.sleep(0.1)
        followed.ward.chart.apply(followed.ward.take(), time.time() + later)
        assert not followed.ward.chart.examination.findings()
        assert any("pods" in each for each in followed.ward.unseen)
        (place, *said) = looked(Facts(0.0).with_cluster(followed.ward.host(0.0)))
        assert place[1].startswith(f"namespace {space}: 1 service")
        assert "not " in place[1] and "pods" in place[1].partition("not ")[2] and not said
    assert abs(followed.ward.client.skew_s) < 30, "both clocks are this machine's"


def known(followed: Followed) -> str:
    return " ".join(followed.ward.chart.examination.cluster.subjects)


PROJECT = """\
mltui: 1
name: live
environments: {{box: {{image: debian}}}}
targets: {{dev: {{engine: kubernetes, namespace: {space}}}}}
stages: {{one: {{phase: data, environment: box, run: 'true'}}}}
"""


@pytest.mark.timeout(240)
async def test_the_header_counts_the_cluster_before_anybody_asks(
    cluster: Cluster, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("KUBECONFIG", cluster.environ["KUBECONFIG"])
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "mltui.yaml").write_text(PROJECT.format(space=space))
    absent = deployment("absent", container("ml/absent:1", imagePullPolicy="Never"))
    cluster.apply(absent, namespace=space)
    async with Driver.open(Project(tmp_path / "live"), size=(100, 30)) as screen:
        screen.app.follows_hosts = True  # as `mltui` itself has it
        screen.app.workbench.triaging.refresh()
        await sees(screen, lambda: "▲1" in screen.line("header"))
        cluster.apply(deployment("absent", container(PAUSE)), namespace=space)
        await sees(screen, lambda: "▲" not in screen.line("header"))
        await screen.press("t")
        await sees(screen, lambda: "image ml/absent:1 is not on the node" in screen.text)
        assert "WENT AWAY" in screen.text
        await screen.press("down")
        await sees(screen, lambda: "ended" in screen.text and "it is gone" in screen.text)


async def sees(screen: Driver, holds: Callable[[], bool]) -> None:
    """Wait for what a loaded node takes its time for."""
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await screen.pilot.pause()
            await asyncio.sleep(0.05)
