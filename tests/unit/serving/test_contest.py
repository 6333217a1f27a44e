"""Who judges two models, and that a tie keeps the one that serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltui import spec
from mltui.serving.contest import Judge, judge_of, verdict

DIGITS = Path(__file__).parents[3] / "sample_projects" / "digits" / "mltui.yaml"


def judge() -> Judge:
    project = spec.load(DIGITS.read_text(), "mltui.yaml")
    found = judge_of(project, project.services["classifier"])
    assert found is not None
    return found


def test_the_stage_that_reads_the_model_and_has_a_gate_judges() -> None:
    found = judge()
    assert (found.stage.name, found.metric, found.is_more_better) == ("evaluate", "accuracy", True)


def test_nothing_judges_where_no_gate_reads_the_model() -> None:
    text = DIGITS.read_text()
    begin, end = text.index("  evaluate:"), text.index("services:")
    project = spec.load(text[:begin] + text[end:], "mltui.yaml")
    assert judge_of(project, project.services["classifier"]) is None


@pytest.mark.parametrize(
    ("new", "old", "is_better", "sign"),
    [(0.9, 0.8, True, ">"), (0.8, 0.8, False, "="), (0.7, 0.8, False, "<")],
)
def test_only_a_better_model_wins(new: float, old: float, is_better: bool, sign: str) -> None:
    found = verdict(judge(), new, old, 5)
    assert found.is_better is is_better
    assert f"accuracy {new:g} {sign} {old:g} of what serves" in found.sentence
