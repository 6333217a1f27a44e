"""Lists in place of the pipeline, of a real Docker host: live rows, pages, logs, verbs."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from mltui.app.firstlook import ask, frame
from mltui.app.lists import Lists
from mltui.runs.project import Project

from .driver import Driver
from .seed import NOON

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host

Run = Callable[..., str]
CHATTY = "echo secret-free; echo ready; exec sleep 600"


@pytest.fixture
def host(docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch) -> DockerHost:
    """The daemon, found as a person's is."""
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        if name in docker_host.environ:
            monkeypatch.setenv(name, docker_host.environ[name])
    return docker_host


@pytest.fixture
def run(host: DockerHost) -> Iterator[Run]:
    """Start a container; its name. All are removed afterwards."""
    names: list[str] = []

    def start(name: str, *options: str, command: str = CHATTY) -> str:
        full = f"app-{uuid.uuid4().hex[:6]}-{name}"
        names.append(full)
        argv = ("run", "-d", "--name", full, "--label", "mltui.test=app", "--stop-timeout", "0")
        image = _testbed.BASE_IMAGE
        host.run(*argv, "--network", "none", *options, image, "sh", "-c", command)
        return full

    yield start
    host.run("rm", "-fv", *names, check=False)


def lists(screen: Driver) -> Lists:
    listed = screen.app.workbench.listed
    assert listed is not None
    return listed


def state(screen: Driver, name: str) -> str:
    """What the list says of a container."""
    return next((line for line in screen.lines if name[:10] in line), "")


async def choose(screen: Driver, name: str) -> None:
    """Open the list, and put the cursor on a container."""
    await screen.command("containers")
    await screen.until(lambda: name in str(lists(screen).pane.grid.model.rows.values()), name)
    rows = lists(screen).pane.grid.model.rows
    key = next(key for key, row in rows.items() if row.name == name)
    lists(screen).pane.grid.cursor_key = key
    await screen.settle()


async def test_a_container_comes_stops_and_goes_before_the_eyes(fresh: Project, run: Run) -> None:
    async with Driver.open(fresh, size=(160, 30)) as screen:
        first = run("first")
        await choose(screen, first)
        assert "▸ containers" in screen.line("header") and "docker" in screen.line("header")
        await screen.until(lambda: "● running" in state(screen, first), "running")
        second = run("second")
        await screen.sees(second)
        await screen.press("slash")
        await screen.type("label:mltui.test=nobody")
        assert "fits label:mltui.test=nobody: Esc shows all" in screen.text
        await screen.press("escape", "slash")
        await screen.type("-l mltui.test=app")
        await screen.press("enter")
        assert first in screen.text and second in screen.text
        await screen.press("escape")
        await screen.press("x")
        assert f"Stop container {first} on docker?" in screen.text
        await screen.press("tab", "enter")
        await screen.until(lambda: "exited 137" in state(screen, first), "it stopped")
        assert screen.notice == f"stopped container {first}"
        assert "x Stop" not in screen.line("footer") and "u Start" in screen.line("footer")
        await screen.press("x")
        assert screen.notice == "Stop: it does not run"
        await screen.press("u")
        await screen.until(lambda: "● running" in state(screen, first), "it runs again")
        await screen.press("ctrl+d")
        assert "Remove container" in screen.text
        await screen.press("escape")
        assert first in screen.text
        await screen.press("ctrl+d", "tab", "enter")
        grid = lists(screen).pane.grid
        await screen.until(lambda: first not in str(grid.model.rows.values()), "it went")
        assert second in screen.text
        await screen.press("escape")
        assert "▸ containers" not in screen.line("header") and screen.stages


async def test_the_screen_takes_over_what_was_there_before_it(fresh: Project, run: Run) -> None:
    name = run("first")
    seen = await ask("containers", fresh.root, {})
    assert seen is not None
    before = frame(seen, fresh.root.name, 180, 30)
    async with Driver.open(fresh, size=(180, 30), seen=seen) as screen:
        assert screen.lines[1] == before[1]
        mine = next(line for line in before if name[:10] in line)
        upto = before[1].index("↻")  # measured by now
        await screen.until(lambda: state(screen, name)[2:upto] == mine[2:upto], mine)
        await screen.press("escape")
        assert "▸ containers" not in screen.line("header")


async def test_a_container_is_looked_at_in_three_ways(fresh: Project, run: Run) -> None:
    name = run("web", "-e", "API_TOKEN=hunter2", "-e", "MODE=fast")
    run("other")  # what the filter leaves out
    async with Driver.open(fresh, size=(120, 60)) as screen:
        await choose(screen, name)
        await screen.press("d")
        await screen.sees("What it is")
        assert "MODE" in screen.text and "fast" in screen.text
        assert "API_TOKEN" in screen.text and "hunter2" not in screen.text
        await screen.press("y")
        await screen.sees('"State":')
        assert "hunter2" not in screen.text
        await screen.press("l")
        await screen.sees("secret-free")
        await screen.press("escape")
        assert "STATE" in screen.text
        await screen.press("slash")
        await screen.type(name)
        await screen.press("enter")
        rows = lists(screen).pane.grid.model.rows  # others' containers come and go
        await screen.until(lambda: f"1 of {len(rows)}" in screen.line("header"), "how many")


