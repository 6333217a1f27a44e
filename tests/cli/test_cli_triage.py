"""`mltui triage`: what scripts get, and that a recorded incident says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.app.seed import NOON, Behaviour, Seed
from tests.app.worlds import KERNEL, digits, world

from mltui.cli.main import main
from mltui.pipeline.model import Failure
from mltui.runs.project import Project
from mltui.spec.model import FailureClass


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


KILLED = Behaviour(
    41,
    log=KERNEL,
    failure=Failure(FailureClass.MEMORY, "it used more memory than its limit and was ended"),
    exit_code=137,
    memory=512 << 20,
)


def project(root: Path, **changes: Behaviour) -> Project:
    seed = Seed.project_of(root, digits())
    seed.run(world(changes=dict(changes)), began=NOON)
    return seed.project


def test_the_chain_from_a_killed_stage_to_the_line_that_limits_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = project(tmp_path / "digits", train=KILLED)
    assert main(["-C", str(made.root), "triage", "-o", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["object"] == "train~1 of run 1" and found["count"] == 3
    assert "512 MiB" in found["cause"] and found["confidence"] == 1
    texts = [each["text"] for each in found["evidence"]]
    place = next(each for each in found["evidence"] if each["from"] == "mltui.yaml")
    line = made.file.read_text().splitlines()[place["line"] - 1]
    assert "memory: 512Mi" in line and line.strip() in place["text"]
    assert any("cannot allocate kernel matrix" in text for text in texts)
    change = found["fixes"][0]["change"]
    assert f"-{line}" in change and f"+{line.replace('512Mi', '768Mi')}" in change
    assert change[-1] == "mltui retry 'train~1' --run 1"


def test_a_recorded_incident_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(tmp_path / "digits", train=KILLED)
    record = tmp_path / "incident.json"
    main(["-C", str(made.root), "triage", "-o", "json", "--save", str(record)])
    live = json.loads(capsys.readouterr().out)
    monkeypatch.chdir(tmp_path)  # no project here
    assert main(["triage", "-o", "json", "--from", str(record)]) == 1
    replayed = json.loads(capsys.readouterr().out)
    assert [each["cause"] for each in replayed] == [each["cause"] for each in live]
    record.write_text("{}")
    assert main(["triage", "--from", str(record)]) == 2
    assert "no record of facts" in capsys.readouterr().err


def test_a_file_that_is_wrong_is_said_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = project(tmp_path / "digits")
    made.file.write_text(made.file.read_text().replace("phase: data", "phaze: data"))
    line = made.file.read_text().splitlines().index("    phaze: data") + 1
    assert main(["-C", str(made.root), "triage", "-o", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["object"] == "mltui.yaml" and f"line {line}" in found["cause"]
    assert "did you mean `phase`" in found["cause"]
    assert any(fix["title"].startswith("edit mltui.yaml:") for fix in found["fixes"])


def test_a_healthy_project_is_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = project(tmp_path / "digits")
    assert main(["-C", str(made.root), "triage"]) == 0
    told = capsys.readouterr()
    assert told.out == "" and "nothing is wrong" in told.err
    assert "looked at digits: mltui.yaml, run 1, " in told.err
