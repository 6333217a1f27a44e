"""What programs write that nobody should have to see, each kind as the log pane shows it.

Nothing but text and colour comes out, memory stays flat, and what is saved is what was written.
"""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.app.widgets.test_logpane import running, screen

from mltui.app.logdesk import write_lines
from mltui.app.widgets.logbody import Times
from mltui.logs.filters import read_filter
from mltui.logs.index import LogIndex
from mltui.logs.timed import Note, TimedIndex

ESCAPES = {
    "cursor up": b"\x1b[2A",
    "cursor to a place": b"\x1b[1;1H",
    "save and restore the cursor": b"\x1b7\x1b8\x1b[s\x1b[u",
    "erase the screen": b"\x1b[2J\x1b[3J\x1b[K",
    "scroll region": b"\x1b[2;5r",
    "alternate screen": b"\x1b[?1049h",
    "mouse and paste modes": b"\x1b[?1000h\x1b[?2004h",
    "hide the cursor": b"\x1b[?25l",
    "title": b"\x1b]0;EVIL\x07",
    "title ended otherwise": b"\x1b]2;EVIL\x1b\\",
    "link": b"\x1b]8;;http://EVIL\x1b\\\x1b]8;;\x1b\\",
    "clipboard": b"\x1b]52;c;RVZJTA==\x07",
    "clipboard through tmux": b"\x1bPtmux;\x1b\x1b]52;c;RVZJTA==\x07\x1b\\",
    "device control": b"\x1bP1$rEVIL\x1b\\",
    "sixel": b"\x1bPq#0;2;0;0;0EVIL\x1b\\",
    "application command": b"\x1b_EVIL\x1b\\",
    "privacy message": b"\x1b^EVIL\x1b\\",
    "start of string": b"\x1bXEVIL\x1b\\",
    "report what you are": b"\x1b[c\x1b[6n\x1b[>q",
    "reset": b"\x1bc\x1b[!p",
    "character set": b"\x1b(0\x0e\x0f",
    "key as a reply": b"\x1b[200~\x1b[201~",
    "eight bits": b"\x9b2J",
    "eight bits as UTF-8": b"\xc2\x9b2J\xc2\x9d0;EVIL\xc2\x9c",
    "bell and backspace": b"\x07\x08\x7f",
    "blink and conceal": b"\x1b[5m\x1b[8m\x1b[0m",
}


@pytest.mark.parametrize("kind", ESCAPES)
async def test_no_sequence_does_anything(tmp_path: Path, kind: str) -> None:
    data = b"a" + ESCAPES[kind] + b"b\nnext\n"
    async with running(tmp_path, data) as log:
        assert log.body() == ["ab", "next"]
        shown = [segment for y in range(1, 3) for segment in log.pane.render_line(y)]
        assert all(not (segment.style and segment.style.link) for segment in shown)
        assert all(segment.text.isprintable() for segment in shown)
        assert log.pane.visible_text() == "ab\nnext"


async def test_a_sequence_that_never_ends_ends_with_its_line(tmp_path: Path) -> None:
    async with running(tmp_path, b"a\x1b]0;never\nb\x1b[31\nc\x1bPq\nd\n") as log:
        assert log.body() == ["a", "b", "c", "d"]


