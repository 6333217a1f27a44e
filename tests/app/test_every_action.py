"""Every verb is tried on the screens that have it: it does something or says why it can't.

What is not a sentence on the screen then is a dead key; an exception ends the app, and the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mltui.actions import registry
from mltui.actions.action import Action
from mltui.actions.selection import LISTS, PAGE, Selection
from mltui.runs.project import Project

from .driver import Driver
from .seed import NOON

LEAVES = ("mltui.quit", "look.back")
"""Ends the app; has nothing to go back from where nothing is open."""
RUNS = ("stage.retry", "run.retry_failed")
"""Act at once, without a question; they are pressed in the stories of real runs."""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Docker host, no cluster, no editor: what needs one has to say so."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none.yaml"))
    monkeypatch.setenv("EDITOR", "true")


def keyed(place: str) -> list[Action]:
    """What has a key in this place."""
    skipped = (*LEAVES, *RUNS)
    found = [each for each in registry.ACTIONS if each.keys and place in each.places]
    return [each for each in found if each.id not in skipped]


async def back_to(screen: Driver, way: Sequence[str], start: object = None) -> None:
    """Leave whatever is open, and go where the keys are tried, unless that is there (`start`)."""
    bench = screen.app.workbench
    if start is not None and start == where(screen):
        return
    for _ in range(12):
        at_start = bench.selection.place == "pipeline" and bench.stages.has_focus
        if at_start and len(screen.app.screen_stack) == 1 and not bench.stages.needle:
            break
        await screen.press("escape")
    else:
        raise AssertionError(f"Esc does not lead back:\n{screen.text}")
    await screen.press(*way)


def where(screen: Driver) -> object:
    """What has the keys, with what."""
    bench, app = screen.app.workbench, screen.app
    return bench.selection.place, bench.stages.cursor, app.focused, len(app.screen_stack)


async def silent(screen: Driver, way: Sequence[str], actions: Sequence[Action]) -> list[str]:
    """Actions of which no key changed anything or said anything."""
    found, start = [], where(screen)
    for each in actions:
        heard = []
        for key in each.keys:
            await back_to(screen, way, start)
            frame = screen.app.workbench.frame
            frame.notice("", bad=False)
            before = screen.text, screen.app.focused
            if registry.for_key(key, screen.app.workbench.selection) is not each:
                continue  # another one's here
            await screen.press(key)
            heard.append(before != (screen.text, screen.app.focused))
        if heard and not any(heard):
            found.append(each.id)
    return found


WAYS = {
    "stage": ("failed", ()),
    "service": ("failed", ("G", "up")),
    "runs": ("failed", ("R",)),
    "triage": ("failed", ("t",)),
    "build": ("broken", ("colon", *"builds", "enter", "enter")),
    "fresh": ("fresh", ()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(WAYS))
async def test_no_key_is_dead(name: str, request: pytest.FixtureRequest) -> None:
    fixture, way = WAYS[name]
    project: Project = request.getfixturevalue(fixture)
    async with Driver.open(project, now=NOON) as screen:
        await screen.press(*way)
        actions = keyed(screen.app.workbench.selection.place)
        assert len(actions) > 10
        assert not await silent(screen, way, actions)


@pytest.mark.slow
async def test_every_command_without_a_key_answers(failed: Project) -> None:
    named = {each.title: each for each in registry.ACTIONS if each.command and not each.keys}
    async with Driver.open(failed, now=NOON) as screen:
        for each in named.values():
            await back_to(screen, ())
            screen.app.workbench.frame.notice("", bad=False)
            before = screen.text
            await screen.command(each.command)
            assert screen.text != before, f":{each.command} says nothing"


@pytest.mark.parametrize("kind", [*LISTS, "resources"])
def test_verbs_of_other_kinds_refuse_on_a_page_without_looking_at_what_it_shows(kind: str) -> None:
    chosen = Selection(Project(Path("/nowhere")), place=PAGE, kind=kind, things=(object(),))
    for each in registry.ACTIONS:
        if kind not in each.places:
            assert registry.refusal(each, chosen), each.id
