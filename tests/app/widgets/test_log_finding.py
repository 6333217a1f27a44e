from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.app.widgets.test_logpane import Log, Tiny, numbered, running, screen
from textual import events

from mltui.app.widgets import logpane as module
from mltui.app.widgets.logpane import LogPane
from mltui.logs.filters import read_filter
from mltui.logs.timed import Note, TimedIndex

TRACE = b"""\
14:02:10 WARN  gradient norm 91.3
14:02:11 WARN  gradient norm 91.3
14:02:11 ERROR cannot allocate
Traceback (most recent call last):
  File "a.py", line 1
  File "b.py", line 2
MemoryError: cannot allocate
14:02:12 INFO  next
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_S", 0.0)
    monkeypatch.setattr(module, "_FLOOD_S", 0.0)


async def filtered(log: Log, *filters: str) -> list[str]:
    scene = log.pane.scene
    assert scene is not None
    scene.set_filters([read_filter(each) for each in filters])
    log.pane.changed()
    await log.settle()
    return log.body()


async def test_filters_together_and_what_comes_while_they_hold(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 200)) as log:
        found = await filtered(log, "line 1", "!7", "!line 1[0-8]")
        assert found == ["line 1", "line 19", "line 190", *(f"line {n}" for n in (191, 192, 193,
                         194, 195, 196, 198, 199))][-9:]  # fmt: skip
        assert log.pane.status.filter == "line 1 !7 !line 1[0-8] 11"
        await log.write(b"line 1000\nline 1900\nmore\n")
        assert log.body()[-1] == "line 1900"
        assert log.pane.back()
        await log.settle()
        assert log.body()[-1] == "more"
        assert await filtered(log, "nowhere") == ["no line passes"]


async def test_a_mark_is_told_under_any_filter(tmp_path: Path) -> None:
    """Without the line below it, which does not pass; and it is no line that was found."""
    path = tmp_path / "log"
    lines = [b"2026-11-25T14:02:%02d.000000000Z line %d\n" % (n % 60, n) for n in range(40)]
    path.write_bytes(b"".join(lines))
    places = [sum(map(len, lines[:n])) for n in range(40)]
    notes = [Note(places[5], "possible loss"), Note(places[30], "container restarted")]
    pane = LogPane(TimedIndex(path, notes), title="web", unicode=True)
    async with Tiny(pane).run_test(size=(40, 12)) as pilot:
        log = Log(path, pane, pilot)
        await log.settle()
        shown = await filtered(log, "line 1")
        assert [each.strip("─ ") for each in shown] == [
            "line 1", "possible loss", *(f"line {n}" for n in range(10, 20)), "container restarted",
        ][-11:]  # fmt: skip
        assert log.pane.status.filter == "line 1 11"
        shown = await filtered(log, "nowhere")
        assert [each.strip("─ ") for each in shown] == ["possible loss", "container restarted"]
        notes.append(Note(path.stat().st_size, "container restarted"))
        await log.write(b"2026-11-25T14:03:00.000000000Z line 40\n")
        assert [each.strip("─ ") for each in log.body()][1:] == ["container restarted"] * 2
        assert log.pane.status.filter == "nowhere 0"


async def test_levels_reach_the_lines_below_them(tmp_path: Path) -> None:
    async with running(tmp_path, TRACE, size=(60, 20)) as log:
        found = await filtered(log, "level>=error")
        assert found[0].endswith("ERROR cannot allocate")
        assert found[-1] == "MemoryError: cannot allocate"
        assert len(found) == 5


async def test_fields_are_columns_and_conditions(tmp_path: Path) -> None:
    data = b"".join(
        b'{"ts":%d,"level":"info","msg":"step %d","loss":%.2f}\n' % (1795615082 + n, n, 1 / (n + 1))
        for n in range(9)
    )
    bad = b'{"level":"warning","msg":"norm"}\n'
    async with running(tmp_path, b"plain text\n" + data + bad, size=(60, 16)) as log:
        await log.pilot.press("J")
        assert log.body()[-1] == "WARN   norm"
        assert log.body()[1] == "INFO   step 0  ts=1795615082  loss=1.0"
        scene = log.pane.scene
        assert scene is not None
        scene.line_body.columns = ("loss", "msg")
        scene.relayout()
        log.pane.changed()
        assert log.body()[:2] == ["plain text", "1.0   step 0"]
        assert await filtered(log, "loss<0.2", "msg~[68]$") == ["0.14  step 6", "0.11  step 8"]


async def test_folds_open_and_close(tmp_path: Path) -> None:
    async with running(tmp_path, TRACE, size=(60, 12)) as log:
        assert log.body() == [
            "14:02:10 WARN  gradient norm 91.3".ljust(58) + "×2",
            "14:02:11 ERROR cannot allocate",
            "Traceback (most recent call last):",
            "┆ 2 lines of traceback   Enter unfolds",
            "MemoryError: cannot allocate",
            "14:02:12 INFO  next",
        ]
        await log.pilot.press("enter")
        assert len(log.body()) == 7
        await log.pilot.press("m")
        assert len(log.body()) == 8
        await log.pilot.press("m")
        await log.pilot.click(log.pane, offset=(5, 4))
        assert 'File "a.py", line 1' in log.body()


async def test_times_in_a_column(tmp_path: Path) -> None:
    data = b"2026-11-25T14:02:10Z one\n2026-11-25T14:02:11.5Z two\nthree\n"
    async with running(tmp_path, data, size=(80, 12)) as log:
        assert log.body()[0] == "2026-11-25T14:02:10Z one"
        await log.pilot.press("t", "t")
        assert log.body() == ["+0.000  one", "+1.500  two", "three"]
        await log.pilot.press("t")
        assert log.body() == ["one", "+1.500  two", "three"]


async def test_the_histogram_is_a_way_to_move(tmp_path: Path) -> None:
    rows = [b"2026-11-25T14:%02d:00Z line %d\n" % (n // 10, n) for n in range(600)]
    rows[300] = b"2026-11-25T14:30:00Z ERROR 300\n"
    async with running(tmp_path, b"".join(rows), size=(80, 14), histogram=True) as log:
        bars = screen(log.pane)[1]
        assert "█" in bars
        await log.pilot.press("home", "right_square_bracket")
        assert log.body()[1] != rows[0].decode().strip()
        await log.pilot._post_mouse_events([events.MouseDown, events.MouseUp, events.Click],
                                           log.pane, offset=(58, 1))  # fmt: skip
        assert log.body()[1] > "2026-11-25T14:55"
        scene = log.pane.scene
        assert scene is not None
        at = datetime(2026, 11, 25, 14, 30, tzinfo=UTC).timestamp()
        assert scene.go_to_time(at)
        log.pane.changed()
        assert log.body()[1].endswith("ERROR 300")
        await log.pilot.press("h")
        assert "█" not in screen(log.pane)[1]


async def test_lines_are_selected_by_keyboard(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 100)) as log:
        await log.pilot.press("home", "v", "down", "down")
        scene = log.pane.scene
        assert scene is not None
        span = scene.selecting.span
        assert span is not None
        assert list(scene.selecting.text(span[0], span[1] + 1)) == ["line 0", "line 1", "line 2"]
        assert log.pane.status.selecting
        assert log.pane.back()
        assert scene.selecting.span is None


@pytest.mark.slow
async def test_the_loop_lives_while_a_large_log_is_searched(tmp_path: Path) -> None:
    line = b"2026-11-25T14:02:10Z INFO  epoch 7 loss 0.1234 of a line as long as most of them\n"
    async with running(tmp_path, line * 200_000 + b"needle\n") as log:
        slow, last = 0.0, asyncio.get_running_loop().time()
        log.pane.go_to_line(1)
        log.pane.search("n.edle")
        while log.pane.is_reading:
            await asyncio.sleep(0)
            now = asyncio.get_running_loop().time()
            slow, last = max(slow, now - last), now
        assert log.pane.status.search == "/n.edle 1/1"
        assert log.body()[-1] == "needle"