async def test_what_goes_on_in_a_container_is_looked_at(fresh: Project, run: Run) -> None:
    name = run("busy", "-e", "API_TOKEN=hunter2", command="echo x > /tmp/made; exec sleep 612")
    async with Driver.open(fresh, size=(120, 40)) as screen:
        await choose(screen, name)
        await screen.press("T")
        await screen.sees("sleep 612")
        await screen.press("m")
        await screen.sees("a reading a second")
        assert "CPU %" in screen.text and "Memory MiB" in screen.text
        await screen.command("environment")
        await screen.sees("API_TOKEN  ******")
        await screen.press("f")
        await screen.sees("/tmp/made")
        await screen.press("escape", "x", "tab", "enter")
        await screen.until(lambda: "exited 137" in state(screen, name), "it stopped")
        await screen.press("T")
        assert screen.notice == f"container {name} does not run: it has no processes"
        await screen.press("s")
        assert screen.notice == f"no shell: container {name} does not run"


async def test_an_image_is_taken_apart_and_named_anew(fresh: Project, host: DockerHost) -> None:
    name = f"mltui-test/{uuid.uuid4().hex[:8]}:one"
    other = name.replace(":one", ":two")
    host.run("tag", _testbed.BASE_IMAGE, name)
    try:
        async with Driver.open(fresh, size=(120, 30)) as screen:
            await screen.command("images")
            await screen.until(lambda: name in str(lists(screen).pane.grid.model.rows.values()))
            rows = lists(screen).pane.grid.model.rows
            key = next(key for key, row in rows.items() if name in row.names)
            lists(screen).pane.grid.cursor_key = key
            await screen.settle()
            await screen.press("l")
            await screen.sees("layer")
            assert "█" in screen.text
            await screen.press("escape")
            await screen.command(f"tag {other}")
            await screen.until(lambda: "is also" in screen.notice, "it is tagged")
            await screen.command("pull nobody.invalid/none:1")
            await screen.until(lambda: "does not reach" in screen.notice, "pull says why not")
            await screen.command(f"push {other}")
            assert f"Push {other} from docker to docker.io?" in " ".join(screen.text.split())
            await screen.press("escape")
    finally:
        host.run("rmi", name, other, check=False)


async def test_enter_on_a_compose_project_lists_its_containers(fresh: Project, run: Run) -> None:
    project = f"shop{uuid.uuid4().hex[:6]}"
    label = "com.docker.compose"
    options = ("--label", f"{label}.project={project}", "--label", f"{label}.service=web")
    web, other = run("web", *options), run("other")
    async with Driver.open(fresh, size=(160, 30)) as screen:
        await screen.command("compose")
        await screen.until(lambda: project in str(lists(screen).pane.grid.model.rows), project)
        lists(screen).pane.grid.cursor_key = project
        await screen.settle()
        await screen.press("enter")
        await screen.until(lambda: state(screen, web) != "" and "NAME" in screen.text, web)
        assert not state(screen, other) and f'/"of {project}"' in screen.line("rule")


async def test_a_command_typed_ahead_of_its_line_is_whole(fresh: Project) -> None:
    async with Driver.open(fresh, size=(100, 30)) as screen:
        for key in ("colon", "b", "u", "i", "l", "d", "s", "enter"):
            screen.app.simulate_key(key)  # all at once, as a paste over a slow line
        await screen.until(lambda: "▸ builds" in screen.line("header"), "the command was taken")


async def test_keys_of_a_line_act_in_the_order_they_are_typed(fresh: Project) -> None:
    async with Driver.open(fresh, size=(100, 30)) as screen:
        await screen.press("colon")
        await screen.type("runs and more")
        for key in ("ctrl+u", "b", "u", "x", "backspace", "i", "l", "d", "s", "enter"):
            screen.app.simulate_key(key)
        await screen.until(lambda: "▸ builds" in screen.line("header"), "the command was taken")


