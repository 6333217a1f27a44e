from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.logs.index import LogIndex
from mltui.logs.search import (
    ERROR_LINES,
    PatternError,
    Search,
    compile_pattern,
    level,
    scan,
)


def index_of(path: Path, data: bytes) -> LogIndex:
    path.write_bytes(data)
    index = LogIndex(path)
    index.refresh(1 << 30)
    return index


def finish(search: Search) -> None:
    while not search.is_done:
        search.advance(4)


def found(index: LogIndex, pattern: str, limit_bytes: int = 1 << 18) -> list[int]:
    batches = list(scan(index, compile_pattern(pattern), limit_bytes=limit_bytes))
    return [number for batch in batches for number in batch.lines]


@given(
    st.lists(st.text("ab cé", max_size=6), max_size=12),
    st.sampled_from(
        ["a", "b c", "^a", "a$", "^$", "[ab]+c", "é", "é+$", "a|é", r"a\s", "[^a]", "x*"]
    ),
    st.integers(1, 40),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_it_finds_what_re_finds_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], pattern: str, step: int, end: bool
) -> None:
    data = "\n".join(lines).encode() + (b"\n" if end else b"")
    index = index_of(tmp_path_factory.mktemp("s") / "log", data)
    texts = [index.line(n).decode() for n in range(index.line_count)]
    assert found(index, pattern, step) == [
        n for n, text in enumerate(texts) if re.search(pattern, text)
    ]
    index.close()


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [("loss", [0, 1]), ("Loss", [1]), ("LOSS|step", [2]), (r"\Sos", [0, 1]), ("0.1", [0, 1])],
)
def test_smart_case(tmp_path: Path, pattern: str, lines: list[int]) -> None:
    index = index_of(tmp_path / "log", b"loss 0.1\nLoss 0.1\nstep\n")
    assert found(index, pattern) == lines


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?P<x", "[é]"])
def test_a_bad_pattern_says_where(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert "[…]" in str(caught.value) or "at byte" in str(caught.value)


def test_it_goes_on_when_the_file_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    index = index_of(path, b"hit\nmiss\nhi")
    search = Search(index, compile_pattern("hit"))
    finish(search)
    assert list(search.found) == [0]
    with path.open("ab") as file:
        file.write(b"t")
    index.refresh()
    assert search.advance() == [2]
    with path.open("ab") as file:
        file.write(b" or miss\nhit\n")
    index.refresh()
    finish(search)
    assert list(search.found) == [0, 2, 3]
    path.write_bytes(b"hit\n")
    index.refresh()
    finish(search)
    assert list(search.found) == [0]


def test_a_line_longer_than_a_chunk(tmp_path: Path) -> None:
    long = b"x" * 300_000
    index = index_of(tmp_path / "log", b"a\n" + long + b"needle" + long + b"\nneedle\n" + long)
    assert found(index, "needle", 10_000) == [1, 2]
    assert found(index, "needl[e]", 10_000) == [1, 2]


def test_steps_are_bounded(tmp_path: Path) -> None:
    index = index_of(tmp_path / "log", b"0123456789\n" * 1000)
    batches = list(scan(index, compile_pattern("9"), limit_bytes=1100))
    assert len(batches) == 10
    assert batches[0].lines == list(range(100))
    assert batches[-1].searched_lines == 1000


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-24 ERROR trainer: lost",
        b"Traceback (most recent call last):",
        b"ValueError: no",
        b"java.io.IOException: no",
        b"error: no such file",
        b"\x1b[31merror\x1b[0m: no".replace(b"\x1b[0m", b""),
        b"panic: no",
        b"level=error msg=no",
        b'{"level": "error", "msg": "no"}',
        b"FATAL no",
        b"thread 'main' panicked at x",
        b"Error in f(x) : no",
    ],
)
def test_an_error_line(line: bytes, tmp_path: Path) -> None:
    assert level(line) == "error"
    search = Search(index_of(tmp_path / "log", b"fine\n" + line + b"\n"), ERROR_LINES)
    assert search.advance() == [1]


@pytest.mark.parametrize(
    "line", [b"0 errors", b"error=0.3", b"epoch 7 loss 0.1", b"mean_error: 0.2", b"", b"no terror"]
)
def test_not_an_error_line(line: bytes) -> None:
    assert level(line) is None


@pytest.mark.parametrize(
    "line", [b"WARN gradient", b"UserWarning: x", b"warning: x", b"level=warn x"]
)
def test_a_warning_line(line: bytes) -> None:
    assert level(line) == "warning"
