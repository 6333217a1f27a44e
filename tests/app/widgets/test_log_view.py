from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from mltui.app.widgets.logview import LogView, Row


class Numbers:
    """Lines at 0, 1, 2, …, as many as the view says there are."""

    is_stuck = False

    view: LogView

    def first_from(self, position: int) -> int | None:
        return position if position < self.view.end else None

    def last_before(self, position: int) -> int | None:
        return position - 1 if position > 0 else None


def of(rows_of: Callable[[int], int]) -> LogView:
    numbers = Numbers()
    numbers.view = LogView(numbers, rows_of)
    return numbers.view


def view(height: int, lines: int, rows: dict[int, int] | None = None) -> LogView:
    made = of(lambda line: (rows or {}).get(line, 1))
    made.resize(height)
    made.grow(lines, lines)
    return made


def shown(made: LogView) -> list[int]:
    return [row.line for row in made.rows()]


def test_following_fills_the_page_downward_without_moving_a_row() -> None:
    made = view(9, 0)
    for count in range(1, 10):
        made.grow(count)
        assert shown(made) == list(range(count))


def test_a_full_page_turns_with_its_last_rows_on_top() -> None:
    made = view(9, 9)
    made.grow(10)
    assert shown(made) == [6, 7, 8, 9]
    made.grow(15)
    assert shown(made) == [6, 7, 8, 9, 10, 11, 12, 13, 14]


def test_a_burst_shows_its_last_page() -> None:
    made = view(9, 9)
    made.grow(1000)
    assert shown(made) == list(range(991, 1000))


def test_following_by_scrolling() -> None:
    made = view(9, 9)
    made.follow_style = "scroll"
    made.grow(10)
    assert shown(made) == list(range(1, 10))


def test_leaving_counts_what_waits_and_end_takes_it_up() -> None:
    made = view(5, 20)
    made.set_follow(False)
    made.scroll(-3)
    made.grow(27, 27)
    assert shown(made) == [12, 13, 14, 15, 16]
    assert made.waiting_lines == 7
    made.scroll(100)
    assert shown(made) == [22, 23, 24, 25, 26]
    made.set_follow(True)
    assert made.waiting_lines == 0


def test_wrapped_lines_take_their_rows() -> None:
    made = view(4, 3, {1: 3})
    assert made.rows() == [Row(1, 0), Row(1, 1), Row(1, 2), Row(2, 0)]
    made.set_follow(False)
    made.scroll(-1)
    assert made.rows() == [Row(0, 0), Row(1, 0), Row(1, 1), Row(1, 2)]
    made.scroll(1)
    assert made.top == Row(1, 0)


def test_showing_a_line_moves_only_if_it_must() -> None:
    made = view(9, 100)
    made.set_follow(False)
    made.show(95)
    assert made.top == Row(91, 0)
    made.show(50)
    assert made.top == Row(47, 0)
    made.show(0)
    assert made.top == Row(0, 0)
    made.go(10_000)
    assert shown(made)[-1] == 99


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 5), min_size=1, max_size=30),
    st.lists(
        st.one_of(st.integers(-20, 20), st.sampled_from(["grow", "end", "show"])), max_size=20
    ),
)
def test_a_page_is_never_empty_and_following_ends_at_the_end(
    height: int, sizes: list[int], steps: list[int | str]
) -> None:
    made = of(lambda line: sizes[line])
    made.resize(height)
    count = 1
    made.grow(count)
    for step in steps:
        if step == "grow":
            count = min(count + 1, len(sizes))
            made.grow(count)
        elif step == "end":
            made.set_follow(True)
        elif step == "show":
            made.set_follow(False)
            made.show(count // 2)
            assert any(row.line == count // 2 for row in made.rows())
        else:
            made.set_follow(False)
            made.scroll(int(step))
        rows = made.rows()
        assert rows
        assert len(rows) <= height
        if made.follow:
            assert rows[-1] == Row(count - 1, sizes[count - 1] - 1)
