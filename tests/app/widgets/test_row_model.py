from __future__ import annotations

from functools import partial
from operator import le
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mltui.app.widgets.columns import place
from mltui.app.widgets.rowmodel import RowModel
from mltui.live.cells import Column

steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)))),
        st.tuples(st.just("change"), st.dictionaries(st.integers(0, 9), st.integers(0, 3))),
        st.tuples(st.just("remove"), st.sets(st.integers(0, 9))),
        st.tuples(st.just("sort"), st.sampled_from([None, False, True])),
        st.tuples(st.just("filter"), st.sampled_from([None, 1, 2])),
        st.tuples(st.just("move"), st.integers(-3, 12)),
        st.tuples(st.just("scroll"), st.integers(-5, 5)),
        st.tuples(st.just("page"), st.sampled_from([-1, 1])),
        st.tuples(st.just("resize"), st.integers(0, 6)),
    ),
    max_size=25,
)


@given(steps)
def test_it_always_shows_what_sorting_and_filtering_all_rows_would(
    script: list[tuple[str, Any]],
) -> None:
    model: RowModel[int] = RowModel()
    model.resize(4)
    rows: dict[int, int] = {}
    order: bool | None = None
    least: int | None = None
    for step, value in script:
        cursor = model.cursor
        if step == "set":
            rows = dict(value)
            model.set_rows(list(value))
        elif step == "change":
            rows |= value
            model.apply(value)
        elif step == "remove":
            rows = {key: row for key, row in rows.items() if key not in value}
            model.apply({}, value)
        elif step == "sort":
            order = value
            model.sort_by(None if order is None else lambda row: row, bool(order))
        elif step == "filter":
            least = value
            model.set_filter(None if value is None else partial(le, value))
        elif step == "move":
            model.move_to(value)
        elif step == "scroll":
            model.scroll(value)
        elif step == "page":
            model.turn_page(value)
        else:
            model.resize(value)
        shown = [key for key, row in rows.items() if least is None or row >= least]
        if order is not None:
            shown.sort(key=rows.__getitem__, reverse=order)
        assert model.order == shown
        assert model.rows == rows
        assert (model.cursor is None) == (not shown)
        assert model.cursor is None or model.cursor in shown
        if step in ("change", "sort", "filter", "remove") and cursor in shown:
            assert model.cursor == cursor
        assert 0 <= model.top <= max(len(shown) - model.height, 0)


def test_values_of_several_types_sort_somehow() -> None:
    model: RowModel[object] = RowModel()
    model.set_rows([(1, "a"), (2, 3), (3, None)])
    model.sort_by(lambda row: row)
    assert model.order == [2, 1, 3]


widths = st.lists(
    st.builds(
        lambda number, width, least, flex, most, priority: Column[int](
            f"c{number}", "", str, width, least, flex, most, "left", priority
        ),
        st.integers(0, 10_000),
        st.none() | st.integers(1, 20),
        st.integers(1, 12),
        st.integers(0, 3),
        st.none() | st.integers(12, 30),
        st.integers(0, 100),
    ),
    max_size=8,
    unique_by=lambda column: column.key,
)


@given(widths, st.integers(0, 150))
def test_columns_never_overlap_nor_leave_the_line(columns: list[Column[int]], width: int) -> None:
    placed = place(columns, width)
    x = 0
    for one in placed:
        assert one.x == x
        assert one.width > 0
        x += one.width + 2
    assert x - 2 <= width or not placed
    dropped = [column for column in columns if column not in [one.column for one in placed]]
    if placed and width > 0:
        lowest = min(one.column.priority for one in placed)
        assert all(column.priority <= lowest for column in dropped)
    if any(
        one.column.flex and one.column.width is None and one.column.max is None for one in placed
    ):
        assert x - 2 == width
