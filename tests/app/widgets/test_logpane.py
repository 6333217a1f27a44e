from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.selection import Selection

from mltui.app.widgets import logpane as module
from mltui.app.widgets.logpane import LogPane, LogStatus
from mltui.logs.index import LogIndex
from mltui.logs.search import PatternError


class Tiny(App[None]):
    def __init__(self, pane: LogPane) -> None:
        super().__init__()
        self.pane = pane
        self.heard: list[LogStatus] = []
        pane.status_changed = self.heard.append

    def compose(self) -> ComposeResult:
        yield self.pane


class Log:
    """A log file being written, and the pane on it."""

    def __init__(self, path: Path, pane: LogPane, pilot: Pilot[None]) -> None:
        self.path = path
        self.pane = pane
        self.pilot = pilot

    async def write(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        await self.read()

    async def read(self) -> None:
        self.pane.wake()
        await self.settle()

    async def settle(self) -> None:
        async with asyncio.timeout(60):
            while self.pane.is_reading:  # noqa: ASYNC110 - nothing says when
                await asyncio.sleep(0.002)
        await self.pilot.pause()

    def body(self) -> list[str]:
        return [line.strip() for line in screen(self.pane)[1:]]

    def spy(self, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
        """From now on: the regions the pane refreshes (an empty one: all of it)."""
        seen: list[Region] = []
        refresh = self.pane.refresh

        def spy(*regions: Region, **how: bool) -> LogPane:
            seen.extend(regions or [Region()])
            return refresh(*regions, **how)

        monkeypatch.setattr(self.pane, "refresh", spy)
        return seen


def screen(pane: LogPane) -> list[str]:
    lines = [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % n for n in range(first, last))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_S", 0.0)
    monkeypatch.setattr(module, "_FLOOD_S", 0.0)


@asynccontextmanager
async def running(
    tmp_path: Path, data: bytes = b"", size: tuple[int, int] = (60, 10), **how: object
) -> AsyncIterator[Log]:
    path = tmp_path / "log"
    path.write_bytes(data)
    pane = LogPane(LogIndex(path), title="train~3", unicode=True, **how)  # type: ignore[arg-type]
    async with Tiny(pane).run_test(size=size) as pilot:
        pane.focus()
        log = Log(path, pane, pilot)
        await log.settle()
        yield log


async def test_it_follows_downward_painting_only_new_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, numbered(0, 3)) as log:
        assert screen(log.pane) == [
            "train~3" + " " * 32 + "● following   3 lines",
            "line 0",
            "line 1",
            "line 2",
        ]
        seen = log.spy(monkeypatch)
        await log.write(b"line 3\n")
        assert log.body()[-1] == "line 3"
        assert Region(0, 4, len("line 3"), 1) in seen
        assert {region.y for region in seen} <= {0, 4}  # the title lags by up to a second


async def test_an_open_line_grows_in_place(tmp_path: Path) -> None:
    async with running(tmp_path, b"download  1%") as log:
        await log.write(b"\rdownload 50%")
        assert log.body() == ["download 50%"]
        await log.write(b"\rdownload 99%\ndone\n")
        assert log.body() == ["download 99%", "done"]


async def test_nothing_changed_nothing_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, numbered(0, 30)) as log:
        seen = log.spy(monkeypatch)
        await log.read()
        await log.read()
        assert seen == []
        assert not log.pane.is_reading


async def test_a_full_page_turns_and_keeps_some_rows(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 9)) as log:
        assert log.body() == [f"line {n}" for n in range(9)]
        await log.write(numbered(9, 10))
        assert log.body() == [f"line {n}" for n in range(6, 10)]


async def test_leaving_and_taking_up_following(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 100)) as log:
        await log.pilot.press("up")
        assert log.body()[0] == "line 90"
        await log.write(numbered(100, 112))
        assert log.body()[0] == "line 90"
        assert log.pane.status.waiting_lines == 12
        log.pane.do("scroll", 0)
        assert screen(log.pane)[0].endswith("‖ 12 new   99 of 112")
        await log.pilot.press("home")
        assert log.body()[0] == "line 0"
        await log.pilot.press("pagedown")
        assert log.body()[0] == "line 8"
        await log.pilot.press("end")
        assert log.pane.follow
        assert log.body()[-1] == "line 111"


async def test_the_wheel_leaves_following(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 100)) as log:
        await log.pilot._post_mouse_events([events.MouseScrollUp], log.pane)
        assert log.body()[0] == "line 88"
        assert not log.pane.follow


async def test_following_by_scrolling(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 9), follow_style="scroll") as log:
        await log.write(numbered(9, 10))
        assert log.body() == [f"line {n}" for n in range(1, 10)]


