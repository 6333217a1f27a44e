"""A fix acts on the very object that was found wrong, or says what was changed of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.driver import Driver

from mltui.errors import Conflict, MltuiError
from mltui.live.kube import cluster as live
from mltui.live.kube.verbs.fix import plan
from mltui.runs.project import Project
from mltui.triage.finding import Kube

from .objects import PAUSE, container, deployment
from .test_ward import PROJECT, sees

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

namespace = import_module("testbed.cluster").namespace


@pytest.fixture
async def connected(cluster: Cluster) -> AsyncIterator[live.Cluster]:
    clusters = await asyncio.to_thread(live.open_clusters, cluster.environ)
    try:
        yield clusters.cluster(clusters.config.context(None).name)
    finally:
        await clusters.close()


def web(image: str = PAUSE, memory: str = "24Mi") -> dict[str, Any]:
    limits = {"limits": {"memory": memory}}
    secret = {"name": "API_TOKEN", "value": "hunter2"}
    return deployment("web", container(image, resources=limits, env=[secret]))


def limit_of(cluster: Cluster, space: str) -> str:
    found = cluster.get("deployment", "web", "-n", space)
    (only,) = found["spec"]["template"]["spec"]["containers"]
    return str(only["resources"]["limits"]["memory"])


def step_for(cluster: Cluster, space: str, context: str, **more: Any) -> Kube:
    """What triage offers for what is there now."""
    meta = cluster.get("deployment", "web", "-n", space)["metadata"]
    values = {"verb": "set-memory", "container": "main", "value": "36Mi", **more}
    return Kube(
        kind="Deployment", namespace=space, name="web", context=context, uid=meta["uid"],
        generation=meta["generation"], **values,
    )  # fmt: skip


async def test_a_limit_is_set_once_its_change_was_shown(
    cluster: Cluster, namespace: str, connected: live.Cluster
) -> None:
    cluster.apply(web(), namespace=namespace)
    planned = await plan(connected, step_for(cluster, namespace, connected.name))
    changed = [text.strip("+- ") for text in planned.lines if text[:2] in ("+ ", "- ")]
    assert changed == ["memory: 24Mi", "memory: 36Mi"]
    assert not any("hunter2" in text for text in planned.lines)
    assert limit_of(cluster, namespace) == "24Mi", "to show it changes nothing"
    # A note on it is no change of what is wanted of it.
    cluster.kubectl("annotate", "deployment", "web", "-n", namespace, "seen=1")
    assert "changed Deployment" in await planned.act()
    assert limit_of(cluster, namespace) == "36Mi"


async def test_what_was_changed_since_it_was_shown_is_left_alone(
    cluster: Cluster, namespace: str, connected: live.Cluster
) -> None:
    cluster.apply(web(), namespace=namespace)
    step = step_for(cluster, namespace, connected.name)
    planned = await plan(connected, step)
    cluster.kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=2")
    with pytest.raises(Conflict, match=r"was changed by \S+ .*\(replicas: 1 → 2\)"):
        await planned.act()
    with pytest.raises(Conflict, match=r"was changed by \S+ .* nothing was done"):
        await plan(connected, step)
    again = step_for(cluster, namespace, connected.name)
    cluster.kubectl("delete", "deployment", "web", "-n", namespace)
    planned_later = plan(connected, again)
    with pytest.raises(Conflict, match=f"Deployment web in .*{namespace} is gone"):
        await planned_later
    cluster.apply(web(), namespace=namespace)
    with pytest.raises(Conflict, match="is another one now"):
        await plan(connected, again)
    assert limit_of(cluster, namespace) == "24Mi"


async def test_what_the_server_would_refuse_is_said_before_anybody_is_asked(
    cluster: Cluster, namespace: str, connected: live.Cluster
) -> None:
    cluster.apply(web(), namespace=namespace)
    odd = step_for(cluster, namespace, connected.name, value="much")
    with pytest.raises(MltuiError, match="refuses"):
        await plan(connected, odd)


@pytest.mark.timeout(240)
async def test_a_rollout_that_finds_no_image_is_rolled_back_with_two_keys(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "mltui.yaml").write_text(PROJECT.format(space=namespace))
    cluster.apply(web(), namespace=namespace)
    cluster.apply(web("localhost:1/ml/web:v9"), namespace=namespace)
    async with Driver.open(Project(tmp_path / "live"), size=(100, 40)) as screen:
        await screen.press("t")
        await sees(screen, lambda: "localhost:1 can't be reached" in screen.text)
        await sees(screen, lambda: "1 roll Deployment web back" in screen.text)
        await screen.press("1")
        await sees(screen, lambda: "Roll Deployment web back to the revision" in screen.text)
        await sees(screen, lambda: "image: localhost:1/ml/web:v9" in screen.text)
        assert "hunter2" not in screen.text
        await screen.press("y")
        await sees(screen, lambda: "changed Deployment" in screen.text)
        log = screen.app.settings.folder / "actions.jsonl"
        await sees(screen, log.exists)
        assert "roll Deployment web back" in json.loads(log.read_text().splitlines()[-1])["verb"]
    found = cluster.get("deployment", "web", "-n", namespace)
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == PAUSE
