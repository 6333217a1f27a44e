"""Lists of a real cluster: several namespaces in one table, pages, verbs, rights, places."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.app import firstlook
from mltui.app.logcommand import command_of
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


async def test_pods_of_several_namespaces_come_and_go_in_one_table(
    fresh: Project, here: Cluster, namespace: str, other: str
) -> None:
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"pods {namespace},{other}")
        await screen.sees("stuck")
        assert f"{context(here)}/{namespace}, {other}" in screen.line("header")
        here.apply(a_pod("first", image=image(here)), namespace=namespace)
        await screen.until(lambda: "● Running" in line_of(screen, "first"), "running")
        assert namespace[-6:] in line_of(screen, "first")
        await screen.until(lambda: "ImagePull" in line_of(screen, "stuck"), "its trouble")
        await screen.until(lambda: "live" in screen.line("header"), "how true it is")
        here.kubectl("delete", "pod", "first", "-n", namespace, "--now")
        await screen.until(lambda: not line_of(screen, "first"), "gone")
        await screen.press("0")
        await screen.sees("NAMESPACE")
        assert f"{context(here)}/*" in screen.line("header")
        await screen.press("escape")
        assert screen.app.workbench.listed is None


async def test_a_first_look_is_taken_over_by_the_screen_and_corrected(
    fresh: Project, here: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firstlook, "CLUSTER_PATIENCE_S", 60.0)
    for name in ("stays", "goes"):
        here.apply(a_pod(name, image=image(here)), namespace=namespace)
        here.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", namespace)
    seen = await firstlook.ask(f"pods {namespace}", fresh.root, {})
    assert seen is not None
    before = firstlook.frame(seen, fresh.root.name, 160, 30)
    assert f"pods  {len(seen.rows)}" in before[0] and seen.host in before[0]
    here.kubectl("delete", "pod", "goes", "-n", namespace, "--now")
    async with Driver.open(fresh, size=WIDE, opens=f"pods {namespace}", seen=seen) as screen:
        assert _words(line_of(screen, "stays")) == _words(next(x for x in before if "stays" in x))
        await screen.until(lambda: not line_of(screen, "goes"), "the list")
        await screen.until(lambda: "live" in screen.line("header"), "that it is true")
    assert await firstlook.ask(f"pods {namespace},default", fresh.root, {}) is None


def _words(text: str) -> list[str]:
    """Name, readiness, mark and word; what is measured and the age go on."""
    return text.replace("▌", " ").split()[:4]


async def test_places_of_another_kubeconfig_are_left_behind(
    fresh: Project, here: Cluster, tmp_path: Path
) -> None:
    """What was looked at last is kept for all projects; here that context does not exist."""
    kept = tmp_path / "state" / "mltui"
    kept.mkdir(parents=True)
    (kept / "places").write_text("gone/*\n")
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command("pods")
        await screen.until(lambda: "live" in screen.line("header"), "the list of this cluster")
        assert f"{context(here)}/default" in screen.line("header")
        await screen.command("pods gone/dev")
        await screen.until(lambda: "no context 'gone'" in screen.notice, "what is wrong is said")


async def test_triage_leads_back_to_the_list_it_was_opened_from(
    fresh: Project, here: Cluster, other: str
) -> None:
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"pods {other}")
        await screen.sees("stuck")
        await screen.press("t")
        await screen.until(lambda: "Triage" in screen.line("header"), "what is wrong")
        await screen.press("escape")
        await screen.until(lambda: bool(line_of(screen, "stuck")), "the pods again")
        assert f"{context(here)}/{other}" in screen.line("header")
        await screen.press("N")
        await screen.until(lambda: "namespaces" in screen.line("header"), "where to look")
        await screen.press("escape")
        await screen.until(lambda: bool(line_of(screen, "stuck")), "the pods once more")
        await screen.command("cronjobs")
        await screen.sees("no cronjobs here: 0 looks at all namespaces, N at another")
        await screen.until(lambda: "Open" not in screen.line("footer"), "no key to open")
        assert "N Namespaces" in screen.line("footer")
        await screen.press("escape")
        assert screen.app.workbench.listed is None


async def test_namespaces_are_offered_while_typed_and_one_that_is_not_there_is_said(
    fresh: Project, here: Cluster, other: str
) -> None:
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.press("colon")
        await screen.type(f"pods {other[:-2]}")
        await screen.until(lambda: other in screen.lines[-1], "its name")
        await screen.press("tab", "enter")
        await screen.sees("stuck")
        await screen.command(f"ns {other}x")
        await screen.sees(f"there is no namespace '{other}x' in {context(here)}: did you mean")
        assert f"{other}x" not in " ".join(screen.app.settings.favourite_places())


async def test_a_page_tells_what_happened_and_keeps_secrets(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    pod = a_pod("told", image="localhost:1/none:v9")
    pod["spec"]["containers"][0]["env"] = [{"name": "API_TOKEN", "value": "s3cret"}]
    here.apply(pod, namespace=namespace)
    async with Driver.open(fresh, size=(160, 50)) as screen:
        await screen.command(f"pods {namespace}")
        await choose(screen, "told")
        await screen.until(lambda: "ImagePull" in line_of(screen, "told"), "its trouble")
        await screen.press("d")
        await screen.sees("localhost:1/none:v9")
        await screen.sees("Events")
        await screen.sees("Scheduled")
        assert "API_TOKEN" in screen.text
        assert "s3cret" not in screen.text
        await screen.press("y")
        await screen.sees("kind: Pod")
        assert "managedFields" not in screen.text and "s3cret" not in screen.text


async def test_a_dead_cluster_and_missing_rights_are_sentences_beside_what_answers(
    fresh: Project, viewer: Cluster, namespace: str
) -> None:
    here = viewer
    here.apply(a_pod("here", image=image(here)), namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        name = context(here)
        await screen.command(f"pods {name}/{namespace},dead/default")
        await screen.until(lambda: "● Running" in line_of(screen, "here"), "running")
        await screen.sees("no answer from dead")
        binding = ("create", "rolebinding", "looks", "-n", namespace, "--clusterrole=view")
        here.kubectl(*binding, "--user=viewer")
        await screen.command(f"pods viewer/{namespace}")
        await screen.until(lambda: "● Running" in line_of(screen, "here"), "seen by the viewer")
        await screen.until(lambda: "Delete" not in screen.line("footer"), "no key to delete")
        await screen.press("ctrl+d")
        await screen.sees(f"you may not delete pods in namespace {namespace} in viewer")
        await screen.command("ns viewer/")
        await screen.command("nodes")
        await screen.sees("you may not list nodes in viewer")


@pytest.fixture
def widgets(here: Cluster) -> Iterator[Callable[[str], None]]:
    """A custom resource."""
    group = "test.mltui.dev"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [
            {"name": "Colour", "type": "string", "jsonPath": ".spec.colour"}
        ],
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [version],
        },
    }
    here.apply(definition)
    here.kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}", "--timeout=60s")

    def make(namespace: str) -> None:
        widget = {
            "apiVersion": f"{group}/v1",
            "kind": "Widget",
            "metadata": {"name": "round"},
            "spec": {"colour": "green"},
        }
        here.apply(widget, namespace=namespace)

    yield make
    here.kubectl("delete", "crd", f"widgets.{group}", "--wait=false", check=False)


async def test_a_custom_resource_is_listed_in_the_servers_columns(
    fresh: Project, here: Cluster, namespace: str, widgets: Callable[[str], None]
) -> None:
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"pods {namespace}")
        await screen.until(lambda: "no pods here" in screen.text, "no pods")
        await screen.command("widgets")
        await screen.sees("COLOUR")
        widgets(namespace)
        await screen.until(lambda: "green" in line_of(screen, "round"), "the widget")


async def test_production_is_a_band_from_the_first_look_on_and_what_is_read_only_stays_as_it_is(
    fresh: Project, here: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fresh.root / "mltui.yaml"
    where = f"context: {context(here)}, namespace: {namespace}"
    target = f"  prod: {{engine: kubernetes, {where}, production: true, read_only: true}}\n"
    text = file.read_text().partition("targets:\n")[0]
    file.write_text(f"{text}targets:\n{target}")
    here.apply(a_pod("kept", image=image(here)), namespace=namespace)
    monkeypatch.setattr(firstlook, "CLUSTER_PATIENCE_S", 60.0)
    seen = await firstlook.ask(f"pods {namespace}", fresh.root, {})
    assert seen is not None
    assert f" PROD  {' ' * 3}" in firstlook.frame(seen, fresh.root.name, *WIDE)[0]
    async with Driver.open(fresh, size=WIDE, opens=f"pods {namespace}", seen=seen) as screen:
        assert " PROD " in screen.line("header")
        await choose(screen, "kept")
        await screen.press("ctrl+d")
        assert "read-only" in screen.notice
        await screen.command("pods default")
        await screen.until(lambda: "PROD" not in screen.line("header"), "elsewhere")


async def test_a_restart_stands_in_the_log_between_what_was_said_before_and_after(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    script = (
        "if [ -e /kept/x ]; then echo said after; exec sleep 600; fi;"
        " touch /kept/x; echo said before; until [ -e /kept/go ]; do sleep 0.2; done; exit 3"
    )
    container = {
        "name": "c", "image": here.shell_image(), "command": ["sh", "-c", script],
        "volumeMounts": [{"name": "kept", "mountPath": "/kept"}],
    }  # fmt: skip
    spec = {
        "containers": [container], "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "kept", "emptyDir": {}}],
    }  # fmt: skip
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "again"}, "spec": spec}
    here.apply(pod, namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"pods {namespace}")
        await screen.until(lambda: "● Running" in line_of(screen, "again"), "running")
        await screen.press("l")
        await screen.until(lambda: "said before" in screen.text, "its log")
        here.kubectl("exec", "-n", namespace, "again", "--", "touch", "/kept/go")
        await screen.until(lambda: "said after" in screen.text, "its next log")
        await screen.until(lambda: "restarted (1)" in screen.text, "what was between")
        told = [screen.text.index(each) for each in ("said before", "restarted (1)", "said after")]
        assert told == sorted(told)
        assert screen.text.count("said before") == screen.text.count("restarted (1)") == 1
        await screen.press("f")
        await screen.type("after")
        await screen.press("enter")
        await screen.until(
            lambda: (
                "said before" not in screen.text
                and "restarted (1)" in screen.text
                and "said after" in screen.text
            ),
            "filtered",
        )
        assert screen.text.index("restarted (1)") < screen.text.index("said after")


async def _printed(here: Cluster, words: list[str]) -> list[str]:
    """What a command says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mltui", *words, stdout=asyncio.subprocess.PIPE, env=here.environ
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().splitlines()


