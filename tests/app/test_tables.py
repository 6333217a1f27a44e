"""Lists as a whole, on a real Docker host: sort, filter, columns, groups, marks, copies, views."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from mltui.runs.project import Project

from .driver import Driver

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host


@pytest.fixture
def three(docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Three containers whose names begin alike: one failed, one ended, one runs."""
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        if name in docker_host.environ:
            monkeypatch.setenv(name, docker_host.environ[name])
    mark = f"t{uuid.uuid4().hex[:6]}"
    commands = {"a-runs": "exec sleep 600", "b-fails": "exit 3", "c-ends": "exit 0"}
    for name, command in commands.items():
        argv = ("run", "-d", "--name", f"{mark}-{name}", "--network", "none", "--stop-timeout", "0")
        docker_host.run(*argv, _testbed.BASE_IMAGE, "sh", "-c", command)
    yield mark
    docker_host.run("rm", "-fv", *(f"{mark}-{name}" for name in commands), check=False)


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []

    async def keep(app: object, text: str) -> bool:
        texts.append(text)
        return True

    monkeypatch.setattr("mltui.app.arranging.copy", keep)
    return texts


def listed(screen: Driver, mark: str) -> list[str]:
    """The containers on screen, by what follows the mark, top to bottom."""
    grid = [line for line in screen.lines if f" {mark}-" in f" {line[2:]}"]
    rows = [line for line in grid if not line.startswith(" container ")]
    return [line.split(f"{mark}-", 1)[1].split()[0] for line in rows]


async def show(screen: Driver, mark: str, more: str = "") -> None:
    await screen.command("containers")
    await screen.press("slash")
    await screen.type(f"{mark} {more}".strip())
    await screen.press("enter")
    await screen.sees(mark)


async def test_a_filter_asks_text_states_and_numbers(fresh: Project, three: str) -> None:
    async with Driver.open(fresh, size=(160, 30)) as screen:
        await show(screen, three)
        await screen.until(lambda: len(listed(screen, three)) == 3, "all three")
        for needle, names in {
            "state:exited": ["b-fails", "c-ends"],
            "!fails state:exited": ["c-ends"],
            "status!=exited": ["a-runs"],
            "age<1h": ["a-runs", "b-fails", "c-ends"],
            "age>1h": [],
            f"name:{three}-[ab]": ["a-runs", "b-fails"],
        }.items():
            screen.app.workbench.filter(f"{three} {needle}")
            await screen.until(
                lambda names=names: sorted(listed(screen, three)) == names,  # type: ignore[misc]
                needle,  # a container ends in its own time
            )


async def test_order_columns_and_groups_are_chosen_and_remembered(
    fresh: Project, three: str
) -> None:
    async with Driver.open(fresh, size=(160, 30)) as screen:
        await show(screen, three)
        await screen.until(lambda: len(listed(screen, three)) == 3, "all three")
        await screen.command("sort name")
        first = listed(screen, three)
        grid = screen.app.workbench.listed.pane.grid  # type: ignore[union-attr]
        kept = grid.cursor_key
        await screen.press("O")
        assert listed(screen, three) == first[::-1] and grid.cursor_key == kept
        await screen.command("columns state name")
        header = next(line for line in screen.lines if "STATE" in line)
        assert "IMAGE" not in header and header.index("STATE") < header.index("NAME")
        await screen.command("group state")
        await screen.until(lambda: "exited 3" in screen.line_of(f"{three}-b"), "its state")
        await screen.press("escape", "escape")
        await show(screen, three)
        await screen.until(lambda: "IMAGE" not in screen.text and "STATE" in screen.text, "kept")
        await screen.command("group none")
        await screen.press("V")
        await screen.sees("Space shows or hides")
        await screen.press("r", "enter")
        await screen.sees("IMAGE")
    async with Driver.open(fresh, size=(60, 20)) as screen:
        await show(screen, three)
        await screen.press("w")
        assert "AGE" not in next(line for line in screen.lines if "NAME" in line)
        await screen.press(*["right"] * 9)
        assert "NAME" in screen.text and "STATE" not in screen.text


async def test_what_is_marked_is_copied_and_acted_on(
    fresh: Project, three: str, copied: list[str], docker_host: DockerHost
) -> None:
    async with Driver.open(fresh, size=(160, 30)) as screen:
        await show(screen, three)
        await screen.until(lambda: len(listed(screen, three)) == 3, "all three")
        await screen.until(lambda: "exited 3" in screen.line_of(f"{three}-b"), "how one ended")
        await screen.press("A", "Y")
        await screen.sees("the 3 marked rows as JSON")
        await screen.press("escape")
        for what in ("name", "row json", "table csv", "state", "row"):
            await screen.command(f"copy {what}")
        names, rows, table, states, text = copied
        assert sorted(names.split()) == sorted(
            f"{three}-{n}" for n in ("a-runs", "b-fails", "c-ends")
        )
        assert {row["kind"] for row in json.loads(rows)} == {"container"} and len(
            table.split("\n")
        ) == 5
        assert "exited 3" in states and text.splitlines()[0].startswith("NAME")
        await screen.command("copy colour")
        assert "no column 'colour': there are name" in screen.notice
        await screen.press("ctrl+d")
        await screen.sees("Remove 3 containers")
        await screen.press("y")
        await screen.until(lambda: not docker_host.run("ps", "-aq", "-f", f"name={three}"), "gone")


async def test_a_view_is_kept_and_shown_again(fresh: Project, three: str) -> None:
    async with Driver.open(fresh, size=(160, 30)) as screen:
        await show(screen, three, "state:exited")
        await screen.command("keep-view broken")
        await screen.press("escape", "escape")
        await screen.command("view broken")
        await screen.until(lambda: len(listed(screen, three)) == 2, "the same again")
        await screen.command("view nothing")
        assert "there are broken" in screen.notice


async def test_one_goes_to_relatives_and_back_and_forward(fresh: Project, three: str) -> None:
    async with Driver.open(fresh, size=(160, 30)) as screen:
        await screen.press("z")
        assert not screen.app.workbench.left.display
        await screen.press("z")
        await show(screen, f"{three}-a")
        await screen.until(lambda: "running" in screen.line_of(f"{three}-a"), "it runs")
        await screen.press("J")
        if "Go to what?" in screen.text:
            await screen.press("enter")
        await screen.until(lambda: "▸ images" in screen.line("header"), "the images")
        image = _testbed.BASE_IMAGE.partition(":")[0]
        await screen.until(lambda: image in screen.line("story"), "its image")
        await screen.press("left_square_bracket")
        await screen.until(lambda: "▸ containers" in screen.line("header"), "back")
        await screen.press("left_square_bracket")
        assert screen.app.workbench.listed is None
        await screen.press("left_square_bracket")
        assert screen.notice == "there is no place before"
        await screen.press("right_square_bracket", "right_square_bracket")
        await screen.until(lambda: "▸ images" in screen.line("header"), "forward")
