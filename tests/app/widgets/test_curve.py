from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.app.widgets.curve import overlay, plot, sparkline
from mltui.text import cell_width

values = st.lists(st.one_of(st.none(), st.floats(), st.integers(-5, 5)), max_size=40)


def test_sparkline() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 10) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 10, unicode=False) == ".:-=+*#@"
    assert sparkline([1, None, math.nan, 2], 10) == "▁  █"
    assert sparkline([3, 3, 3], 10) == "▅▅▅"
    assert sparkline([7], 1) == "▅"
    assert sparkline([0, 0, 8, 8], 2) == "▁█"
    assert sparkline([], 5) == ""
    assert sparkline([1], 0) == ""


@given(values, st.integers(0, 20), st.booleans())
def test_a_sparkline_fits(series: list[float | None], width: int, unicode: bool) -> None:
    line = sparkline(series, width, unicode=unicode)
    assert len(line) == min(len(series), width)
    assert unicode or line.isascii()


def test_a_metric_by_round_against_its_target() -> None:
    assert plot([0, 10], 12, 5, target=5, unicode=False) == [
        "10 |      **",
        " 5 |--****--",
        " 0 |**",
        "   +--------",
        "    1      2",
    ]
    assert plot([0, 10], 12, 5, target=5, first=3) == [
        "10 │     ⢀⠔⠊",
        " 5 │╌╌⢀⡠⠊⠁╌╌",
        " 0 │⡠⠔⠁",
        "   └────────",
        "    3      4",
    ]


def test_the_target_names_its_line_where_it_meets_an_end() -> None:
    lines = plot([0.848, 0.961, 0.982], 30, 6, target=0.98)
    assert lines[0].startswith(" 0.98 │")
    assert lines[3].startswith("0.848 │")


@given(values, st.integers(0, 50), st.integers(0, 12), st.none() | st.floats(), st.booleans())
def test_a_plot_fits(
    series: list[float | None], width: int, height: int, target: float | None, unicode: bool
) -> None:
    lines = plot(series, width, height, target=target, unicode=unicode)
    assert len(lines) == (height if width > 0 else 0)
    assert all(cell_width(line) <= width for line in lines)


@pytest.mark.parametrize("unicode", [True, False])
def test_odd_series(unicode: bool) -> None:
    assert plot([], 20, 3)[0] == "no values yet"
    assert len(plot([1], 1, 1, unicode=unicode)) == 1
    single = plot([0.5], 30, 6, unicode=unicode)
    assert any("0.5" in line for line in single)
    gap = plot([1, None, 1, math.nan, 1], 9, 1, unicode=False)
    assert gap == ["*   *   *"]


def test_curves_over_one_another() -> None:
    rising, falling = [(1.0, 0.0), (9.0, 1.0)], [(1.0, 1.0), (9.0, 0.0)]
    lines = overlay([rising, falling], 20, 6, unicode=False)
    text = ["".join(piece for piece, _ in line) for line in lines]
    assert text[0].startswith("1 |b")
    assert text[0].endswith("a")
    assert text[3].endswith("b")
    assert text[-1].split() == ["1", "9"]
    assert {owner for line in lines for _, owner in line} == {None, 0, 1}


points = st.lists(st.tuples(st.floats(), st.floats()), max_size=20)


@given(st.lists(points, max_size=4), st.integers(0, 40), st.integers(0, 12), st.booleans())
def test_whatever_the_curves_they_fit(
    curves: list[list[tuple[float, float]]], width: int, height: int, unicode: bool
) -> None:
    lines = overlay(curves, width, height, unicode=unicode)
    assert len(lines) <= max(height, 1)
    if width >= 24:
        assert all(cell_width("".join(text for text, _ in line)) <= width for line in lines)
