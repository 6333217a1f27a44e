from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from tests.app.widgets.test_logpane import Log, Tiny, numbered, running, screen
from textual import events

from mltui.app.logdesk import write_lines
from mltui.app.widgets import logpane as module
from mltui.app.widgets.logpane import LogPane
from mltui.logs import profile
from mltui.logs.filters import read_filter
from mltui.logs.search import compile_pattern
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
        assert log.pane.status.filter.startswith("line 1 !7 "), "the last one alone is ended"
        await log.pilot.press("F")
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
        b'{"ts":%d,"level":"info","msg":"step %d","loss":%.2f}\n'
        % (1795615082 + n, n, 10 / (n + 1))
        for n in range(9)
    )
    bad = b'{"level":"warning","msg":"norm"}\n'
    async with running(tmp_path, data + bad + b"plain text\n", size=(60, 16)) as log:
        assert log.body()[-2:] == ["WARN   norm", "plain text"], "objects are fields by themselves"
        clock = datetime.fromtimestamp(1795615082).strftime("%H:%M:%S.000")
        assert log.body()[0] == f"{clock}  INFO   step 0  loss=10.0"
        log.pane.search("loss=2.*")
        await log.settle()
        assert log.pane.status.search == "/loss=2.* 1/2", "as it is shown"
        assert log.pane.back()
        await log.pilot.press("J")
        assert log.body()[0] == data.split(b"\n")[0].decode()
        await log.pilot.press("J")
        scene = log.pane.scene
        assert scene is not None
        scene.set_columns(["loss", "level", "msg"])
        log.pane.changed()
        shown = [line.rstrip() for line in screen(log.pane)[1:]]
        assert shown[:3] == ["loss  level    msg", "10.0  info     step 0", " 5.0  info     step 1"]
        assert shown[-2:] == ["      warning  norm", "plain text"]
        assert await filtered(log, "loss<2", "msg~[68]$") == [
            "loss  level    msg", "1.43  info     step 6", "1.11  info     step 8",
        ]  # fmt: skip


async def test_a_field_of_several_lines_is_unfolded_as_they_are(tmp_path: Path) -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no\n'
    data = b"".join(
        json.dumps({"level": "error", "event": f"failed {n}", "exception": trace}).encode() + b"\n"
        for n in range(2)
    )
    async with running(tmp_path, data, size=(60, 12)) as log:
        folded = [
            "ERROR  failed 0  exception=ValueError: no",
            "┆ 3 lines of exception   Enter unfolds",
        ]
        assert log.body()[:2] == folded
        await log.pilot.press("enter")
        assert log.body()[1:5] == [*trace.replace("  File", "File").splitlines(), "ERROR  failed 1"
                                   "  exception=ValueError: no"]  # fmt: skip
        await log.pilot.press("enter")
        assert log.body()[:2] == folded
        await log.pilot.press("m")
        assert len(log.body()) == 8
        assert log.pane.scene is not None and log.pane.scene.foldable() is None


async def test_a_line_keeps_what_it_says_beside_its_fields(tmp_path: Path) -> None:
    data = b'2026-11-25T14:02:10Z INFO main.go:7 saved {"step": 7}\nstep done loss=1 acc=2\n'
    async with running(tmp_path, data, size=(80, 12)) as log:
        await log.pilot.press("J")
        assert log.body() == [
            "2026-11-25T14:02:10Z INFO main.go:7 saved  step=7",
            "step done  loss=1  acc=2",
        ]


