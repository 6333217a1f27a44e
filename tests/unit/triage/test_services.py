"""What is wrong with services of the project, by what they measured and what monitors said."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mltui.runs.project import Project
from mltui.serving import series
from mltui.serving.facts import with_services
from mltui.serving.ledger import Ledger
from mltui.serving.rows import Version
from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Curve, Facts, MonitorFact, ServiceFact
from mltui.triage.finding import Command, Finding, Harm

NOW = 1_764_072_000.0
STEADY = Curve("http_requests_total", "rate", (20.0,) * 60, (20.0,) * 40)


def served(
    *curves: Curve, state: str = "ready", ready: int = 2, replicas: int = 2
) -> list[Finding]:
    service = ServiceFact("classifier@prod", state, "", ready, replicas, 3, curves=curves)
    return diagnose(Facts(NOW, "digits", services=(service,)))


def test_a_service_that_answers_errors_now_and_did_not_before() -> None:
    errors = Curve("http_errors_total", "rate", (0.0,) * 60, (0.0,) * 30 + (4.0,) * 10)
    (found,) = served(STEADY, errors)
    assert found.title == "service classifier@prod answers with errors"
    assert "20% of its requests" in found.cause and "none before" in found.cause
    assert found.fixes[0].steps == (Command(("mltui", "rollback", "classifier@prod")),)
    few = Curve("http_errors_total", "rate", (0.05,) * 60, (0.06,) * 40)
    assert not served(STEADY, few)


def test_a_service_that_is_slower_than_its_past() -> None:
    def seconds(now: float) -> Curve:
        return Curve("latency_seconds", "mean", (0.05, 0.06) * 30, (now,) * 40)

    (found,) = served(STEADY, seconds(0.3))
    assert "is slower than it was" in found.title and "before" in found.cause
    assert found.confidence < 1
    assert not served(STEADY, seconds(0.09))
    assert not served(Curve("latency_seconds", "mean", (), (9.0,) * 40)), "it has no past"


@pytest.mark.parametrize(
    ("state", "title", "harm"),
    [
        ("failed", "does not get healthy", Harm.URGENT),
        ("degraded", "has too few replicas", Harm.WRONG),
        ("unknown", "nobody looks after", Harm.WRONG),
    ],
)
def test_how_a_service_stands(state: str, title: str, harm: Harm) -> None:
    (found,) = served(state=state, ready=1)
    assert title in found.title and found.harm is harm
    assert not served(state="stopped", replicas=0)


def test_drift_is_told_with_the_run_it_started() -> None:
    said = MonitorFact(
        "drift@prod", "not-passed", "psi 0.31 is not < 0.2", {"psi": 0.31}, 900, NOW - 60, 15
    )
    (found,) = diagnose(Facts(NOW, "digits", monitors=(said,)))
    assert found.title == "monitor drift@prod found drift" and "psi 0.31" in found.cause
    assert any("it started run 15" in each.text for each in found.evidence)
    passed = replace(said, verdict="passed")
    assert not diagnose(Facts(NOW, "digits", monitors=(passed,)))
    late = replace(passed, trouble="its CronJob dev/digits-drift is suspended")
    (found,) = diagnose(Facts(NOW, "digits", monitors=(late,)))
    assert found.title == "monitor drift@prod does not measure at its times"
    assert "is suspended" in found.cause


def test_the_serving_journal_is_read(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.folder.mkdir()
    assert with_services(Facts(NOW), project) == Facts(NOW)
    made = Version("web@dev", 0, 7, NOW, "ada", "deployed", "sha256:aa", "sha256:bb", {})
    with closing(Ledger.open(project.folder, write=True)) as ledger:
        ledger.want_version(made, replicas=1, port=80, what="deployed", monitors=[("drift", 60.0)])
        for ago in range(7000, 0, -15):
            seconds = 0.9 if ago < 300 else 0.05
            series.record(ledger, "web@dev", NOW - ago, {"latency_seconds": ("mean", seconds)})
        monitor = ledger.monitor("drift", "dev")
        assert monitor is not None
        began = ledger.begin_measurement(monitor, NOW, NOW + 60)
        ledger.end_measurement(monitor, began, verdict="not-passed", reason="psi 0.3 is not < 0.2")
        ledger.change_monitor(monitor, "", "", note="the supervisor measures it: no right")
    facts = with_services(Facts(NOW, "digits"), project)
    assert [(each.verdict, each.trouble) for each in facts.monitors] == [("not-passed", "")]
    titles = {each.title for each in diagnose(facts)}
    assert titles == {"nobody looks after service web@dev", "monitor drift@dev found drift"}
    (service,) = facts.services
    there = replace(facts, services=(replace(service, state="ready", ready=1),), monitors=())
    assert [each.title for each in diagnose(there)] == ["service web@dev is slower than it was"]
