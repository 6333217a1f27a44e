"""The family of an object of a real cluster, as a tree that one acts in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mltui.runs.project import Project

from .driver import Driver
from .kube import WIDE, a_deployment, choose, image, line_of, lists

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster


async def test_the_family_of_a_pod_is_a_tree_that_lives_and_leads_to_pages_and_back(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    here.apply(a_deployment("web", 1, image=image(here)), namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"pods {namespace}")
        await screen.until(lambda: "● Running" in line_of(screen, "web-"), "running")
        await screen.press("T")
        members = ("deployment/web", "replicaset/web-", "pod/web-", "container/c")
        wanted = [f"{'  ' * depth}{each}" for depth, each in enumerate(members)]
        await screen.until(lambda: all(each in screen.text for each in wanted), "the family")
        found = [screen.text.index(each) for each in wanted]
        assert found == sorted(found)
        await screen.until(lambda: "▌" in line_of(screen, "pod/web-"), "the cursor on it")
        here.kubectl("scale", "deploy/web", "--replicas=3", "-n", namespace)
        await screen.until(lambda: screen.text.count("container/c") == 3, "it grew")
        await choose(screen, "web")
        await screen.press("d")
        await screen.sees("Labels and annotations")
        await screen.press("escape", "escape")
        await screen.until(lambda: "pods" in screen.line("header"), "back")


async def test_members_of_a_family_have_the_verbs_of_what_they_are(
    fresh: Project, here: Cluster, namespace: str
) -> None:
    made = a_deployment("web", 1, image=here.shell_image())
    pod = made["spec"]["template"]["spec"]
    (first,) = pod["containers"]
    first["command"] = ["sh", "-c", "echo said by c; exec sleep 600"]
    pod["containers"].append(first | {"name": "side"})
    pod["containers"][1]["command"] = ["sh", "-c", "echo said by side; exec sleep 600"]
    here.apply(made, namespace=namespace)
    async with Driver.open(fresh, size=WIDE) as screen:
        await screen.command(f"deploy {namespace}")
        await choose(screen, "web")
        await screen.press("T")
        await screen.until(lambda: "● Running" in line_of(screen, "container/side"), "the family")
        await choose(screen, "side")
        assert "s Shell" in screen.line("footer") and "Delete" not in screen.line("footer")
        await screen.press("l")
        await screen.until(lambda: "said by side" in screen.text, "the log of that container")
        assert "said by c" not in screen.text
        await screen.press("escape")
        await screen.until(lambda: "container/c" in screen.text, "the family again")
        await choose(screen, "web")
        assert "Restart" in screen.line("footer") and "Shell" not in screen.line("footer")
        await screen.press("s")
        await screen.until(lambda: "How many pods" in screen.text, "scaling asks")
        await screen.press("ctrl+u")
        await screen.type("2")
        await screen.press("enter")
        await screen.until(lambda: screen.text.count("pod/web-") == 2, "scaled")
        before = {row.name for row in _members(screen, "pods")}
        await choose(screen, min(before))
        await screen.press("ctrl+d")
        await screen.until(lambda: f"Delete pod {min(before)}" in screen.text, "it asks")
        await screen.press("y")
        await screen.until(
            lambda: min(before) not in {row.name for row in _members(screen, "pods")}, "deleted"
        )


def _members(screen: Driver, of: str) -> list[Any]:
    return [row for row in lists(screen).pane.grid.model.rows.values() if row.of == of]