async def test_the_logs_of_a_deployment_are_those_of_all_its_pods_and_of_those_that_come(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    made = a_deployment("web", 2, image=here.shell_image())
    (container,) = made["spec"]["template"]["spec"]["containers"]
    container["command"] = ["sh", "-c", 'while :; do echo "from $(hostname)"; sleep 1; done']
    side = container | {"name": "side", "command": ["sh", "-c", "echo beside; exec sleep 600"]}
    made["spec"]["template"]["spec"]["containers"].append(side)
    ready = container | {"name": "ready", "command": ["sh", "-c", "echo prepared"]}
    made["spec"]["template"]["spec"]["initContainers"] = [ready]
    here.apply(made, namespace=namespace)
    here.kubectl("rollout", "status", "deploy/web", "-n", namespace, "--timeout=90s")

    def speakers(screen: Driver) -> set[str]:
        return set(re.findall(r"from (web-[a-z0-9-]+)", screen.text))

    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"deploy {namespace}")
        await choose(screen, "web")
        await screen.press("l")
        await screen.until(lambda: len(speakers(screen)) == 2, "both pods")
        await screen.press("g")
        await screen.until(
            lambda: "beside" in screen.text and "prepared" in screen.text, "all containers"
        )
        await screen.press("G")
        here.kubectl("scale", "deploy/web", "--replicas=3", "-n", namespace)
        await screen.until(lambda: "joined" in screen.text, "the third pod joins")
        await screen.until(lambda: len(speakers(screen)) == 3, "the third pod")
        words = shlex.split(command_of(lists(screen).pane.log_pane))
        assert words[2:4] == ["deployment/web", "-n"] and words[-1] == "-f"
        again = await _printed(here, words[1:-1])
        assert {line.partition("  ")[0].count("/") for line in again} == {1}
        assert all(each in "\n".join(again) for each in ("prepared", "beside", *speakers(screen)))
        await screen.press("escape")
        await screen.until(lambda: "deployments" in screen.line("header"), "back")
