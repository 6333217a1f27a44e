"""Clusters that lie or refuse late, and kubeconfigs of no use: a sentence each, and keys go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mltui.runs.project import Project

from .driver import Driver

if TYPE_CHECKING:
    from tests.unit.kube.server import Answer, ApiServer, Asked

_server = import_module("unit.kube.server")
WIDE = (160, 30)
PODS = "/api/v1/namespaces/default/pods"


def _pod(name: str, **annotations: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": "7"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**meta, "annotations": annotations},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running"},
    }


class World:
    """An API server: pods, what was told of them, and how it behaves."""

    def __init__(self) -> None:
        self.pods: Any = {"metadata": {"resourceVersion": "7"}, "items": [_pod("web-1")]}
        self.events: list[dict[str, Any]] = []
        self.deletes: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.is_asked_to_delete = asyncio.Event()
        self.is_silent = False
        self.let_go = asyncio.Event()

    async def handle(self, asked: Asked) -> Answer | list[Any]:
        if self.is_silent:
            await self.let_go.wait()
        if "watch" in asked.query:
            await asyncio.Event().wait()
        if asked.method == "DELETE":
            self.is_asked_to_delete.set()
            return await self.deletes
        if asked.path == PODS:
            return 200, self.pods
        if asked.path.startswith(f"{PODS}/"):
            return 200, self.pods["items"][0]
        if asked.path.endswith("/events"):
            return 200, {"metadata": {"resourceVersion": "7"}, "items": self.events}
        if asked.method == "POST" and asked.path.endswith("reviews"):
            return 201, {"status": {"allowed": True}}
        if asked.path.endswith(("/pods", "/events", "s")):
            return 200, {"metadata": {"resourceVersion": "7"}, "items": []}
        not_found: Answer = _server.refusal(404, "NotFound", "not here")
        return not_found


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[World]:
    made = World()
    server: ApiServer = await _server.ApiServer(made.handle).open()
    environ = _server.kubeconfig(tmp_path / "kubeconfig", server.url, {})
    monkeypatch.setenv("KUBECONFIG", environ["KUBECONFIG"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield made
    await server.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "lie", [b"<html>it works</html>", b'{"items": 7}', b'{"items":[{"metadata":{"name":[]}}]}']
)
async def test_a_server_that_lies_is_said_to(fresh: Project, world: World, lie: bytes) -> None:
    world.pods = lie
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command("pods")
        await screen.until(lambda: "can't be read" in screen.text, "what is wrong")
        world.pods = {"metadata": {"resourceVersion": "7"}, "items": [_pod("web-1")]}
        await screen.until(lambda: "web-1" in screen.text, "it is tried again")


async def test_a_refusal_that_comes_late_is_told_at_the_row(fresh: Project, world: World) -> None:
    """As a webhook that hangs until the server gives it up."""
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command("pods")
        await screen.until(lambda: "web-1" in screen.text, "the pod")
        await screen.press("ctrl+d")
        await screen.sees("Delete pod web-1")
        await screen.pilot.press("y")
        await asyncio.wait_for(world.is_asked_to_delete.wait(), 60)
        await screen.meanwhile("deleting…")
        await screen.pilot.press("d")
        await screen.meanwhile("What it is")
        said = 'failed calling webhook "guard": context deadline exceeded'
        world.deletes.set_result(_server.refusal(500, "InternalError", said))
        await screen.until(lambda: "failed calling webhook" in screen.notice, "why not")
        await screen.press("escape")
        assert "deleting…" not in screen.text and "web-1" in screen.text


async def test_without_a_usable_kubeconfig_it_is_said(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("contexts: [")
    for path, said in (
        (broken, str(broken)),
        (tmp_path / "none", "no Kubernetes cluster is known"),
    ):
        monkeypatch.setenv("KUBECONFIG", str(path))
        async with Driver.open(fresh, size=WIDE) as screen:
            await screen.command("pods")
            await screen.until(lambda said=said: said in screen.notice, said)  # type: ignore[misc]
            assert screen.app.workbench.listed is None


@pytest.mark.slow
async def test_a_list_that_does_not_come_says_for_how_long_and_keys_go_on(
    fresh: Project, world: World
) -> None:
    world.is_silent = True
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.pilot.press("colon", *"pods", "enter")
        await screen.meanwhile("reading pods… nothing has come for ")
        await screen.pilot.press("question_mark")
        await screen.meanwhile("Filter")
        await screen.pilot.press("escape")
        world.is_silent = False
        world.let_go.set()
        await screen.until(lambda: "web-1" in screen.text, "the pod, by itself")