async def test_a_daemon_that_does_not_answer_is_said_and_got_over(
    fresh: Project, host: DockerHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{fresh.root}/nobody.sock")
    async with Driver.open(fresh, size=(120, 30)) as screen:
        await screen.command("containers")
        await screen.sees("no answer from docker")
        await screen.press("d")
        assert screen.notice == "docker does not answer; it is tried again by itself"
        address = host.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        (fresh.root / "nobody.sock").symlink_to(address.removeprefix("unix://"))
        await screen.until(lambda: "live" in screen.line("header"), "it answers")
        await screen.press("escape")
        await screen.press("q")


async def test_builds_are_listed_and_opened(broken: Project) -> None:
    async with Driver.open(broken, size=(140, 40), now=NOON) as screen:
        await screen.command("builds")
        await screen.sees("prep-2")
        assert "✗ failed" in screen.text and "✓ built" in screen.text and "60%" in screen.text
        await screen.press("enter")
        await screen.sees("✗ 6 RUN pip install")
        assert screen.app.workbench.selection.position == ("images/prep/requirements.txt", 2)
        await screen.press("l")
        await screen.sees("Collecting pillow")
        with closing(broken.journal()) as journal:
            assert journal.build(lists(screen).pane.log_pane.target.removeprefix("build/"))
        await screen.press("escape", "escape")
        assert screen.stages


SPEAKS = "i=0; while :; do i=$((i+1)); echo {} $i; sleep 0.2; done"


async def test_the_logs_of_marked_containers_are_one_by_time(
    fresh: Project, run: Run, host: DockerHost
) -> None:
    """A source column, marks where one restarts or goes, every line once, each can be hidden."""
    first, second = (run(name, command=SPEAKS.format(name)) for name in ("first", "second"))
    async with Driver.open(fresh, size=(120, 40)) as screen:
        await choose(screen, first)
        await screen.press("space")
        grid = lists(screen).pane.grid
        await screen.until(lambda: second in str(grid.model.rows.values()), second)
        grid.cursor_key = next(key for key, row in grid.model.rows.items() if row.name == second)
        await screen.press("space", "l")
        both = (re.compile(r" first \d"), re.compile(r" second \d"))
        await screen.until(lambda: all(each.search(screen.text) for each in both), "both")
        assert "2 containers" in screen.line("header")
        pane = lists(screen).pane.log_pane
        assert {f"container/{first}", f"container/{second}"} == set(pane.target.split())
        is_second = pane.target.endswith(first)
        host.run("restart", "-t", "0", first)
        await screen.sees(f"{first}: container restarted")
        await screen.press("H")
        await screen.sees("Hide which log")
        await screen.press(*(() if is_second else ("down",)), "enter")
        await screen.until(
            lambda: (
                "1 of 2 logs" in screen.text
                and both[0].search(screen.text) is not None
                and not both[1].search(screen.text)
            ),
            "hidden",
        )
        await screen.press("H")
        await screen.sees("Hide which log")
        await screen.press("down", "down", "enter")
        await screen.until(lambda: "1 of 2 logs" not in screen.text, "shown again")

        def numbers() -> dict[bytes, list[int]]:
            index, found = pane.index, dict[bytes, list[int]]()
            assert index is not None
            for name, _, number in (line.partition(b" ") for line in index.read(range(index.end))):
                if number.isdigit():  # the last line may not be whole yet
                    found.setdefault(name, []).append(int(number))
            return found

        await screen.until(lambda: numbers()[b"first"].count(1) == 2, "what it says since")
        host.run("rm", "-f", second)
        await screen.sees(f"{second} left")
        counts = numbers()
        ends = counts[b"second"][-1]
        assert counts[b"second"] == list(range(1, ends + 1))
        again = counts[b"first"].index(1, 1)
        assert counts[b"first"][:again] == list(range(1, again + 1))
        await screen.press("escape")
        assert "STATE" in screen.text


async def test_more_logs_than_can_be_shown_together_are_left_out_and_that_is_said(
    fresh: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltui.app.listlogs.MOST_SOURCES", 1)
    first, second = (run(name, command=f"echo from {name}; exec sleep 600") for name in ("a", "b"))
    async with Driver.open(fresh, size=(120, 40)) as screen:
        await choose(screen, first)
        await screen.press("space")
        grid = lists(screen).pane.grid
        await screen.until(lambda: second in str(grid.model.rows.values()), second)
        grid.cursor_key = next(key for key, row in grid.model.rows.items() if row.name == second)
        await screen.press("space", "l")
        await screen.until(lambda: "1 more left out: 1 logs at a time" in screen.notice, "said")
        await screen.until(lambda: "from a" in screen.text or "from b" in screen.text, "one")


async def test_the_first_line_of_a_long_log_is_one_key_more(
    fresh: Project, run: Run, host: DockerHost
) -> None:
    """A long log begins near its end, and says so; all of it is fetched when asked for."""
    name = run("long", command="seq -f 'line %.0f' 1 25000; exec sleep 600")
    until = time.monotonic() + 60
    while host.run("logs", "--tail", "1", name).strip() != "line 25000":
        assert time.monotonic() < until, "it does not say all"
    async with Driver.open(fresh, size=(100, 20)) as screen:
        await choose(screen, name)
        await screen.press("l")
        await screen.sees("line 25000")
        await screen.press("g")
        await screen.sees("earlier lines are not fetched yet")
        assert "line 5001" in screen.text
        await screen.press("g")
        await screen.until(
            lambda: (
                "line 1 " in f"{screen.text} ".replace("\n", " ")
                and "earlier lines" not in screen.text
            ),
            "line 1",
        )
        pane = lists(screen).pane.log_pane
        await screen.until(lambda: pane.status.line_count == 25_000, "all")
        await screen.until(lambda: not pane.status.waiting_lines, "what was there is no news")