async def test_wrapping_and_moving_sideways(tmp_path: Path) -> None:
    line = "".join(f"{n:>5}" for n in range(0, 100, 5)).encode()
    async with running(tmp_path, line + b"\nshort\n", size=(40, 8)) as log:
        assert log.body()[0].endswith("   3›")
        await log.pilot.press("right")
        assert log.body()[0].endswith("   5›")
        await log.pilot.press("right", "right", "right")
        assert log.body()[0].endswith("   95")
        await log.pilot.press("w")
        assert log.body() == [
            line[:40].decode().strip(),
            line[40:80].decode().strip(),
            line[80:].decode().strip(),
            "short",
        ]
        await log.pilot.press("w")
        assert log.body()[0].endswith("   3›")


async def test_search_marks_counts_and_moves(tmp_path: Path) -> None:
    data = numbered(0, 100).replace(b"line 7", "lïne 7".encode())
    async with running(tmp_path, data) as log:
        pane = log.pane
        pane.go_to_line(1)
        pane.search("ïne 7")
        await log.settle()
        assert pane.status.search == "/ïne 7 1/11"
        assert not pane.follow
        segments = {s.text: s.style for s in pane.render_line(8)}
        assert "ïne 7" in segments
        await log.pilot.press("n")
        await log.settle()
        assert pane.status.search == "/ïne 7 2/11"
        assert "lïne 70" in log.body()
        pane.do("next_match", -1)
        pane.do("next_match", -1)
        await log.settle()
        assert pane.status.search == "/ïne 7 11/11"
        await log.write("lïne 7 again\n".encode())
        assert pane.status.search == "/ïne 7 11/12"
        assert pane.back()
        assert pane.status.search == ""
        with pytest.raises(PatternError):
            pane.search("(")
        pane.search("nowhere")
        await log.settle()
        assert pane.status.search == "/nowhere 0"


async def test_the_next_error(tmp_path: Path) -> None:
    data = numbered(0, 50) + b"ValueError: first\n" + numbered(50, 100) + b"ERROR second\n"
    async with running(tmp_path, data) as log:
        await log.pilot.press("home", "e")
        await log.settle()
        assert "ValueError: first" in log.body()
        await log.pilot.press("e")
        await log.settle()
        assert "ERROR second" in log.body()
        assert log.pane.status.search == "errors 2/2"


async def test_hostile_and_coloured_output(tmp_path: Path) -> None:
    data = b"\x1b[31mred\x1b[0m plain\x1b]0;title\x07\x1b[2J\n\xff\x00\n"
    async with running(tmp_path, data) as log:
        assert log.body() == ["red plain", "\ufffd"]
        styles = {s.text: s.style for s in log.pane.render_line(1)}
        style = styles["red"]
        assert style is not None
        assert style.color is not None
        assert style.color.number == 1


async def test_a_replaced_file_is_said_so(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 50)) as log:
        log.path.write_bytes(b"anew\n")
        await log.read()
        assert log.body() == ["anew"]
        assert log.pane.status.notice == "the file was cut short"


async def test_no_log_and_a_log_to_come(tmp_path: Path) -> None:
    pane = LogPane(unicode=True, empty="not started")
    async with Tiny(pane).run_test(size=(40, 5)) as pilot:
        assert screen(pane)[1:] == ["not started"]
        pane.wake()
        pane.do("next_match", 1)
        pane.search("x")
        await pilot.press("up", "w", "right", "e")
        log = Log(tmp_path / "log", pane, pilot)
        pane.set_index(LogIndex(log.path), "train")
        await log.settle()
        assert screen(pane)[1:] == ["not started"]
        await log.write(b"here\n")
        assert screen(pane)[1:] == ["here"]


async def test_a_backlog_is_read_in_steps_that_leave_the_loop_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    monkeypatch.setattr("mltui.app.widgets.logscene.STEP_BYTES", 10_000)
    async with running(tmp_path) as log:
        counting = asyncio.create_task(count_turns())
        await log.write(numbered(0, 50_000))
        counting.cancel()
        assert log.pane.status.line_count == 50_000
        assert turns > 50


async def test_selected_text_can_be_copied(tmp_path: Path) -> None:
    async with running(tmp_path, b"one\n\x1b[31mtwo\x1b[0m\nthree\n") as log:
        found = log.pane.get_selection(Selection(Offset(1, 0), Offset(2, 17)))
        assert found == ("ne\ntwo\nth", "\n")
        log.pane.screen.selections = {log.pane: Selection(Offset(1, 0), Offset(2, 4))}
        await log.pilot.pause()
        assert [s.text for s in log.pane.render_line(1)][:2] == ["o", "ne"]
        assert log.pane.visible_text() == "one\ntwo\nthree"


async def test_status_is_told_to_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FOLLOWED_TITLE_S", 600.0)
    async with running(tmp_path, numbered(0, 5), show_title=False) as log:
        app = log.pane.app
        assert isinstance(app, Tiny)
        assert app.heard[-1].line_count == 5
        assert screen(log.pane)[0] == "line 0"
        count = len(app.heard)
        for n in range(20):
            await log.write(b"x %d\n" % n)
        assert len(app.heard) <= count + 3
        log.pane.follow = False
        await log.pilot.pause()
        assert app.heard[-1].line_count == 25
