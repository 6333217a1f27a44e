"""What is done to objects of a real cluster: scaled, changed, rolled back, deleted, reached."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from mltui.runs.project import Project

from .driver import Driver
from .kube import WIDE, a_deployment, a_pod, choose, context, image, line_of, lists

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster


async def test_a_deployment_is_scaled_and_leads_to_its_pods_and_back(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(a_deployment("web", 1, image=image(here)), namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"deploy {namespace}")
        await screen.until(lambda: "1/1" in line_of(screen, "web"), "ready")
        await screen.press("s")
        await screen.sees("How many pods")
        await screen.press("ctrl+u")
        await screen.type("3")
        await screen.press("enter")
        await screen.until(lambda: "3/3" in line_of(screen, "web"), "scaled")
        await screen.press("enter")
        await screen.until(lambda: len(lists(screen).pane.grid.model.rows) == 3, "its pods")
        assert "pods app=web" in screen.line("header")
        await screen.press("escape")
        await screen.until(lambda: "deployments" in screen.line("header"), "back")


async def test_an_image_is_set_seen_to_fail_and_rolled_back(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(a_deployment("web", 1, image=image(here)), namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"deploy {namespace}")
        await screen.until(lambda: "1/1" in line_of(screen, "web"), "ready")
        await screen.command("set-image c=localhost:1/none:v9")
        await screen.until(lambda: "none:v9" in line_of(screen, "web"), "the new image")
        await screen.press("u")
        await screen.sees("▸ revision 1")
        await screen.press("enter")
        await screen.sees("-    image: localhost:1/none:v9")
        await screen.press("y")
        await screen.until(lambda: image(here)[-9:] in line_of(screen, "web"), "rolled back")
        await screen.until(lambda: "● ready" in line_of(screen, "web"), "well again")


@pytest.mark.parametrize(("kind", "command"), [("StatefulSet", "sts"), ("DaemonSet", "ds")])
async def test_other_sets_tell_their_revisions_and_are_rolled_back(
    fresh: Project, here: Cluster, namespace: str, kind: str, command: str
) -> None:
    made = a_deployment("kept", 1, image=image(here)) | {"kind": kind}
    if kind == "StatefulSet":
        made["spec"]["serviceName"] = "kept"
    else:
        del made["spec"]["replicas"]
    here.apply(made, namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"{command} {namespace}")
        await screen.until(lambda: "1/1" in line_of(screen, "kept"), "ready")
        await screen.command("set-image c=localhost:1/none:v9")
        await screen.until(lambda: "none:v9" in line_of(screen, "kept"), "the new image")
        await screen.press("v")
        await screen.sees("2 (now)")
        await screen.sees("+  - image: localhost:1/none:v9")
        await screen.press("escape", "u")
        await screen.sees("▸ revision 1")
        await screen.press("enter")
        await screen.sees("-  - image: localhost:1/none:v9")
        await screen.press("y")
        await screen.until(lambda: image(here)[-9:] in line_of(screen, "kept"), "rolled back")


async def test_deleting_asks_and_hits_only_what_was_seen(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(a_pod("victim", image=image(here)), namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"pods {namespace}")
        await choose(screen, "victim")
        await screen.until(lambda: "● Running" in line_of(screen, "victim"), "running")
        await screen.press("ctrl+d")
        await screen.sees(f"Delete pod victim in {context(here)}/{namespace}?")
        # Meanwhile somebody makes another pod of the same name.
        here.kubectl("delete", "pod", "victim", "-n", namespace, "--now")
        here.apply(a_pod("victim", image=image(here)), namespace=namespace)
        await screen.press("y")
        await screen.until(lambda: "UID" in screen.text or "gone" in screen.text, "a conflict")
        uid = here.get("pod", "victim", "-n", namespace)["metadata"]["uid"]

        def uids() -> list[str]:
            return [row.uid for row in lists(screen).pane.grid.model.rows.values()]

        await screen.until(lambda: uids() == [uid], "the new one alone")
        await choose(screen, "victim")
        await screen.press("ctrl+d")
        await screen.press("y")
        await screen.until(lambda: not uids(), "deleted")
        written = (screen.app.settings.folder / "actions.jsonl").read_text().splitlines()
        assert json.loads(written[-1])["object"] == f"pod {namespace}/victim"
        assert uid not in here.kubectl("get", "pods", "-n", namespace, "-o", "json")


async def test_edit_is_checked_by_the_server_and_shown_before_it_is_sent(
    fresh: Project,
    here: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=rate=1")
    async with Driver.open(fresh, size=WIDE) as screen:
        texts = iter([("rate: '1'", "rate: [1]"), ("rate: [1]", "rate: '2'")])

        async def edit(name: str, text: str) -> str | None:
            old, new = next(texts)
            return "\n".join(
                line.replace(old, new).replace('rate: "1"', new) for line in text.splitlines()
            )

        monkeypatch.setattr(screen.app.workbench.context, "edit_text", edit)
        await screen.command(f"cm {namespace}")
        await choose(screen, "settings")
        await screen.press("e")
        await screen.sees("Edit again")
        await screen.press("y")
        await screen.sees("+  rate: '2'")
        assert here.get("cm", "settings", "-n", namespace)["data"] == {"rate": "1"}
        await screen.press("y")
        await screen.sees("changed configmap")
        assert here.get("cm", "settings", "-n", namespace)["data"] == {"rate": "2"}


def _served(name: str, image: str, replicas: int = 1) -> list[dict[str, Any]]:
    """A Deployment whose pods answer HTTP at a named port, and its Service."""
    made = a_deployment(name, replicas, image=image)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    container |= {
        "command": ["python3", "-u", "-m", "http.server", "8000"],
        "ports": [{"name": "http", "containerPort": 8000}],
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    return [made, service]


async def fetch(port: int) -> bytes:
    """What answers at a port of this machine, tried until something does."""
    answer = b""
    until = time.monotonic() + 60
    while not answer:  # a pod's process may begin to listen later than the pod is ready
        assert time.monotonic() < until, "nothing answers there"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            writer.write(b"GET /etc/hostname HTTP/1.0\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    return answer


async def test_a_port_leads_to_a_service_is_listed_outlives_its_pod_and_is_closed(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(*_served("web", here.shell_image()), namespace=namespace)
    here.kubectl("rollout", "status", "deploy/web", "-n", namespace, "--timeout=90s")
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"svc {namespace}")
        await choose(screen, "web")
        await screen.command("port-forward :80")
        await screen.until(lambda: "leads to service" in screen.notice, "open")
        await screen.command("forwards")
        await screen.until(lambda: "● open" in line_of(screen, "service/web"), "listed")
        (row,) = lists(screen).kube.forwards.table.rows.values()
        first = await fetch(row.local)
        assert b"200 OK" in first and b"web-" in first
        here.kubectl("delete", "pod", "-n", namespace, "-l", "app=web", "--now")
        await screen.until(lambda: row.pod not in screen.text, "another pod")
        again = await fetch(row.local)
        assert b"200 OK" in again and again[-30:] != first[-30:]
        await screen.press("ctrl+d")
        await screen.until(lambda: not line_of(screen, "service/web"), "closed")
        with pytest.raises(ConnectionRefusedError):
            await fetch(row.local)
