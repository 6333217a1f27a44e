"""`try:` as a grid or a seeded draw: the same text means the same rounds, wrong ones are told."""

from __future__ import annotations

import pytest

from mltui import spec
from mltui.errors import SpecError
from mltui.spec.model import Gate

TEXT = """\
mltui: 1
name: search
params: {c: 1, kind: a}
stages:
  train:
    phase: training
    params: [c, kind]
    run: echo ${params.c} ${params.kind} > ${metrics}
    gate:
      require: accuracy > 0.9
      restart: train
      try: TRY
      best: max(accuracy)
      otherwise: accept-best
"""


def gate(search: str) -> Gate:
    found = spec.load(TEXT.replace("TRY", search), "mltui.yaml").stages["train"].gate
    assert found is not None
    return found


def test_a_grid_is_every_combination() -> None:
    found = gate("{grid: {c: [1, 10], kind: [a, b]}}")
    assert [tuple(one.values()) for one in found.tries] == [
        (1, "a"), (1, "b"), (10, "a"), (10, "b"),
    ]  # fmt: skip
    assert found.max_rounds == 4


def test_a_draw_is_repeatable_and_within_its_range() -> None:
    text = "{random: {c: {from: 0.01, to: 100, scale: log}, kind: [a, b]}, rounds: 60, seed: 7}"
    found = gate(text)
    assert found.tries == gate(text).tries
    assert found.tries != gate(text.replace("seed: 7", "seed: 8")).tries
    assert found.max_rounds == 60
    drawn = [float(str(one["c"])) for one in found.tries]
    assert all(0.01 <= value <= 100 for value in drawn)
    # On a logarithmic scale half of them are below 1.
    assert 15 < sum(value < 1 for value in drawn) < 45
    assert {one["kind"] for one in found.tries} == {"a", "b"}
    whole = gate("{random: {c: {from: 1, to: 3}}}")
    assert len(whole.tries) == 10
    assert {one["c"] for one in whole.tries} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ("{grid: {c: [1]}, random: {c: [1]}}", "both `grid` and `random`"),
        ("{rounds: 3}", "this search is empty"),
        ("{grid: {c: [1]}, seed: 3}", "`seed` is for a `random` search"),
        ("{grid: {d: [1, 2, 3]}}", "there is no param `d`"),
        ("{random: {c: {from: 3, to: 1}}}", "`from` must be less than `to`"),
        ("{random: {c: {from: 0, to: 1, scale: log}}}", "`from` must be more than 0"),
        ("{random: {c: {from: x, to: 1}}}", "must be a number"),
        ("{random: {c: 3}}", "must be a list of values, or a range"),
        ("{gird: {c: [1]}}", "did you mean `grid`?"),
    ],
)
def test_what_is_wrong_is_told_once(search: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        gate(search)
    told = [str(problem) for problem in error.value.problems]
    assert len(told) == 1, told
    assert says in told[0]


def test_a_grid_too_large_is_refused() -> None:
    values = ", ".join(map(str, range(101)))
    with pytest.raises(SpecError, match="10,201 combinations"):
        gate(f"{{grid: {{c: [{values}], kind: [{values}]}}}}")
