from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.logs.index import LogIndex


@pytest.fixture
def log(tmp_path: Path) -> Callable[[bytes], Path]:
    path = tmp_path / "log"

    def append(data: bytes) -> Path:
        with path.open("ab") as file:
            file.write(data)
        return path

    return append


def drain(index: LogIndex, step: int = 1 << 20) -> None:
    index.refresh(step)
    while index.behind_bytes:
        index.refresh(step)


def test_a_file_that_does_not_exist_yet(tmp_path: Path) -> None:
    index = LogIndex(tmp_path / "log")
    assert index.refresh() == 0
    assert index.line_count == 0
    assert index.lines(0, 5) == []
    with pytest.raises(IndexError):
        index.line(0)
    (tmp_path / "log").write_bytes(b"a\nb")
    assert index.refresh() == 2
    assert index.lines(0, 9) == [b"a", b"b"]


def test_it_grows_and_the_open_last_line_is_visible(log: Callable[[bytes], Path]) -> None:
    index = LogIndex(log(b"one\ntw"))
    assert index.refresh() == 2
    assert index.line(1) == b"tw"
    log(b"o\n")
    assert index.refresh() == 0
    assert index.line(1) == b"two"
    log(b"\n\nx")
    assert index.refresh() == 3
    assert index.lines(0, 5) == [b"one", b"two", b"", b"", b"x"]
    assert index.refresh() == 0


@given(st.lists(st.sampled_from([b"a", b"\n", b"bb\n", b"\r", b"\n\n", b"c" * 70])), st.data())
@settings(max_examples=60, deadline=None)
def test_lines_are_those_of_split(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("logs") / "log"
    index = LogIndex(path)
    with path.open("ab", buffering=0) as file:
        for piece in pieces:
            file.write(piece)
            if data.draw(st.booleans()):
                index.refresh(data.draw(st.integers(1, 80)))
    drain(index, 7)
    expected = path.read_bytes().split(b"\n")
    if not expected[-1]:
        expected.pop()
    shown = [line.rstrip(b"\r").rpartition(b"\r")[2] for line in expected]
    assert index.line_count == len(shown)
    assert index.lines(0, len(shown)) == shown
    assert [index.line(n) for n in range(len(shown))] == shown
    index.close()


def test_work_is_bounded_and_resumed(log: Callable[[bytes], Path]) -> None:
    index = LogIndex(log(b"0123456789\n" * 1000))
    assert index.refresh(1100) == 100
    assert index.behind_bytes == 9900
    drain(index)
    assert index.line_count == 1000
    assert index.line(999) == b"0123456789"


@pytest.mark.parametrize("how", ["cut short", "replaced", "rewritten"])
def test_another_file_is_started_anew_and_said_so(log: Callable[[bytes], Path], how: str) -> None:
    path = log(b"old 1\nold 2\n")
    index = LogIndex(path)
    drain(index)
    if how == "cut short":
        path.write_bytes(b"new\n")
    elif how == "replaced":
        (path.parent / "next").write_bytes(b"old 1\nold 2\nnew\n")
        (path.parent / "next").replace(path)
    else:
        path.write_bytes(b"new 1, longer than what was there\n")
    drain(index)
    assert index.generation == 1
    assert how in index.notice
    assert index.lines(0, 9) == [line for line in path.read_bytes().split(b"\n") if line]


def test_a_removed_file_stays_readable(log: Callable[[bytes], Path]) -> None:
    path = log(b"a\n")
    index = LogIndex(path)
    drain(index)
    path.unlink()
    assert index.refresh() == 0
    assert index.line(0) == b"a"


def test_carriage_returns_show_the_last_state(log: Callable[[bytes], Path]) -> None:
    path = log(b" 10%\r 20%\r 30%\r\nnext\r\n" + b"".join(b"\r%5d" % n for n in range(9000)))
    index = LogIndex(path)
    drain(index)
    assert index.lines(0, 3) == [b" 30%", b"next", b" 8999"]


def test_a_huge_line_is_cut_with_a_marker_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.write(b"before\n")
        os.truncate(file.fileno(), 100_000_007)
        file.seek(0, os.SEEK_END)
        file.write(b"\nafter")
    index = LogIndex(path)
    tracemalloc.start()
    drain(index)
    lines = index.lines(0, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000
    assert lines[0] == b"before"
    assert lines[1].endswith(b" [+99,991,808 bytes]")
    assert len(lines[1]) < 9000
    assert lines[2] == b"after"


def test_memory_does_not_grow_with_lines(log: Callable[[bytes], Path]) -> None:
    index = LogIndex(log(b"x" * 99 + b"\n"))
    log(b"\n" * 2_000_000)
    tracemalloc.start()
    drain(index)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert index.line_count == 2_000_001
    assert kept < 20_000


@given(
    st.lists(st.sampled_from([b"", b"a", b"bb", b"c" * 9, b"d" * 60]), max_size=30),
    st.booleans(),
    st.integers(1, 40),
)
@settings(max_examples=200, deadline=None)
def test_any_line_is_found_from_any_other(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], open_end: bool, block: int
) -> None:
    data = b"\n".join(lines) + (b"" if open_end or not lines else b"\n")
    path = tmp_path_factory.mktemp("logs") / "log"
    path.write_bytes(data)
    index = LogIndex(path, block_bytes=block)
    starts = [0] if data else []
    starts += [at + 1 for at, byte in enumerate(data) if byte == 10 and at + 1 < len(data)]
    for counted in (False, True):
        if counted:
            drain(index, 7)
        else:
            index.look()
        assert [each for n in range(index.block_count) for each in index.starts(n)] == starts
        for number, start in enumerate(starts):
            after = starts[number + 1] if number + 1 < len(starts) else len(data)
            assert index.next(start) == after
            assert index.previous(start) == (starts[number - 1] if number else None)
        assert index.previous(index.end) == (starts[-1] if starts else None)
        texts: dict[int, bytes] = {}
        for n in range(index.block_count):
            text = index.text(n)
            assert text.long is None
            at = text.first
            shown = text.data[at : text.stop].split(b"\n") if at <= text.stop else []
            for line in shown:
                texts[text.position(at)] = line
                at += len(line) + 1
        assert list(texts) == starts
        assert list(texts.values()) == index.read(starts)
    assert [index.position(number) for number in range(index.line_count)] == starts
    assert [index.number(start) for start in starts] == list(range(len(starts)))
    index.close()


@given(
    st.lists(st.sampled_from([b"", b"a", b"bc" * 9, b"d" * 70]), max_size=40),
    st.booleans(),
    st.integers(1, 40),
    st.integers(0, 12),
)
@settings(max_examples=150, deadline=None)
def test_lines_after_one_and_the_last_ones(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    is_open: bool,
    block: int,
    count: int,
) -> None:
    data = b"".join(line + b"\n" for line in lines)[: -1 if is_open else None]
    path = tmp_path_factory.mktemp("lines") / "log"
    path.write_bytes(data)
    index = LogIndex(path, block_bytes=block)
    index.look()
    starts = [0, *(at + 1 for at, byte in enumerate(data) if byte == 10)]
    starts = [at for at in starts if at < len(data)]
    ends = [*starts, len(data)]
    for number, start in enumerate(starts):
        wanted = ends[number : number + count + 1]
        assert index.lines_from(start, count) == wanted
    assert index.lines_from(len(data), count) == []
    assert index.last_lines(count) == (ends[max(len(starts) - count, 0)] if data else 0)
    index.close()
