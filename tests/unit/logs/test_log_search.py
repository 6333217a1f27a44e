from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.logs.index import LogIndex
from mltui.logs.search import (
    ERROR_LINES,
    PatternError,
    compile_pattern,
    level,
    matching,
)
from mltui.logs.sieve import Sieve
from mltui.logs.timed import TimedIndex


def index_of(path: Path, data: bytes, block_bytes: int = 1 << 17) -> LogIndex:
    path.write_bytes(data)
    index = LogIndex(path, block_bytes=block_bytes)
    index.refresh(1 << 30)
    return index


def hits(index: LogIndex, sieve: Sieve) -> list[int]:
    while not sieve.is_done:
        sieve.advance(limit_blocks=1)
    found = [each for block in range(index.block_count) for each in sieve.at(block)]
    assert len(found) == sieve.total
    return [number for each in found if (number := index.number(each)) is not None]


def answer(sieve: Sieve, ask: Callable[[], int | None]) -> int | None:
    """As who asks does: while the sieve is stuck, it is advanced and asked again."""
    found = ask()
    while sieve.is_stuck:
        sieve.advance(limit_blocks=1)
        found = ask()
    return found


def found(index: LogIndex, pattern: str) -> list[int]:
    return hits(index, Sieve(index, matching(index, compile_pattern(pattern))))


LEAVES = st.sampled_from(
    [*("a", "b", "c", "ab", "bc", "[ab]", "[^a]", "[^ab]", ".", "é", " ", r"\b", r"\s", r"\S"),
     *("^", "$", r"\A", r"\Z", "cé", r"\w", "B")]
)  # fmt: skip
REPEATS = ["*", "+", "?", "{2}", "{1,3}", "+?", "*+"]
PATTERNS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(REPEATS)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        st.tuples(st.sampled_from(["(", "(?=", "(?!", "(?>"]), inner).map(
            lambda p: f"{''.join(p)})"
        ),
        st.tuples(st.sampled_from(["(?<=", "(?<!"]), LEAVES).map(lambda p: f"{''.join(p)})"),
    ),
    max_leaves=6,
)


@given(
    st.lists(
        st.binary(max_size=3)
        | st.text("abc é", max_size=5).map(str.encode)
        | st.lists(st.sampled_from([b"a", b"b", b"\x1b[1;31m", b"\x1b[m", b"\r"])).map(b"".join),
        max_size=12,
    ),
    PATTERNS,
    st.integers(1, 40),
)
@settings(max_examples=300, deadline=None)
def test_any_pattern_finds_what_each_line_by_itself_has(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], pattern: str, block: int
) -> None:
    index = index_of(tmp_path_factory.mktemp("s") / "log", b"\n".join(lines), block)
    try:
        wanted = compile_pattern(pattern)
    except PatternError:
        return  # a lookbehind of no fixed width
    texts = [index.line(n) for n in range(index.line_count)]
    sieve = Sieve(index, matching(index, wanted))
    assert hits(index, sieve) == [n for n, text in enumerate(texts) if wanted.matches(text)]
    index.close()


def test_a_pattern_that_looks_beside_a_match_sees_its_line_alone(tmp_path: Path) -> None:
    index = index_of(tmp_path / "log", b"1\n2 x\n\n1")
    assert found(index, r"\d(?=\s)") == [1]
    assert found(index, r"\d(?!\s)") == [0, 3]
    assert found(index, r"\A\d") == found(index, r"^\d") == [0, 1, 3]
    assert found(index, r"\d\Z") == [0, 3]
    assert found(index, r"\d[^y]*+$") == [0, 1, 3]


def test_a_byte_that_is_no_text_is_found(tmp_path: Path) -> None:
    index = index_of(tmp_path / "log", b"a\xffb\nab\n")
    assert found(index, "\udcff") == [0]  # as a shell hands it over


