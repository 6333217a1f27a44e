from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.app.widgets.curve import plot, sparkline
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
