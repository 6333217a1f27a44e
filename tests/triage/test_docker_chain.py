"""From a stage that Docker killed to the line that limits it, and back to a run that succeeds."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mltui.app.fixing import change_file
from mltui.cli.main import main
from mltui.runs.facts import project_facts
from mltui.runs.project import Project
from mltui.triage.diagnosis import diagnose
from mltui.triage.finding import SetValue

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host

PROJECT = f"""\
mltui: 1
name: chain
environments:
  box: {{image: "{_testbed.BASE_IMAGE}"}}
targets:
  local: {{engine: docker}}
stages:
  fit:
    phase: training
    environment: box
    run: |
      echo building kernel matrix
      python3 -c 'print(len(bytearray(96 << 20)))' > ${{outputs.model}}
    outputs: {{model: model.txt}}
    resources: {{memory: 80Mi}}   # enough for the small data
  wrong:
    phase: training
    environment: box
    run: python3 -c 'import numppy' > ${{outputs.x}}
    outputs: {{x: x.txt}}
  slow:
    phase: training
    environment: box
    run: sleep 60
    timeout: 1s
  forgets:
    phase: training
    environment: box
    run: echo done
    outputs: {{report: report.json}}
  absent:
    phase: training
    environment: box
    run: [traiin, --fast]
"""


@pytest.fixture
def project(tmp_path: Path, docker_host: DockerHost, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "chain"
    root.mkdir()
    (root / "mltui.yaml").write_text(PROJECT)
    for name in list(os.environ):
        if name.startswith("DOCKER_"):
            monkeypatch.delenv(name)
    for name, value in docker_host.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(root)
    return Project(root)


def triage(capsys: pytest.CaptureFixture[str], code: int = 1) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["triage", "-o", "json", "--docker", "no"]) == code
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.timeout(300)
def test_the_whole_chain_on_docker(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 1
    told = {each["object"].split()[0]: each for each in triage(capsys)}
    assert set(told) == {"fit", "wrong", "slow", "forgets", "absent"}
    assert told["fit"]["title"] == "fit of run 1 runs out of memory"
    assert told["wrong"]["cause"] == "the environment box has no module numppy"
    assert "longer than its timeout of 1.0s" in told["slow"]["cause"]
    assert told["forgets"]["title"].endswith("did not leave its output report")
    assert "can't find the program traiin" in told["absent"]["title"]
    texts = [each["text"] for each in told["fit"]["evidence"]]
    assert any("resources: {memory: 80Mi}   # enough for the small data" in x for x in texts)
    assert any("building kernel matrix" in text for text in texts)
    assert any(text.startswith("container ") for text in texts)
    # The fix, as a key would do it.
    facts = project_facts(project, 0.0)
    finding = next(each for each in diagnose(facts) if each.rule == "stage-memory")
    step = finding.fixes[0].steps[0]
    assert isinstance(step, SetValue) and step.new == "120Mi"
    change_file(project, step)
    assert project.file.read_text() == PROJECT.replace("80Mi", "120Mi")
    main(["retry", "fit"])
    assert "fit" not in {each["object"].split()[0] for each in triage(capsys)}


BUILDS = {
    "copies": ("COPY nothere.txt /x", "can't be built: nothere.txt is missing"),
    "calls": ("RUN tesseract --version", "can't be built: no program tesseract"),
    "fails": ("RUN echo half a layer; exit 4", "environment fails can't be built"),
}


@pytest.mark.timeout(300)
def test_builds_say_the_line_that_is_to_blame(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "mltui: 1\nname: builds\ntargets: {local: {engine: docker}}\nenvironments:\n"
    text += "".join(f"  {name}: {{image: {{build: images/{name}}}}}\n" for name in BUILDS)
    text += "stages:\n"
    for name, (line, _) in BUILDS.items():
        folder = project.root / "images" / name
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(f"FROM {_testbed.BASE_IMAGE}\n\n{line}\n")
        for stage in (name, f"{name}-too"):
            text += f"  {stage}: {{phase: data, environment: {name}, run: 'true'}}\n"
    project.file.write_text(text)
    assert main(["run"]) == 1
    told = {each["object"].split()[1]: each for each in triage(capsys)}
    assert set(told) == set(BUILDS)
    for name, (line, title) in BUILDS.items():
        assert title in told[name]["title"]
        place = f"images/{name}/Dockerfile:3  {line}"
        assert any(place in each["text"] for each in told[name]["evidence"]), told[name]
        assert f"edit images/{name}/Dockerfile:3" in {x["title"] for x in told[name]["fixes"]}
