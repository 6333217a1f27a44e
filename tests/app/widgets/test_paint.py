"""What is sent when a line reads otherwise: enough to make it read so, and no more."""

from __future__ import annotations

import io
import re

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mltui.app.cellwise import CellUpdate
from mltui.app.widgets.paint import changed_spans

STYLES = (Style(), Style(color="red"), Style(bold=True))
pieces = st.lists(
    st.tuples(st.text("ab 0漢é…", max_size=9), st.sampled_from(STYLES)), min_size=1, max_size=6
)


def strip(found: list[tuple[str, Style]], width: int = 40) -> Strip:
    return Strip([Segment(text, style) for text, style in found]).adjust_cell_length(width)


def cells(line: Strip) -> list[tuple[str, Style | None]]:
    return [(char, style) for text, style, _ in line for char in text]


@given(pieces, pieces)
def test_what_is_sent_makes_the_new_line_of_the_old(
    before: list[tuple[str, Style]], after: list[tuple[str, Style]]
) -> None:
    old, new = strip(before), strip(after)
    spans = changed_spans(old, new)
    made, at = [], 0
    for x, width in spans:
        made += [old.crop(at, x), new.crop(x, x + width)]
        at = x + width
    made.append(old.crop(at, 40))
    assert cells(Strip.join(made)) == cells(new)
    assert bool(spans) == (cells(old) != cells(new))


def test_of_two_far_cells_the_rest_is_not_sent() -> None:
    old = strip([("train-000     running   0.3%                  41s", Style())], 60)
    new = strip([("train-000     running   0.7%                  42s", Style())], 60)
    spans = changed_spans(old, new)
    assert spans == [(26, 1), (47, 1)]
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    update = CellUpdate([{0: new}], [(0, x, x + width) for x, width in spans], [[60]])
    text = update.render_segments(console)
    assert re.sub(r"\x1b\[[0-9;]*[mH]", "", text) == "72"
    assert "\x1b[1;27H" in text and "\x1b[1;48H" in text
