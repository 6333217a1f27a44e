"""What triage says it looked at."""

from __future__ import annotations

from mltui.triage.facts import Facts, RunFact, StageFact
from mltui.triage.looked import looked


def test_a_stage_of_several_rounds_is_one_stage() -> None:
    stages = tuple(
        StageFact(1, name, f"{name}~{path}", "succeeded", path=(path,))
        for name in ("train", "evaluate")
        for path in (1, 2, 3)
    )
    facts = Facts(at=0.0, project="digits", runs=(RunFact(1, "succeeded"),), stages=stages)
    assert looked(facts) == [("digits", "mltui.yaml, run 1, 2 stages")]