async def test_lines_around_what_a_filter_finds(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 300), size=(60, 20)) as log:
        assert await filtered(log, "line 1[05]0$") == ["line 100", "line 150"]
        await log.pilot.press("plus")
        expected = [f"line {n}" for n in (99, 100, 101, 149, 150, 151)]
        assert log.body() == expected
        assert log.pane.status.filter == "line 1[05]0$ 2 ±1"
        scene = log.pane.scene
        assert scene is not None
        again, saved = scene.index.again(), tmp_path / "saved"
        write_lines(again, saved, filters=scene.filters, context=scene.context)
        assert saved.read_text().splitlines() == expected, "what is shown is what is saved"
        bright, dim = (list(log.pane.render_line(y))[-1].style for y in (2, 1))
        assert bright != dim
        await log.pilot.press("plus")
        assert log.body()[:4] == ["line 97", "line 98", "line 99", "line 100"]
        await log.pilot.press("minus", "minus")
        assert log.body() == ["line 100", "line 150"]
        await filtered(log)
        await log.pilot.press("plus")
        assert log.pane.status.filter == ""


async def test_words_stand_out_in_colours_of_their_own(tmp_path: Path) -> None:
    async with running(tmp_path, b"one two three\ntwo\n") as log:
        scene = log.pane.scene
        assert scene is not None
        scene.finding.highlight([compile_pattern("two"), compile_pattern("three|one two")])
        log.pane.search("one")
        await log.settle()
        looks = {each.text: each.style for each in log.pane.render_line(1)}
        assert {"one", "two", "three"} <= set(looks)
        assert len({looks["one"], looks["two"], looks["three"]}) == 3
        assert log.pane.back() and log.pane.back() and not log.pane.back()
        assert "two" not in {each.text for each in log.pane.render_line(1)}


async def test_a_hit_that_is_folded_away_is_shown(tmp_path: Path) -> None:
    async with running(tmp_path, TRACE + b"a gradient\n", size=(60, 12)) as log:
        await log.pilot.press("home")
        log.pane.search("b.py")
        await log.settle()
        assert log.pane.status.search == "/b.py 1/1"
        assert 'File "b.py", line 2' in log.body()
        log.pane.search("gradient")
        await log.settle()
        await log.pilot.press("n")
        await log.settle()
        assert log.pane.status.search == "/gradient 3/3", "what is said again is one step"
        await log.pilot.press("N")
        await log.settle()
        assert log.pane.status.search == "/gradient 1/3"
        assert log.body()[0].endswith("×2")


async def test_a_search_goes_on_from_where_the_person_looks(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 1000)) as log:
        log.pane.search("line 900")
        await log.settle()
        await log.pilot.press("home")
        log.pane.search("line .*5$")
        await log.settle()
        assert log.pane.status.search == "/line .*5$ 1/100"
        await log.pilot.press("space", "space", "space", "n")
        await log.settle()
        assert log.pane.status.search == "/line .*5$ 3/100"
        await log.pilot.press("home", "N")
        await log.settle()
        assert log.pane.status.search == "/line .*5$ 100/100"


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


async def test_a_log_without_times_has_no_column_for_them(tmp_path: Path) -> None:
    async with running(tmp_path, numbered(0, 600), size=(80, 14), histogram=True) as log:
        assert log.pane.scene is not None
        async with asyncio.timeout(60):
            while not log.pane.scene.histogram.profile.is_done:  # noqa: ASYNC110 - as in `settle`
                await asyncio.sleep(0.002)
        before = screen(log.pane)[-1]
        await log.pilot.press("t")
        assert screen(log.pane)[-1] == before and before.endswith("line 599")


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


async def test_the_bars_reach_to_the_end_of_a_log_that_is_only_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one step is not enough for all of it, and nobody presses a key."""
    monkeypatch.setattr(profile, "monotonic", count(0, 0.005).__next__)
    rows = [
        b"2026-11-25T%02d:%02d:00Z line %d\n" % (n // 600, n // 10 % 60, n) for n in range(6000)
    ]
    async with running(tmp_path, b"".join(rows), size=(90, 20), histogram=True) as log:
        scene = log.pane.scene
        assert scene is not None
        found = scene.histogram.histogram(40)
        assert found.last_at is not None and found.first_at is not None
        assert found.last_at - found.first_at > 9.5 * 3600
        bars = screen(log.pane)[1][:60]
        assert set(bars) <= set("▅▆▇█"), bars