async def test_a_progress_bar_is_its_last_state(tmp_path: Path) -> None:
    bars = b"".join(b"\r%3d%% [%s]" % (n, b"#" * (n // 10)) for n in range(101))
    async with running(tmp_path, b"start\n" + bars + b"\nloss 0.1\r\n" + b"\r 10%\r 20%") as log:
        assert log.body() == ["start", "100% [##########]", "loss 0.1", "20%"]
        await log.write(b"\r 30%")
        assert log.body()[-1] == "30%"
        await log.write(b"\r done\nend\n")
        assert log.body()[-2:] == ["done", "end"]


async def test_nuls_are_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, b"a\x00b\x00\n\x00\x00\nend\n") as log:
        assert log.body() == ["ab", "", "end"]
        log.pane.search("end")
        await log.settle()
        assert "1/1" in log.pane.status.search


async def test_bytes_that_are_no_utf_8_are_marked(tmp_path: Path) -> None:
    async with running(tmp_path, b"caf\xe9 ok\n\xff\xfe\n\xed\xa0\x80x\ncut \xe6\xbc\n") as log:
        assert log.body() == [
            "caf\ufffd ok",
            "\ufffd\ufffd",
            "\ufffd\ufffd\ufffdx",
            "cut \ufffd\ufffd",
        ]


WIDE = [
    "漢字 and text",
    "e\u0301a\u0308 combined",
    "שלום עולם",
    "👩\u200d🚀 and 🇪🇺",
    "a\u202eevil\u202c b",
]


@pytest.mark.parametrize("wrap", [False, True])
async def test_text_of_any_script_keeps_the_columns(tmp_path: Path, wrap: bool) -> None:
    data = "\n".join([*WIDE, "漢" * 200, "plain"]).encode() + b"\n"
    async with running(tmp_path, data, (60, 24)) as log:
        assert log.pane.scene is not None
        log.pane.scene.set_wrap(wrap)
        log.pane.changed()
        await log.settle()
        width = log.pane.size.width
        assert {cell_len(line) for line in screen(log.pane)} <= {width, *range(width)}
        for y in range(log.pane.size.height):
            assert log.pane.render_line(y).cell_length == width
        body = log.body()
        assert body[0] == "漢字 and text" and body[1] == "e\u0301a\u0308 combined"
        assert body[2] == "שלום עולם" and body[4] == "aevil b"
        assert body[-1] == "plain" or wrap


@pytest.mark.slow
async def test_a_line_of_100_megabytes_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"")
    with (tmp_path / "long").open("wb") as file:
        file.write(b"before\n")
        os.truncate(file.fileno(), 100_000_000)
        file.seek(50_000_000)
        file.write(b"needle")
        file.seek(0, os.SEEK_END)
        file.write(b"\nafter\n")
    tracemalloc.start()
    try:
        async with running(tmp_path) as log:
            log.pane.set_index(LogIndex(tmp_path / "long"))
            await log.settle()
            for _ in range(50):
                await log.settle()
                if not log.pane.is_reading:
                    break
            body = log.body()
            assert (body[0], body[-1], len(body)) == ("before", "after", 3)
            assert body[1] == "[+99,991,801 bytes]"
            log.pane.search("needle")
            for _ in range(50):
                await log.settle()
                if "1/1" in log.pane.status.search:
                    break
            assert log.pane.status.search == "/needle 1/1"
            await log.pilot.press("w", "home", "end")
            await log.settle()
            assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


async def test_a_clock_that_jumps_back_changes_no_order(tmp_path: Path) -> None:
    clocks = ["14:00:00", "14:00:05", "13:00:00", "13:00:01", "14:00:06"]
    data = "".join(f"2026-11-25T{clock}Z line {n}\n" for n, clock in enumerate(clocks)).encode()
    async with running(tmp_path, data, histogram=True) as log:
        scene = log.pane.scene
        assert scene is not None
        assert [line[-1] for line in log.body()[-5:]] == list("01234")
        scene.set_times(Times.SINCE)
        log.pane.changed()
        await log.settle()
        said = [line.split()[0] for line in log.body()[-4:]]
        assert said == ["+5.000", "-1:00:05", "+1.000", "+1:00:05"]
        assert scene.go_to_time(0.0) and scene.go_to_time(4e9)


async def test_a_line_without_end_is_seen_as_it_grows(tmp_path: Path) -> None:
    async with running(tmp_path, b"one\ntw") as log:
        assert log.body() == ["one", "tw"]
        await log.write(b"o")
        assert log.body() == ["one", "two"]
        for _ in range(4):
            await log.write(b"x" * 500_000)
        assert log.body()[-1].startswith("twoxxx")
        assert log.pane.status.line_count == 2
        await log.write(b"\nthree\n")
        assert log.body()[-1] == "three"


HOSTILE = (
    b"\x1b[31mred\x1b[0m\x1b]0;t\x07\n\r10%\r20%\r\n\x00\xff\xfe\n" + b"x" * 20_000 + b"\n"
    + "שלום 漢字\n".encode() + b"no end"
)  # fmt: skip


@pytest.mark.parametrize("timed", [False, True])
def test_what_is_saved_is_what_was_written(tmp_path: Path, timed: bool) -> None:
    written = HOSTILE + b"\n" if timed else HOSTILE
    path = tmp_path / "log"
    index: LogIndex
    if timed:
        stamp = b"2026-11-25T14:02:03.000000001Z "
        path.write_bytes(b"".join(stamp + line + b"\n" for line in HOSTILE.split(b"\n")))
        index = TimedIndex(path, [Note(0, "said between lines")])
    else:
        path.write_bytes(written)
        index = LogIndex(path)
    write_lines(index, tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == written
    some = (read_filter("%"),)
    write_lines(index, tmp_path / "some", filters=some)
    assert (tmp_path / "some").read_bytes() == b"\r10%\r20%\r\n"
