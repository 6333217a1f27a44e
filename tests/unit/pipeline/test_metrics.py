"""Reading `${metrics}`: whatever user code wrote, nothing passes a gate by accident."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from mltui.pipeline.gates import check_metrics
from mltui.pipeline.metrics import MAX_CHARS, MAX_NAMES, MAX_POINTS, read_metrics
from mltui.spec.model import Compare, Gate, Metric

GATE = Gate(Compare(">=", Metric("accuracy"), 0.9), "accuracy >= 0.9")


def passes(text: str | bytes) -> bool:
    found = read_metrics(text)
    return check_metrics(GATE, found) is None and found.values["accuracy"] >= 0.9


def test_one_object_alone_counts_even_over_several_lines() -> None:
    found = read_metrics('{\n  "accuracy": 0.91,\n  "f1": {"macro": 0.8, "en": {"x": 1}}\n}\n')
    assert found.values == {"accuracy": 0.91, "f1.macro": 0.8, "f1.en.x": 1.0}
    assert not found.problems


def test_the_last_value_of_a_name_is_the_metric_and_steps_are_the_x_axis() -> None:
    found = read_metrics('{"step": 10, "loss": 2}\n\n{"step": 20, "loss": 1}\n{"accuracy": 0.5}\n')
    assert found.values == {"step": 20.0, "loss": 1.0, "accuracy": 0.5}
    assert found.curves == {"loss": ((10.0, 2.0), (20.0, 1.0)), "accuracy": ((1.0, 0.5),)}
    assert read_metrics('{"epoch": 0, "loss": 2}').curves == {"loss": ((0.0, 2.0),)}


def test_a_half_written_last_line_never_passes() -> None:
    text = '{"accuracy": 0.99}\n{"accuracy": 0.1, "lo'
    found = read_metrics(text)
    assert found.values == {}
    assert found.problems == ("line 2 is not a JSON object",)
    assert found.curves["accuracy"] == ((1.0, 0.99),), "the curve is still worth showing"
    failure = check_metrics(GATE, found)
    assert failure is not None and "line 2 of it can't be read" in failure.message
    assert not passes(text)


def test_a_bad_line_is_no_harm_once_the_value_was_written_again() -> None:
    assert passes('{"accuracy": 0.1}\nWARNING: no GPU\n{"accuracy": 0.95}\n')


def test_what_is_not_a_number_never_passes_even_if_it_was_one_before() -> None:
    bad = ("NaN", "Infinity", '"0.99"', "true", "null", "[0.99]", "1e999", "9" * 400, "9" * 5000)
    for value in bad:
        text = '{"accuracy": 0.99}\n{"accuracy": ' + value + "}\n"
        assert not passes(text), value[:10]
        assert read_metrics(text).problems
    assert "it is a boolean, not a number" in read_metrics('{"accuracy": true}').bad["accuracy"]


def test_a_name_can_be_shown_and_kept() -> None:
    text = r'{"\ud800": 1, "a\u001b[2Jb": {"\u202e": 2}}'
    found = read_metrics(text)
    assert found.values == {r"\ud800": 1.0, r"a\x1b[2Jb.\u202e": 2.0}


def test_bytes_of_any_kind_are_read() -> None:
    assert passes(b'\xef\xbb\xbf{"accuracy": 0.95}\r\n')
    assert not passes(b'\xff\xfe\x00{"accuracy": 0.95}')
    assert not passes(b"")
    assert not passes("[" * 100_000)


def test_huge_text_is_read_from_its_end() -> None:
    line = '{"noise": 1}' + " " * 4000 + "\n"
    text = '{"accuracy": 0.99}\n' + line * (MAX_CHARS // len(line) + 1)
    found = read_metrics(text[: MAX_CHARS + 10])
    assert "accuracy" not in found.values, "it may have been written again in what was left out"
    assert found.problems[0].startswith("too long")


def test_curves_names_and_problems_are_bounded() -> None:
    lines = (json.dumps({"step": i, "loss": -i}) for i in range(10_000))
    points = read_metrics("\n".join(lines)).curves["loss"]
    assert len(points) <= MAX_POINTS + 1
    assert (points[0], points[-1]) == ((0.0, 0.0), (9999.0, -9999.0))
    assert list(points) == sorted(points)
    many = read_metrics(json.dumps({f"m{i}": i for i in range(MAX_NAMES + 5)}))
    assert len(many.values) == MAX_NAMES and len(many.problems) == 1
    assert len(read_metrics("x\n" * 1000).problems) == 20


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.lists(JSON | st.just({"accuracy": 0.95}), max_size=6), st.integers(0, 60))
def test_whatever_is_written_it_never_raises_and_gives_finite_numbers(
    values: list[object], cut: int
) -> None:
    text = "\n".join(json.dumps(value) for value in values)
    for part in (text, text[: max(0, len(text) - cut)], text.encode()[cut:]):
        found = read_metrics(part)
        assert all(math.isfinite(value) for value in found.values.values())
        assert not found.values.keys() & found.bad.keys()
        if passes(part):
            last = [line for line in str(part).splitlines() if "accuracy" in line]
            assert last
