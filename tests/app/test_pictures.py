"""What every screen looks like: in three sizes, dark, light and without Unicode, the clock stopped.

One app goes from screen to screen and through the sizes, so these also hold that nothing is left of
the size or the theme before. Behaviour is asserted in the stories; these hold layout and colours.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mltui.app import theming
from mltui.app.main import HOSTS
from mltui.live.kinds.kube import _object
from mltui.runs.project import Project
from mltui.serving import series

from .album import DARK, FOLDER, IS_WRITING, LIGHT, PLAIN, Album
from .clusterhost import cluster
from .dockerhost import docker
from .driver import Driver
from .seed import NOON, Seed
from .supervised import NAME, Supervised
from .worlds import digits
from .worlds import world as digits_world

SIZES = [(80, 24), (120, 40), (200, 60)]
LOOKS = [(DARK, LIGHT), (PLAIN,)]
if "MLTUI_QUICK" in os.environ and not IS_WRITING:
    SIZES, LOOKS = SIZES[:1], [(DARK,)]
ON_HOSTS = ("docker", "cluster")
"""Of these `make quick` takes none: a live list is waited for before each."""
NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "KUBECONFIG": "/nowhere/kubeconfig"}
THEMES = {DARK: "mltui-dark", LIGHT: "mltui-light", PLAIN: "mltui-dark"}


@dataclass(frozen=True)
class Shot:
    """A screen and the way there from the pipeline.

    A step is a key, a line for the prompt (`:pods`), letters to type (`"po`), the name of a row to
    put the cursor on (`@web-1`), or a text to wait for (`?Events`). `sees` stands there before the
    picture is taken.
    """

    name: str
    way: Sequence[str] = ()
    sees: str = ""


WORLDS: dict[str, list[Shot]] = {
    "running": [
        Shot("running"),
        Shot("gate", ["g"]),
        Shot("log-of-a-stage", ["l", "z"]),
        Shot("cancel", ["ctrl+k"]),
    ],
    "failed": [
        Shot("failed"),
        Shot("explain", ["x"]),
        Shot("inputs", ["i"]),
        Shot("runs", ["R"]),
        Shot("compare", ["R", "c"]),
        Shot("run", ["n"]),
        Shot("triage", ["t"]),
        Shot("evidence", ["t", "enter"]),
        Shot("fix", ["t", "f"]),
        Shot("help", ["question_mark"]),
        Shot("help-found", ["question_mark", '"scale']),
        Shot("palette", ["colon"]),
        Shot("palette-typed", ["colon", '"po']),
        Shot("themes", [":theme"]),
    ],
    "broken": [
        Shot("build", ["b"]),
        Shot("builds", [":builds"]),
        Shot("build-page", [":builds", "enter"]),
    ],
    "paused": [Shot("paused", ["g"]), Shot("decide", ["d"])],
    "fan_out": [Shot("items")],
    "fresh": [Shot("fresh")],
    "wrong": [Shot("wrong")],
    "serving": [Shot("service", ["end", "up"]), Shot("monitor", ["end"])],
    "nothing": [
        Shot("no-hosts", [], "can't be reached"),
        Shot("no-project", ["escape"]),
        Shot("nothing-wrong", ["t"], "does not answer"),
    ],
    "docker": [
        Shot("containers", [":containers", "@digits-14-train-2"], "98%"),
        Shot("container", [":containers", "@digits-14-train-2", "d"], "Limits"),
        Shot("images", [":images"]),
        Shot("log", [":containers", "@classifier-local-1", "l"], "GET /predict?digit=9"),
        Shot("log-json", [":containers", "@digits-14-train-3", "l"], "kernel matrix"),
        Shot("log-search", [":containers", "@digits-14-train-3", "l", "?kernel matrix",
                            "slash", '"epoch', "enter"], "/epoch 44/60"),
        Shot("log-merged",
             [":containers", "@shop-web-1", "space", "@shop-db-1", "space", "l"], "2 containers"),
        Shot("columns", [":containers", "@digits-14-train-2", "V"]),
        Shot("removal", [":containers", "@scratch", "ctrl+d"]),
    ],
    "cluster": [
        Shot("pods", [":pods"], "212Mi"),
        Shot("pod", [":pods", "@digits-14-train-2", "d"], "Events"),
        Shot("pod-yaml", [":pods", "@digits-14-train-2", "y"], "kind: Pod"),
        Shot("tree", [":pods", "@classifier-7c9d5-4fqxz", "T"]),
        Shot("deletion", [":pods", "@warehouse-0", "ctrl+d"]),
        Shot("deployments", [":deployments"]),
        Shot("scale", [":deployments", "@gateway", "s"]),
        Shot("events", [":events"]),
        Shot("nodes", [":nodes"], "29Gi"),
        Shot("namespaces", [":pods", "N"], "kube-system"),
        Shot("contexts", [":ctx"], "production"),
        Shot("no-cronjobs", [":cronjobs"], "no cronjobs here"),
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch, steady: None) -> Iterator[None]:
    """It is noon, all the time; no host is known."""
    monkeypatch.setattr(time, "time", lambda: NOON)
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    _object._unicode.cache_clear()  # a process has one alphabet, these tests have two
    _object.marked.cache_clear()
    yield
    _object._unicode.cache_clear()
    _object.marked.cache_clear()


@pytest.fixture
def nothing(tmp_path: Path) -> Project:
    """A folder in which there is nothing."""
    (tmp_path / "home").mkdir()
    return Project(tmp_path / "home")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Project]:
    """A service with curves, and a monitor that measured."""
    seed = Seed.project_of(tmp_path / "digits", digits())
    seed.run(digits_world(), began=NOON - 9_000)
    made = Supervised(seed.project)
    made.deploy(1, 0.987)
    made.settle()
    with closing(made.ledger()) as ledger:
        for n in range(60):
            values = {
                "digits_total": ("rate", float(n % 20)),
                "latency_seconds": ("value", 0.02 + 0.001 * (n * n % 17)),
            }
            series.record(ledger, NAME, NOON - 3_000 + 50 * n, values)
        row = ledger.monitor("drift", "local")
        assert row is not None
        number = ledger.begin_measurement(row, NOON - 1_800, NOON + 1_800)
        ledger.end_measurement(
            row, number, verdict="passed", rows=600, metrics={"psi": 0.08}, reason="", run=None
        )
    yield made.project
    made.lock.release()


@asynccontextmanager
async def opened(
    world: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Driver]:
    """The app on a project, or beside a host."""
    async with AsyncExitStack() as stack:
        fixture = world
        if world == "docker":
            made = await stack.enter_async_context(docker(tmp_path / "d.sock"))
            fixture = "fresh"
        elif world == "cluster":
            made = await stack.enter_async_context(cluster(tmp_path / "kubeconfig"))
            fixture = "fresh"
        else:
            made = {}
        for name, value in made.items():
            monkeypatch.setenv(name, value)
        project = request.getfixturevalue(fixture)
        opens = HOSTS if world == "nothing" else ""
        yield await stack.enter_async_context(
            Driver.open(project, size=SIZES[0], now=NOON, opens=opens)
        )


@pytest.mark.parametrize("looks", LOOKS, ids=["themes", "plain"][: len(LOOKS)])
@pytest.mark.parametrize(
    "world",
    [pytest.param(each, marks=pytest.mark.slow) if each in ON_HOSTS else each for each in WORLDS],
)
async def test_screens_look_as_they_are_kept(
    world: str,
    looks: Sequence[str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if PLAIN in looks:
        monkeypatch.setenv("LC_ALL", "C")
    wrong: list[str] = []
    async with opened(world, request, monkeypatch, tmp_path) as screen:
        for shot in WORLDS[world]:
            album = Album(shot.name)
            if album.is_left:
                continue
            if shot.way or shot is not WORLDS[world][0]:
                await home(screen)
            for step in shot.way:
                await take(screen, step)
            if shot.sees:
                await screen.sees(shot.sees)
            wrong += await in_all_sizes(screen, album, looks, is_wrong=bool(wrong))
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("theme", ["high-contrast", "colour-blind-safe", "ansi", "no-colour"])
async def test_other_themes_look_as_they_are_kept(
    theme: str, failed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*(("NO_COLOR", "1") if theme == "no-colour" else ("MLTUI_THEME", theme)))
    album = Album(f"theme-{theme}")
    async with Driver.open(failed, size=SIZES[0], now=NOON) as screen:
        wrong = [await album.difference(screen, each) for each in (DARK, LIGHT)]
    if IS_WRITING:
        album.write()
    assert not any(wrong), wrong[0]


def test_no_picture_is_left_of_a_screen_that_is_gone() -> None:
    known = {shot.name for shots in WORLDS.values() for shot in shots}
    kept = {file.stem for file in FOLDER.glob("*.txt")}
    assert known == {name for name in kept if not name.startswith("theme-")}


async def in_all_sizes(
    screen: Driver, album: Album, looks: Sequence[str], *, is_wrong: bool
) -> list[str]:
    """What is otherwise than in the album; back in the first size at the end."""
    wrong: list[str] = []
    for n, size in enumerate(SIZES):
        await screen.resize(*size)
        for look in looks if n % 2 == 0 else looks[::-1]:
            wear(screen, look)
            patient = not (is_wrong or wrong)
            if said := await album.difference(screen, look, is_patient=patient):
                wrong.append(said)
    wear(screen, looks[0])
    await screen.resize(*SIZES[0])
    if IS_WRITING:
        album.write()
    return wrong


def wear(screen: Driver, look: str) -> None:
    """Put on a theme."""
    if screen.app.theme != THEMES[look]:
        theme = theming.load_one(THEMES[look])
        assert theme is not None
        screen.app.register_theme(theme)
        screen.app.theme = theme.name


async def take(screen: Driver, step: str) -> None:
    """A step of a way."""
    if step.startswith(":"):
        await screen.command(step[1:])
    elif step.startswith('"'):
        await screen.type(step[1:])
    elif step.startswith("?"):
        await screen.sees(step[1:])
    elif step.startswith("@"):
        await screen.choose(step[1:])
    else:
        await screen.press(step)


async def home(screen: Driver) -> None:
    """To the pipeline, its log beside it, whatever is open."""
    bench = screen.app.workbench
    for _ in range(12):
        at_home = bench.selection.place == "pipeline" and bench.stages.has_focus
        if at_home and len(screen.app.screen_stack) == 1:
            break
        await screen.press("escape")
    else:
        raise AssertionError(f"Esc does not lead back:\n{screen.text}")
    bench.detail.show_tab("log")
    bench.frame.notice("", bad=False)