@given(
    st.lists(st.text("ab cé", max_size=6), max_size=12),
    st.sampled_from(
        (
            *("a", "b c", "^a", "a$", "^$", "[ab]+c", "é", "é+$", "a|é", r"a\s", "[^a]", "x*"),
            *("ab", "aB", "ab|cé|ac", "(?:ab)+c", "a[bc] ", "^ab$", r"\bab", "(a|b)a.*c", "a{2}"),
        )
    ),
    st.integers(1, 40),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_it_finds_what_re_finds_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], pattern: str, step: int, end: bool
) -> None:
    data = "\n".join(lines).encode() + (b"\n" if end else b"")
    index = index_of(tmp_path_factory.mktemp("s") / "log", data, step)
    texts = [index.line(n).decode() for n in range(index.line_count)]
    flags = re.ASCII if "B" in pattern else re.ASCII | re.IGNORECASE
    assert found(index, pattern) == [
        n for n, text in enumerate(texts) if re.search(pattern, text, flags)
    ]
    index.close()


@pytest.mark.parametrize("is_fast", [True, False])
@given(
    st.lists(
        st.sampled_from(
            [b"\n" * 30, b"some text\n" * 9, b"x" * 90, b"Hit me\n", b"a hit", b"\xc3\xa9?\n"]
        ),
        min_size=20,
        max_size=60,
    ),
    st.sampled_from(["Hit", "hit me", "hit|é", "(me|hit) ?$", "nothing", r"[H]it\b", "\\?"]),
    st.integers(1, 24),
    st.integers(1, 9),
)
@settings(max_examples=100, deadline=None)
def test_stretches_without_a_hit_are_passed_over_and_no_others(
    tmp_path_factory: pytest.TempPathFactory,
    is_fast: bool,
    pieces: list[bytes],
    pattern: str,
    block: int,
    parts: int,
) -> None:
    """Also while the log grows, and where the fast scanner is not to be had."""
    path = tmp_path_factory.mktemp("s") / "log"
    data, wanted = b"".join(pieces), compile_pattern(pattern)
    with pytest.MonkeyPatch.context() as patch:
        if not is_fast:
            patch.setitem(sys.modules, "hyperscan", None)
        index = index_of(path, b"", block)
        sieve = Sieve(index, matching(index, wanted))
        for part in range(1, parts + 1):
            path.write_bytes(data[: len(data) * part // parts])
            index.refresh(1 << 30)
            texts = path.read_bytes().split(b"\n")
            expected = [n for n, text in enumerate(texts) if wanted.matches(text)]
            assert hits(index, sieve) == expected
    index.close()


@pytest.mark.parametrize("stamp", [b"", b"2026-11-25T14:02:03.000000000Z "])
def test_one_line_among_many_is_found_by_its_beginning_and_in_colours(
    tmp_path: Path, stamp: bytes
) -> None:
    filler = (stamp + b"all is well here, as it was before\n") * 4000
    texts = [
        b"E1125 14:02:03.000000 7 a.go:1] no",
        b"a Trace\x1b[31mback\x1b[0m (most recent call last)",
    ]
    data = (
        filler * 8 + stamp + texts[0] + b"\n" + filler * 8 + stamp + texts[1] + b"\n" + filler * 8
    )
    (tmp_path / "log").write_bytes(data)
    index = TimedIndex(tmp_path / "log") if stamp else LogIndex(tmp_path / "log")
    index.refresh(1 << 30)
    assert hits(index, Sieve(index, matching(index, ERROR_LINES))) == [32_000, 64_001]
    assert found(index, "traceback") == [64_001]
    assert found(index, "^E1125") == [32_000]
    index.close()


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [("loss", [0, 1]), ("Loss", [1]), ("LOSS|step", [2]), (r"\Sos", [0, 1]), ("0.1", [0, 1])],
)
def test_smart_case(tmp_path: Path, pattern: str, lines: list[int]) -> None:
    index = index_of(tmp_path / "log", b"loss 0.1\nLoss 0.1\nstep\n")
    assert found(index, pattern) == lines


def test_text_is_found_whatever_its_colours(tmp_path: Path) -> None:
    """And of a progress bar what is shown of it; as it is written stays what is read and saved."""
    data = b"\x1b[31mERROR\x1b[0m: no \x1b[1mde\x1b[0mvice\nplain\n 50%\r100% done\r\nm ERROR\n"
    for block in (7, 1 << 17):
        index = index_of(tmp_path / "log", data, block)
        assert found(index, "ERROR: no device$") == [0]
        assert found(index, "^ERROR") == [0]
        assert found(index, "50%") == []
        assert found(index, "^100% done$") == [2]
        assert found(index, "error|plain") == [0, 1, 3]
        index.close()


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?P<x", "[é]"])
def test_a_bad_pattern_says_where(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert "[…]" in str(caught.value) or "at byte" in str(caught.value)


def test_it_goes_on_when_the_file_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    index = index_of(path, b"hit\nmiss\nhi")
    sieve = Sieve(index, matching(index, compile_pattern("hit")))
    assert hits(index, sieve) == [0]
    for more, expected in ((b"t", [0, 2]), (b" or not\nhit\n", [0, 2, 3]), (b"x\n", [0, 2, 3])):
        with path.open("ab") as file:
            file.write(more)
        index.refresh()
        assert not sieve.is_done
        assert hits(index, sieve) == expected
    path.write_bytes(b"hit\n")
    index.refresh()
    assert hits(index, sieve) == [0]


@given(
    st.lists(st.sampled_from([b"hit\n", b"miss\n", b"\n", b"a hit", b"hit\n" * 9]), max_size=20),
    st.integers(1, 30),
    st.data(),
)
@settings(max_examples=100, deadline=None)
def test_neighbours_that_pass_whatever_is_known(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], block: int, draw: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("s") / "log"
    index = index_of(path, b"", block)
    sieve = Sieve(index, matching(index, compile_pattern("hit")))
    data = b""
    for piece in pieces:
        data += piece
        path.write_bytes(data)
        index.refresh(1 << 30)
        if draw.draw(st.booleans()):
            sieve.advance(limit_blocks=draw.draw(st.integers(1, 3)))
        expected, at = [], 0
        for line in data.split(b"\n"):
            if b"hit" in line:
                expected.append(at)
            at += len(line) + 1
        place = draw.draw(st.integers(0, len(data) + 1))
        first = answer(sieve, partial(sieve.first_from, place))
        assert first == next((e for e in expected if e >= place), None)
        last = answer(sieve, partial(sieve.last_before, place))
        assert last == next((e for e in expected[::-1] if e < place), None)
    index.close()


def test_a_line_longer_than_a_block(tmp_path: Path) -> None:
    long = b"x" * 1_500_000
    data = b"a\n" + long + b"needle" + long + b"\nneedle\n" + long
    index = index_of(tmp_path / "log", data, 10_000)
    assert found(index, "needle") == [1, 2]
    assert found(index, "needl[a-e]") == [1, 2]
    assert found(index, "x{3}$") == [1, 3]


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-24 ERROR trainer: lost",
        b"Traceback (most recent call last):",
        b"ValueError: no",
        b"java.io.IOException: no",
        b"error: no such file",
        b"\x1b[31merror\x1b[0m: no",
        b"\x1b[31mERROR\x1b[0m no",
        b"13:58:02 [\x1b[31merror    \x1b[0m] no",
        b"E1125 13:58:02.500000 1 x.go:7] no",
        b"E20261125 13:58:02.500000 1 x.cc:7] no",
        b"[rank0]:[E1125 13:58:02.5 ProcessGroupNCCL.cpp:1] no",
        b"[F x.cc:7] no",
        b"2026/11/25 13:58:02 [emerg] 1#1: no",
        b'10.0.0.1 - - [25/Nov/2026:13:58:02 +0000] "GET / HTTP/1.1" 502 1',
        b'{"level":50,"time":1,"msg":"no"}',
        b"13:58:02 ERR no",
        b"Killed",
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
    index = index_of(tmp_path / "log", b"fine\n" + line + b"\n")
    assert hits(index, Sieve(index, matching(index, ERROR_LINES))) == [1]


@pytest.mark.parametrize(
    "line",
    [
        *(b"0 errors", b"error=0.3", b"epoch 7 loss 0.1", b"mean_error: 0.2", b"", b"no terror"),
        *(b"Epoch 1", b"F1 score 0.5", b"[W1125 13:58:02.5 x.cc:1] no", b"Killed 3 workers"),
        b'"GET / HTTP/1.1" 200 5012',
    ],
)
def test_not_an_error_line(line: bytes) -> None:
    assert level(line) is None


@pytest.mark.parametrize(
    "line", [b"WARN gradient", b"UserWarning: x", b"warning: x", b"level=warn x"]
)
def test_a_warning_line(line: bytes) -> None:
    assert level(line) == "warning"
