"""One value changed in place; everything else stays as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.errors import Conflict
from mltui.spec.editing import set_value, value_at

TEXT = """\
mltui: 1   # the format
stages:
  train:
    resources: {cpu: 1, memory: 512Mi}   # measured on the small data
    timeout: "10m"
    gate:
      max_rounds: 3   # no more
"""
MEMORY = ("stages", "train", "resources", "memory")


def test_comments_and_layout_stay() -> None:
    edited = set_value(TEXT, MEMORY, "512Mi", "768Mi")
    assert edited.after == TEXT.replace("512Mi", "768Mi")
    assert edited.line == 4
    assert [
        line for line in edited.diff if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ] == [
        "-    resources: {cpu: 1, memory: 512Mi}   # measured on the small data",
        "+    resources: {cpu: 1, memory: 768Mi}   # measured on the small data",
    ]


def test_quotes_stay() -> None:
    edited = set_value(TEXT, ("stages", "train", "timeout"), "10m", "20m")
    assert 'timeout: "20m"' in edited.after


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    text = "\ufeff" + TEXT.replace("\n", "\r\n")
    edited = set_value(text, MEMORY, "512Mi", "1Gi")
    assert edited.after == text.replace("512Mi", "1Gi")


@pytest.mark.parametrize(
    ("path", "old"),
    [
        (MEMORY, "256Mi"),
        (("stages", "train", "resources"), "512Mi"),
        (("stages", "evaluate", "timeout"), "10m"),
    ],
)
def test_what_has_changed_since_is_refused(path: tuple[str, ...], old: str) -> None:
    with pytest.raises(Conflict, match="nothing was changed"):
        set_value(TEXT, path, old, "768Mi")


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12))
def test_any_value_reads_back_as_it_was_given(value: str) -> None:
    edited = set_value(TEXT, MEMORY, "512Mi", value)
    assert value_at(edited.after, MEMORY) == value
    assert len(edited.after.splitlines()) == len(TEXT.splitlines())
