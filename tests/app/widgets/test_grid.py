from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from textual import events, on
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from mltui.app.widgets.grid import Grid
from mltui.live.cells import Cell, Column


@dataclass(frozen=True, slots=True)
class Pod:
    name: str
    status: str = "Running"
    cpu: int | None = 0
    phase: str = "DATA"


def status(pod: Pod) -> Cell:
    if pod.status == "Failed":
        return Cell("✗ Failed", "state-failed")
    return Cell(f"● {pod.status}", "state-running")


COLUMNS: list[Column[Pod]] = [
    Column("name", "NAME", lambda pod: pod.name, min=12, flex=1),
    Column("status", "STATUS", status, width=12, priority=80),
    Column(
        "cpu",
        "CPU",
        lambda pod: "–" if pod.cpu is None else str(pod.cpu),
        width=5,
        align="right",
        priority=20,
        sort=lambda pod: pod.cpu,
    ),
]


class Tiny(App[None]):
    def __init__(self, grid: Grid[Pod]) -> None:
        super().__init__()
        self.grid = grid
        self.heard: list[tuple[str, object]] = []
        self.regions: list[Region] = []

    def compose(self) -> ComposeResult:
        yield self.grid

    @on(Grid.Highlighted)
    def highlighted(self, event: Grid.Highlighted) -> None:
        self.heard.append(("highlighted", event.key))

    @on(Grid.Opened)
    def opened(self, event: Grid.Opened) -> None:
        self.heard.append(("opened", event.key))

    @on(Grid.Marked)
    def marked(self, event: Grid.Marked) -> None:
        self.heard.append(("marked", sorted(map(str, event.keys))))

    def watch_refreshes(self, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
        """From now on: the regions the grid refreshes (an empty one: all of it)."""
        seen: list[Region] = []
        refresh = self.grid.refresh

        def spy(*regions: Region, **how: bool) -> Grid[Pod]:
            seen.extend(regions or [Region()])
            return refresh(*regions, **how)

        monkeypatch.setattr(self.grid, "refresh", spy)
        return seen


@asynccontextmanager
async def running(
    pods: list[Pod], size: tuple[int, int] = (60, 10), **how: object
) -> AsyncIterator[tuple[Tiny, Grid[Pod], Pilot[None]]]:
    grid: Grid[Pod] = Grid(COLUMNS, unicode=True, **how)  # type: ignore[arg-type]
    app = Tiny(grid)
    async with app.run_test(size=size) as pilot:
        grid.set_rows(pods, key=lambda pod: pod.name)
        await pilot.pause()
        yield app, grid, pilot


async def resized(pilot: Pilot[None], width: int, height: int) -> None:
    """Textual looks at a new size a moment later."""
    await pilot.resize_terminal(width, height)
    grid, until = pilot.app.query_one(Grid), time.monotonic() + 60
    while grid.size != (width, height):
        assert time.monotonic() < until, grid.size
        await pilot.pause()
    await pilot.pause()


def text(grid: Grid[Pod]) -> list[str]:
    lines = [grid.render_line(y).text.rstrip() for y in range(grid.size.height)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def pods(count: int) -> list[Pod]:
    return [Pod(f"pod-{n:05}", cpu=n) for n in range(count)]


async def test_it_shows_rows_under_a_header() -> None:
    async with running([Pod("a", cpu=7), Pod("b", "Failed", cpu=None)], empty="no pods") as (
        _,
        grid,
        _pilot,
    ):
        assert text(grid) == [
            "  NAME                                   STATUS          CPU",
            "▌ a                                      ● Running         7",
            "  b                                      ✗ Failed          –",
        ]
        assert {len(line) for line in text(grid)} == {60}
        grid.set_rows([], key=lambda pod: pod.name)
        assert text(grid)[1:] == ["  no pods"]
        assert grid.cursor_key is None


async def test_a_row_has_few_segments_and_roles_have_colours() -> None:
    async with running([Pod("a"), Pod("b", "Failed"), Pod("c")]) as (_, grid, _pilot):
        plain, failed = grid.render_line(3), grid.render_line(2)
        assert len(list(plain)) <= 3
        colours = {segment.text: segment.style for segment in failed}
        style = colours["✗ Failed"]
        assert style is not None
        assert style.bold
        assert style.color != failed._segments[0].style.color  # type: ignore[union-attr]


async def test_an_equal_row_repaints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(pods(50)) as (app, grid, _pilot):
        seen = app.watch_refreshes(monkeypatch)
        grid.apply({"pod-00002": Pod("pod-00002", cpu=2)})
        grid.set_rows(pods(50), key=lambda pod: pod.name)
        grid.tick()
        assert seen == []


async def test_a_changed_row_repaints_the_cells_that_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(pods(50)) as (app, grid, _pilot):
        seen = app.watch_refreshes(monkeypatch)
        grid.apply({"pod-00002": Pod("pod-00002", "Failed", cpu=2)})
        assert [(region.y, region.height) for region in seen] == [(3, 1)]
        assert seen[0].x > 40 and seen[0].width <= 12
        assert "✗ Failed" in text(grid)[3]
        seen.clear()
        grid.apply({"pod-00040": Pod("pod-00040", "Failed")})  # not on the page
        assert seen == []


def bold(grid: Grid[Pod], y: int) -> str:
    """What stands out on a line."""
    return "".join(
        segment.text for segment in grid.render_line(y) if segment.style and segment.style.bold
    )


async def test_cells_that_changed_stand_out_once_for_a_moment() -> None:
    async with running(pods(50), size=(60, 12)) as (_, grid, pilot):
        grid.apply({"pod-00002": Pod("pod-00002", "Running", cpu=9)})
        assert not bold(grid, 3), "what is measured changes all the time"
        grid.apply({"pod-00002": Pod("pod-00002", "Pending", cpu=9)})
        assert "Pending" in bold(grid, 3) and "pod" not in bold(grid, 3)
        until = time.monotonic() + 20
        while bold(grid, 3):
            assert time.monotonic() < until, "it does not end"
            await pilot.pause(0.05)
        grid.apply({f"pod-0000{n}": Pod(f"pod-0000{n}", "Pending", cpu=n) for n in range(3, 9)})
        assert "Pending" in text(grid)[5] and not bold(grid, 5), "in a storm nothing does"


async def test_time_repaints_only_what_reads_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0
    columns = [
        Column[Pod]("name", "NAME", lambda pod: pod.name, width=12),
        Column[Pod]("age", "AGE", lambda pod: str((now - (pod.cpu or 0)) // 60), width=4),
    ]
    async with running([Pod("a", cpu=0), Pod("b", cpu=30)]) as (app, grid, _pilot):
        grid.set_columns(columns)
        grid.set_rows([Pod("a", cpu=-45), Pod("b", cpu=0)], key=lambda pod: pod.name)
        seen = app.watch_refreshes(monkeypatch)
        now = 20
        grid.tick()
        assert [region.y for region in seen] == [1]


async def test_keys_move_the_cursor_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(pods(50)) as (app, grid, pilot):
        grid.focus()
        await pilot.pause()
        app.heard.clear()
        seen = app.watch_refreshes(monkeypatch)
        await pilot.press("down")
        assert [region.y for region in seen] == [1, 2]
        await pilot.press("pagedown", "end", "G", "home", "j", "k", "enter", "space", "k")
        assert grid.cursor_key == "pod-00000"
        assert app.heard == [
            ("highlighted", "pod-00001"),
            ("highlighted", "pod-00009"),
            ("highlighted", "pod-00049"),
            ("highlighted", "pod-00000"),
            ("highlighted", "pod-00001"),
            ("highlighted", "pod-00000"),
            ("opened", "pod-00000"),
            ("marked", ["pod-00000"]),
            ("highlighted", "pod-00001"),
            ("highlighted", "pod-00000"),
        ]
        assert text(grid)[1].startswith("▌◆pod-00000")
        assert grid.selection == ["pod-00000"]
        await pilot.press("down", "down", "M")
        assert grid.selection == ["pod-00000", "pod-00001", "pod-00002"]
        await pilot.press("A")
        assert len(grid.selection) == 50
        await pilot.press("A", "space", "space")
        assert grid.selection == ["pod-00002", "pod-00003"]


async def test_the_line_under_the_cursor_stays_when_rows_come_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(pods(50)) as (app, grid, _pilot):
        grid.cursor_key = "pod-00003"
        seen = app.watch_refreshes(monkeypatch)
        before = text(grid)
        new = {"new-1": Pod("new-1"), "new-2": Pod("new-2")}
        grid.apply(new, order=[*new, *(pod.name for pod in pods(50))])
        assert text(grid) == before
        assert seen == []
        assert grid.cursor_key == "pod-00003"


async def test_a_removed_row_hands_the_cursor_on() -> None:
    async with running(pods(3)) as (app, grid, pilot):
        grid.cursor_key = "pod-00001"
        grid.marks = {"pod-00001", "pod-00002", "nothing"}
        grid.apply({}, removed={"pod-00001", "unknown"})
        assert grid.cursor_key == "pod-00002"
        assert grid.marks == {"pod-00002"}
        grid.apply({}, removed={"pod-00002"})
        assert grid.cursor_key == "pod-00000"
        await pilot.pause()
        assert app.heard[-1] == ("highlighted", "pod-00000")


async def test_sorting_and_filtering_keep_the_cursor_on_its_key() -> None:
    rows = [Pod("a", cpu=3), Pod("b", cpu=None), Pod("c", cpu=1)]
    async with running(rows) as (_, grid, _pilot):
        grid.cursor_key = "a"
        grid.sort_by("cpu")
        assert [line[2:3] for line in text(grid)[1:]] == ["c", "a", "b"]
        assert text(grid)[0].endswith("CPU↑")
        grid.sort_by("cpu", reverse=True)
        assert [line[2:3] for line in text(grid)[1:]] == ["a", "c", "b"]
        grid.apply({"c": Pod("c", cpu=9)})
        assert [line[2:3] for line in text(grid)[1:]] == ["c", "a", "b"]
        assert grid.cursor_key == "a"
        grid.set_filter(lambda pod: pod.name != "c")
        assert (grid.row_count, grid.total_count) == (2, 3)
        grid.apply({"b": replace(rows[1], name="c")})
        assert grid.row_count == 1
        grid.set_filter(None)
        grid.sort_by(None)
        assert [line[2:3] for line in text(grid)[1:]] == ["a", "c", "c"]
        with pytest.raises(KeyError):
            grid.sort_by("nothing")


async def test_narrow_drops_columns_by_priority_and_shortens_in_the_middle() -> None:
    async with running([Pod("translate-document-en-es")], size=(34, 5)) as (_, grid, pilot):
        assert list(grid.shown_columns) == ["name", "status"]
        assert "translat…ent-en-es" in text(grid)[1]
        await resized(pilot, 80, 5)
        assert list(grid.shown_columns) == ["name", "status", "cpu"]
        assert "translate-document-en-es" in text(grid)[1]
        await resized(pilot, 9, 3)
        assert list(grid.shown_columns) == ["name"]


async def test_sections_stand_in_the_gutter_where_they_change() -> None:
    rows = [Pod("acquire"), Pod("clean"), Pod("train", phase="TRAINING")]
    async with running(rows, section=lambda pod: pod.phase) as (_, grid, _pilot):
        assert [line[:22].rstrip() for line in text(grid)[1:]] == [
            "▌ DATA       acquire",
            "             clean",
            "  TRAINING   train",
        ]
        grid.apply({"clean": Pod("clean", phase="TRAINING")})
        assert [line[2:10].strip() for line in text(grid)[1:]] == ["DATA", "TRAINING", ""]


async def test_the_mouse() -> None:
    async with running(pods(50)) as (app, grid, pilot):
        await pilot.click(grid, offset=(5, 3))
        assert grid.cursor_key == "pod-00002"
        await pilot.click(grid, offset=(5, 4), times=2)
        assert ("opened", "pod-00003") in app.heard
        await pilot.click(grid, offset=(58, 0))
        assert grid.sorted_by == ("cpu", False)
        await pilot.click(grid, offset=(58, 0))
        assert grid.sorted_by == ("cpu", True)
        await pilot.click(grid, offset=(58, 9))
        cursor = grid.cursor_key
        for _ in range(2):
            await pilot._post_mouse_events([events.MouseScrollDown], grid)
        assert grid.model.top > 0
        assert grid.cursor_key == cursor


async def test_ascii() -> None:
    grid: Grid[Pod] = Grid(COLUMNS[:1], unicode=False)
    async with Tiny(grid).run_test(size=(14, 4)) as pilot:
        grid.set_rows([Pod("translate-en-es")], key=lambda pod: pod.name)
        grid.focus()
        await pilot.press("space")
        grid.sort_by("name")
        assert text(grid) == ["  NAME^", ">*trans~-en-es"]


async def test_a_theme_change_repaints_in_its_colours() -> None:
    async with running(pods(2)) as (app, grid, pilot):
        before = [segment.style for segment in grid.render_line(2)]
        app.theme = "textual-light"
        await pilot.pause()
        assert [segment.style for segment in grid.render_line(2)] != before


async def test_ten_thousand_rows_format_only_what_is_seen() -> None:
    formatted = 0

    def name(pod: Pod) -> str:
        nonlocal formatted
        formatted += 1
        return pod.name

    async with running([], size=(60, 24)) as (_, grid, _pilot):
        grid.set_columns([Column("name", "NAME", name, min=12, flex=1)])
        grid.set_rows(pods(10_000), key=lambda pod: pod.name)
        assert formatted == 23
        for _ in range(5):
            grid.action_page(1)
        assert formatted < 23 * 7
        formatted = 0
        grid.apply({f"pod-{n:05}": Pod(f"pod-{n:05}", "Failed") for n in range(5000, 6000)})
        assert formatted == 0


@pytest.mark.parametrize("jump", [1, 5])
async def test_walking_down_turns_the_page_by_jumps(jump: int) -> None:
    async with running(pods(50), jump=jump) as (_, grid, _pilot):
        seen = []
        for _ in range(14):
            grid.action_move(1)
            seen.append(grid.model.top)
        assert len(set(seen)) == (7 if jump == 1 else 3)
        assert grid.cursor_key == "pod-00014"
