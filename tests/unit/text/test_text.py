from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.text import (
    MARKS,
    cell_width,
    fit,
    format_age,
    format_bytes,
    format_clock,
    format_count,
    format_duration,
    format_number,
    glyph,
    mark,
    shorten_end,
    shorten_middle,
    unicode_ok,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"), (0.44, "0.4s"), (1.23, "1.2s"), (9.96, "10s"), (58.4, "58s"), (59.7, "1m00s"),
        (133, "2m13s"), (720, "12m"), (11_100, "3h05m"), (43_200, "12h"), (300_000, "3d"),
        (-1, "0.0s"), (None, "–"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_duration(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


def test_clock_and_age() -> None:
    assert [format_clock(s) for s in (0, 41.9, 725, 3723, None)] == [
        "0:00", "0:41", "12:05", "1:02:03", "–",
    ]  # fmt: skip
    assert [format_age(s) for s in (-3, 41, 425, 11_000, 1_040_000, None)] == [
        "0s", "41s", "7m", "3h", "12d", "–",
    ]  # fmt: skip


def test_sizes_and_counts() -> None:
    sizes = [format_bytes(b) for b in (0, 812, 4_100_000, 41_200_000, 412_000_000, 999_950)]
    assert sizes == ["0 B", "812 B", "4.1 MB", "41.2 MB", "412 MB", "1 MB"]
    assert format_bytes(512 * 1024**2, binary=True) == "512 MiB"
    assert format_bytes(1.5 * 1024**3, binary=True) == "1.5 GiB"
    assert format_bytes(None) == "–"
    assert format_count(1_204_332) == "1,204,332"
    assert format_count(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.98, "0.98"), (0.8432, "0.843"), (91.34, "91.3"), (1_204_332, "1,204,332"), (0, "0"),
        (-0.00123, "-0.00123"), (1e-9, "1e-09"), (14.0, "14"), (math.nan, "NaN"), (math.inf, "∞"),
        (-math.inf, "-∞"), (None, "–"), (2, "2"),
    ],
)  # fmt: skip
def test_number(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_names_keep_the_end_that_tells_them_apart() -> None:
    assert shorten_middle("translate-document-en-es", 15) == "transla…t-en-es"
    assert shorten_middle("short", 5) == "short"
    assert [shorten_middle("abcdef", n) for n in range(5)] == ["", "a", "…f", "a…f", "a…ef"]
    assert shorten_end("a sentence", 5) == "a se…"
    assert shorten_middle("漢字漢字漢字", 6) == "漢…字"


@given(st.text(st.characters(exclude_categories=["C"])), st.integers(0, 20), st.booleans())
def test_fit_is_exact(text: str, width: int, middle: bool) -> None:
    made = fit(text, width, shorten="middle" if middle else "end")
    assert cell_width(made) == width


def test_fit_aligns() -> None:
    assert fit("7", 3, align="right") == "  7"
    assert fit("7", 3) == "7  "


def test_every_state_has_a_glyph_of_one_cell() -> None:
    states = (
        "pending ready building running succeeded cached failed cancelled skipped paused unknown"
    )
    for state in states.split():
        found = mark(state)
        assert found.state == state
        assert cell_width(found.glyph) == 1
        assert found.ascii.isascii()
        assert found.role == f"state-{state}"
    assert MARKS["failed"].text() == "✗ failed"
    assert MARKS["failed"].text(unicode=False) == "x failed"
    assert glyph("failed", unicode=False) == "x"
    assert mark("hibernating").text() == "? hibernating"


@pytest.mark.parametrize(
    ("environ", "encoding", "ok"),
    [
        ({"LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"LANG": "C.UTF-8"}, "utf-8", True),
        ({"LANG": "C"}, "utf-8", False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", False),
        ({"LANG": "C", "LC_ALL": "C.UTF-8"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, "utf-8", False),
        ({"LANG": "de_DE.ISO-8859-1"}, "utf-8", False),
        ({}, "utf-8", True),
        ({}, "ascii", False),
        ({"LANG": "C.UTF-8", "TERM": "dumb"}, "utf-8", False),
        ({"LANG": "C.UTF-8", "MLTUI_ASCII": "1"}, "utf-8", False),
        ({"LANG": "C.UTF-8", "MLTUI_ASCII": "0"}, "utf-8", True),
    ],
)
def test_unicode_ok(environ: dict[str, str], encoding: str, ok: bool) -> None:
    assert unicode_ok(environ, encoding) is ok
