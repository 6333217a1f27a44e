"""Prometheus text of any kind → rates, means and quantiles over replicas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.serving.exposition import MAX_LABEL_SETS, between, read_exposition

BEFORE = """\
# TYPE asked_total counter
asked_total{code="200"} 100
asked_total{code="500"} 1
# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 90
took_seconds_bucket{le="0.5"} 100
took_seconds_bucket{le="+Inf"} 101
took_seconds_sum 9
took_seconds_count 101
# TYPE confidence gauge
confidence 0.5
"""
AFTER = (
    BEFORE.replace("} 100\nasked", "} 150\nasked")
    .replace('0.1"} 90', '0.1"} 130')
    .replace('0.5"} 100', '0.5"} 150')
    .replace('Inf"} 101', 'Inf"} 151')
    .replace("sum 9", "sum 14")
    .replace("count 101", "count 151")
)


def test_two_replicas_are_added_up() -> None:
    pair = (read_exposition(BEFORE), read_exposition(AFTER))
    found = between([pair, pair], 10.0)
    assert found["asked_total"] == ("rate", 10.0)
    assert found["asked_total{code=200}"] == ("rate", 10.0)
    assert found["asked_total{code=500}"] == ("rate", 0.0)
    assert found["took_seconds_count"] == ("rate", 10.0)
    assert found["took_seconds mean"][1] == pytest.approx(0.1)
    kind, median = found["took_seconds p50"]
    assert kind == "quantile"
    assert median == pytest.approx(0.1 * 25 / 40)
    assert found["confidence"] == ("value", 0.5)


def test_a_replica_that_began_anew_counts_from_nothing() -> None:
    found = between([(read_exposition(AFTER), read_exposition(BEFORE))], 1.0)
    assert found["asked_total{code=200}"] == ("rate", 100.0)
    assert found["took_seconds_count"] == ("rate", 101.0)


def test_a_new_replica_has_no_rates_yet() -> None:
    assert set(between([(None, read_exposition(AFTER))], 1.0)) == {"confidence"}


def test_what_is_too_much_or_wrong_is_said() -> None:
    many = "# TYPE a_total counter\n" + "".join(f'a_total{{user="{n}"}} 1\n' for n in range(500))
    assert read_exposition(many).counters == {"a_total": 500.0}
    few = "# TYPE a_total counter\n" + "".join(
        f'a_total{{user="{n}"}} 1\n' for n in range(MAX_LABEL_SETS)
    )
    assert len(read_exposition(few).counters) == MAX_LABEL_SETS + 1
    assert "not numbers" in read_exposition("a NaN\nb +Inf\nc 1\n").problem
    assert read_exposition("a NaN\nc 1\n").gauges == {"c": 1.0}
    assert "not Prometheus text" in read_exposition("<html>no</html>\n").problem
    assert "left out" in read_exposition("".join(f"m{n} 1\n" for n in range(20_002))).problem


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    found = read_exposition(text)
    between([(found, found)], 1.0)
