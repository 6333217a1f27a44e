from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.logs.sanitize import PLAIN, Sgr, Span, clean, plain

ESCAPES = [
    b"\x1b[2J", b"\x1b[?1049h", b"\x1b]0;title\x07", b"\x1b]8;;http://x\x1b\\", b"\x1b[31m",
    b"\x1b]52;c;aGk=\x07", b"\x1bP1;2q#0\x1b\\", b"\x1b_apc\x1b\\", b"\x1b^pm\x1b\\", b"\x1bXsos",
    b"\xc2\x9b31m", b"\x9b5A", b"\xc2\x9d0;t\x07", b"\x1bc", b"\x1b(B", b"\x1b", b"\x07", b"\x00",
    b"\x08", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xff\xfe", b"\t", b"\r", b"\n", b"\x1b[", b"\x1b]",
    b"\x1b[38;2;1;2;3m", b"\x1b[0m", b"text", "é漢字".encode(), b"\xed\xa0\x80",
    b"\xf3\xa0\x81\x81",
]  # fmt: skip

hostile = st.lists(st.one_of(st.sampled_from(ESCAPES), st.binary(max_size=8))).map(b"".join)


@given(hostile)
def test_no_control_character_ever_comes_out(raw: bytes) -> None:
    text = plain(raw)
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not bad
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    text.encode("utf-8")


@given(hostile, st.integers(1, 30))
def test_spans_say_what_plain_says(raw: bytes, limit: int) -> None:
    spans = clean(raw)
    assert "".join(span.text for span in spans) == plain(raw)
    assert all(span.text for span in spans)
    assert all(a.style != b.style for a, b in pairwise(spans))
    short = "".join(span.text for span in clean(raw, limit=limit))
    assert short == plain(raw, limit=limit)
    assert len(short) <= limit + 30


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_honest_text_is_left_alone(text: str) -> None:
    assert plain(text.encode()) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a\x1b]0;title\x07b", "ab"),
        (b"a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        (b"a\x1b]52;c;aGVsbG8=\x07b", "ab"),
        (b"a\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\b", "ab"),
        (b"a\x1b[2J\x1b[1;1H\x1b[?1049hb", "ab"),
        (b"a\xc2\x9b2Jb\x9b2Jc", "abc"),
        (b"a\x1b[31", "a"),
        (b"a\x1b]0;never closed", "a"),
        (b"a\x00\x07\x08\x7fb", "ab"),
        (b"\xff\xfeok", "\ufffd\ufffdok"),
        (b"a\tb\t\tc", "a       b               c"),
        (b" 10%\r 20%\r 30%", " 30%"),
        (b"100%\r\n", "100%"),
        ("a\u202eb\u2066c\u200bd\ufeff".encode(), "abcd"),
        ("a\u2028b".encode(), "a b"),
        (b"", ""),
    ],
)
def test_plain(raw: bytes, expected: str) -> None:
    assert plain(raw) == expected


@pytest.mark.parametrize(
    ("params", "style"),
    [
        (b"", PLAIN),
        (b"0", PLAIN),
        (b"31", Sgr(fg=1)),
        (b"1;91;44", Sgr(fg=9, bg=4, bold=True)),
        (b"38;5;208", Sgr(fg=208)),
        (b"38;2;1;2;300;1", Sgr(fg=(1, 2, 255), bold=True)),
        (b"48:2::1:2:3", Sgr(bg=(1, 2, 3))),
        (b"38:5:7", Sgr(fg=7)),
        (b"107", Sgr(bg=15)),
        (b"4:3", Sgr(underline=True)),
        (b"4:0", PLAIN),
        (b"1;2;3;4;7", Sgr(None, None, True, True, True, True, True)),
        (b"1;2;22;31;39;44;49", PLAIN),
        (b">4;2", PLAIN),
        (b"38;5", PLAIN),
        (b"5;8", PLAIN),
        (b"999999999999999999999", PLAIN),
    ],
)
def test_sgr(params: bytes, style: Sgr) -> None:
    assert clean(b"\x1b[" + params + b"mx") == [Span("x", style)]


def test_colour_does_not_leak_into_the_next_line_and_spans_merge() -> None:
    assert clean(b"\x1b[1mbo\x1b[1mld\x1b[m\tx") == [
        Span("bold", Sgr(bold=True)),
        Span("    x", PLAIN),
    ]
    assert clean(b"plain") == [Span("plain", PLAIN)]
    assert clean(b"") == []


def test_a_long_line_is_cut_and_says_so() -> None:
    assert plain(b"x" * 30, limit=10) == "xxxxxxxxxx [+20 characters]"
    assert clean(b"\x1b[31m" + b"x" * 30, limit=10)[-1].text == " [+20 characters]"
