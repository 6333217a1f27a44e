"""A real cluster at its limits and in other hands: floods, refusals, what vanishes or changes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from mltui.engines.kubernetes.client import open_client
from mltui.engines.kubernetes.resources import EVENTS
from mltui.runs.project import Project

from .driver import Driver
from .kube import (
    WIDE,
    a_deployment,
    a_pod,
    choose,
    context,
    image,
    line_of,
    lists,
)

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")


# --- much of it -----------------------------------------------------------------------------------


async def _tell(here: Cluster, namespace: str, uid: str, numbers: Iterable[int]) -> None:
    """Events about a pod, one a second, the last a moment ago."""
    client = await open_client(environ=here.environ)
    room, now = asyncio.Semaphore(8), datetime.now(UTC)

    async def tell(number: int) -> None:
        at = (now - timedelta(seconds=2000 - number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": "loud"}
        body = {
            "metadata": {"name": f"loud.{number}"}, "involvedObject": {**about, "uid": uid},
            "type": "Warning", "reason": "Noise", "message": f"said {number}", "count": 1,
            "firstTimestamp": at, "lastTimestamp": at, "source": {"component": "test"},
        }  # fmt: skip
        async with room:
            await client.create(EVENTS, namespace, body)

    try:
        await asyncio.gather(*map(tell, numbers))
    finally:
        await client.close()


async def test_of_a_flood_of_events_all_are_listed_the_newest_told_and_keys_go_on(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(a_pod("loud", image=image(here)), namespace=namespace)
    uid = here.get("pod", "loud", "-n", namespace)["metadata"]["uid"]
    await _tell(here, namespace, uid, range(1000))
    async with Driver.open(fresh, size=(160, 70)) as screen:
        await screen.command(f"events {namespace}")
        grid = lists(screen).pane.grid
        await screen.until(lambda: grid.total_count >= 1000, "all of them")
        await screen.sees("said 999 ")
        more = asyncio.create_task(_tell(here, namespace, uid, range(1000, 1200)))
        await screen.press("slash")
        await screen.type("said 777")
        await screen.press("enter")
        assert "said 777 " in screen.text and "said 776 " not in screen.text
        await screen.press("escape")
        await more
        await screen.until(lambda: grid.total_count >= 1200, "those that came")
        await screen.press("home")
        await screen.sees("said 1199 ")
        await screen.command(f"pods {namespace}")
        await choose(screen, "loud")
        await screen.press("d")
        await screen.sees("Noise: said 1199")
        await screen.sees("earlier ones are left out")
        left = re.search(r"(\d+) earlier ones are left out", screen.text)
        assert left is not None and int(left[1]) >= 1160


async def test_an_object_at_every_limit_is_listed_described_and_shown(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    name = f"first-{'x' * 242}-last"
    meta = {
        "name": name,
        "annotations": {"blob": "eyJ-" * 60_000},
        "labels": {"l" * 63: "v" * 63},
    }
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b" * 100_000}}
    # As `apply` would, it does not fit into an annotation a second time.
    here.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(made))
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"cm {namespace}")
        await choose(screen, name)
        assert "first-xx" in line_of(screen, "-last")
        await screen.press("d")
        await screen.sees("(240,000 characters)")
        await screen.press("y")
        await screen.sees("kind: ConfigMap")
        await screen.press("escape")
        await screen.until(lambda: bool(line_of(screen, "-last")), "the list")


# --- what one may not -----------------------------------------------------------------------------


async def test_who_may_not_read_logs_is_told_the_right_and_a_role_that_has_it(
    fresh: Project, viewer: Cluster, namespace: str
) -> None:
    here = viewer
    here.apply(a_deployment("web", 1, image=image(here)), namespace=namespace)
    looks = ("--verb=get,list,watch", "--resource=pods,deployments.apps", "-n", namespace)
    here.kubectl("create", "role", "looks", *looks)
    here.kubectl("create", "rolebinding", "looks", "--role=looks", "--user=viewer", "-n", namespace)
    said = (
        f"you may not read the log of pods in namespace {namespace} in viewer: "
        "ask for get on pods/log (ClusterRole view has it)"
    )
    async with Driver.open(fresh, size=WIDE) as screen:
        for kind in ("pods", "deploy"):
            await screen.command(f"{kind} viewer/{namespace}")
            await screen.until(lambda: bool(line_of(screen, "web")), "what one may see")
            await screen.until(lambda: "Log" not in screen.line("footer"), "no key for logs")
            await screen.press("l")
            assert said in screen.notice
        await screen.press("0")
        await screen.sees("you may not list deployments in all namespaces in viewer")
        assert "or name a namespace" in screen.text
        await screen.command("pods expired/default")
        await screen.sees("expired does not accept your credentials")


async def test_a_webhook_that_hangs_holds_no_key_and_is_told_at_the_row(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(a_deployment("web", 0, image=image(here)), namespace=namespace)
    async with _hanging(here, namespace), Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"deploy {namespace}")
        await choose(screen, "web")
        await screen.press("s")
        await screen.press("ctrl+u")
        await screen.type("2")
        await screen.pilot.press("enter")
        await screen.meanwhile("scaling 0 → 2…")
        await screen.pilot.press("d")
        await screen.meanwhile("What it is")
        await screen.until(lambda: "failed calling webhook" in screen.notice, "why not")
        await screen.press("escape")
        assert "scaling" not in line_of(screen, "web")


@asynccontextmanager
async def _hanging(here: Cluster, namespace: str) -> AsyncIterator[None]:
    """Whoever scales in this namespace waits for a server that takes connections and is silent."""
    held: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rule = {
        "operations": ["UPDATE"], "apiGroups": ["apps"], "apiVersions": ["v1"],
        "resources": ["deployments/scale"],
    }  # fmt: skip
    hook = {
        "name": "hangs.mltui.dev", "clientConfig": {"url": f"https://127.0.0.1:{port}/"},
        "rules": [rule], "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 10, "failurePolicy": "Fail",
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }  # fmt: skip
    made = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"hangs-{namespace}"}, "webhooks": [hook],
    }  # fmt: skip
    here.apply(made)
    try:
        until = asyncio.get_running_loop().time() + 60
        scale = ("scale", "deploy/web", "--replicas=1", "-n", namespace, "--dry-run=server")
        while not held:  # the API server hears of it a moment later
            assert asyncio.get_running_loop().time() < until, "the webhook is never called"
            asked = await asyncio.create_subprocess_exec(
                "kubectl", "--kubeconfig", str(here.kubeconfig), *scale, env=here.environ,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            over = asyncio.create_task(asked.wait())
            while not held and not over.done():  # noqa: ASYNC110 - whichever is first
                await asyncio.sleep(0.02)
            if held:
                asked.kill()
            await over
        yield
    finally:
        here.kubectl("delete", "validatingwebhookconfiguration", f"hangs-{namespace}", check=False)
        for each in held:
            each.close()
        server.close()


# --- what others do meanwhile ---------------------------------------------------------------------


async def test_a_namespace_that_vanishes_is_said_where_its_rows_stood(
    fresh: Project, here: Cluster, other: str
) -> None:
    with _testbed.made_namespace(here) as name:
        here.apply(a_pod("short", image=image(here)), namespace=name)
        async with Driver.open(fresh, size=WIDE) as screen:
            await screen.command(f"pods {name},{other}")
            await screen.until(lambda: bool(line_of(screen, "short")), "its pod")
            await screen.until(lambda: bool(line_of(screen, "stuck")), "the other's")
            await asyncio.to_thread(here.kubectl, "delete", "namespace", name)
            said = f"namespace {name} in {context(here)} is gone"
            await screen.until(lambda: said in screen.notice, "that it is gone")
            await screen.until(lambda: not line_of(screen, "short"), "its pod too")
            assert line_of(screen, "stuck")
            await screen.command(f"ns {name}")
            await screen.sees(f"no pods here: namespace {name} is gone; 0 looks at all namespaces")
            await screen.press("0")
            await screen.until(lambda: f"{context(here)}/*" in screen.line("header"), "keys go on")


async def test_an_edit_that_others_came_before_says_who_and_what_and_is_put_onto_theirs(
    fresh: Project, here: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=rate=1")

    def somebody(who: str, patch: str) -> None:
        options = ("-n", namespace, "--field-manager", who, "--type=merge", "-p", patch)
        here.kubectl("patch", "cm", "settings", *options)

    async with Driver.open(fresh, size=WIDE) as screen:

        async def edit(name: str, text: str) -> str | None:
            somebody("a-colleague", '{"data": {"colour": "red"}}')
            return text.replace("rate: '1'", "rate: '2'")

        monkeypatch.setattr(screen.app.workbench.context, "edit_text", edit)
        await screen.command(f"cm {namespace}")
        await choose(screen, "settings")
        await screen.press("e")
        await screen.sees("a-colleague")
        assert "changed data.colour of configmap" in screen.text
        assert "+  colour: red" in screen.text
        await screen.press("y")
        await screen.sees("+  rate: '2'")
        assert "colour: red" in screen.text and "+  colour: red" not in screen.text
        somebody("another-one", '{"data": {"rate": "5"}}')
        await screen.press("y")
        await screen.sees("another-one")
        assert "You changed data.rate too" in screen.text and "+  rate: '5'" in screen.text
        assert here.get("cm", "settings", "-n", namespace)["data"]["rate"] == "5"
        await screen.press("y")
        await screen.sees("-  rate: '5'")
        await screen.press("y")
        await screen.sees("changed configmap")
        found = here.get("cm", "settings", "-n", namespace)["data"]
        assert found == {"rate": "2", "colour": "red"}


async def test_what_only_servers_write_is_in_no_edits_way(
    fresh: Project, here: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.apply(a_deployment("web", 0, image=image(here)), namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:

        async def edit(name: str, text: str) -> str | None:
            patch = '{"status": {"collisionCount": 1}}'
            options = ("--subresource=status", "--type=merge", "-p", patch)
            here.kubectl("patch", "deploy", "web", "-n", namespace, *options)
            return text.replace("replicas: 0", "replicas: 0\n  minReadySeconds: 7")

        monkeypatch.setattr(screen.app.workbench.context, "edit_text", edit)
        await screen.command(f"deploy {namespace}")
        await choose(screen, "web")
        await screen.press("e")
        await screen.sees("+  minReadySeconds: 7")
        await screen.press("y")
        await screen.sees("changed deployment")
        found = here.get("deploy", "web", "-n", namespace)["spec"]
        assert found["minReadySeconds"] == 7


# --- verbs of the other kinds ---------------------------------------------------------------------


async def test_a_cronjob_is_suspended_and_triggered_and_a_failed_job_is_run_again(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    container = {"name": "c", "image": here.shell_image(), "command": ["sh", "-c", "exit 3"]}
    spec = {"containers": [container], "restartPolicy": "Never"}
    job = {"template": {"spec": spec}, "backoffLimit": 0}
    cron = {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": job}},
    }  # fmt: skip
    here.apply(cron, namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"cj {namespace}")
        await choose(screen, "nightly")
        await screen.press("z")
        await screen.until(lambda: "suspended" in line_of(screen, "nightly"), "it rests")
        await screen.press("z")
        await screen.until(lambda: "goes on" in screen.notice, "it goes on")
        await screen.press("t")
        await screen.until(lambda: "started job" in screen.notice, "started now")
        name = screen.notice.rpartition("/")[2]
        assert name.startswith("nightly-m")
        await screen.command("jobs")
        await screen.until(lambda: "✗ BackoffLimit" in line_of(screen, name), "its end")
        await choose(screen, name)
        await screen.press("r")
        again = re.compile(rf"{name}-r\d+ .*✗ BackoffLimit")
        await screen.until(lambda: again.search(screen.text) is not None, "run again, as a new one")
        assert "✗ BackoffLimit" in line_of(screen, f"{name} ")


async def test_a_node_is_closed_and_opened_again(fresh: Project, here: Cluster) -> None:
    with _testbed.made_namespace(here) as name:  # its name is nobody else's
        here.kubectl("create", "-f", "-", stdin=json.dumps(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        ))  # fmt: skip
        try:
            async with Driver.open(fresh, size=WIDE) as screen:
                await screen.command("nodes")
                await choose(screen, name)
                await screen.press("c")
                await screen.until(lambda: "✗ cordoned" in line_of(screen, name), "closed")
                await screen.press("c")
                await screen.until(lambda: "takes pods again" in screen.notice, "open")
                await screen.until(
                    lambda: "cordoned" not in line_of(screen, name), "and it says so"
                )
        finally:
            here.kubectl("delete", "node", name, check=False)


async def test_the_values_of_a_secret_are_shown_once_they_are_asked_for(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.kubectl("create", "secret", "generic", "key", "-n", namespace, "--from-literal=a=s3cret")
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"secrets {namespace}")
        await choose(screen, "key")
        await screen.press("y")
        await screen.sees("kind: Secret")
        assert "s3cret" not in screen.text and "czNjcmV0" not in screen.text
        await screen.press("escape", "x")
        await screen.sees("Show the values of secret")
        await screen.press("y")
        await screen.sees("s3cret")


async def test_places_that_were_looked_at_have_numbers_and_are_remembered(
    fresh: Project, here: Cluster, namespace: str, other: str
) -> None:
    for _ in range(2):
        async with Driver.open(fresh, size=WIDE) as screen:
            if not screen.app.settings.favourite_places():
                await screen.command(f"pods {other}")
                await screen.command(f"pods {namespace}")
            else:
                await screen.command("pods")
            await screen.until(lambda: "live" in screen.line("header"), "where one was last")
            assert f"{context(here)}/{namespace}" in screen.line("header")
            await screen.press("1")
            await screen.until(lambda: bool(line_of(screen, "stuck")), "the first place")
            await screen.press("2")
            await screen.until(lambda: not line_of(screen, "stuck"), "the second")
