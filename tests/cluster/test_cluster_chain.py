"""From a pod that was killed to the line that limits it and a run that succeeds, by keys alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.app.driver import Driver
from tests.triage.test_ward import sees

from mltui.runs.project import Project

if TYPE_CHECKING:
    from .conftest import Make

STAGES = """\
stages:
  fit:
    phase: training
    environment: base
    run: |
      echo building kernel matrix
      python3 -c 'print(len(bytearray(96 << 20)))' > ${outputs.model}
    outputs: {model: model.txt}
    resources: {memory: 80Mi}   # enough for the small data
"""


@pytest.mark.timeout(900)
async def test_two_keys_lead_from_a_killed_pod_to_a_run_that_succeeds(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = make(STAGES)
    for name, value in work.environ.items():
        monkeypatch.setenv(name, value)
    work.mltui("run", "--target", "dev", codes=(1,))
    text = (work.root / "mltui.yaml").read_text()
    line = (
        text.splitlines().index("    resources: {memory: 80Mi}   # enough for the small data") + 1
    )
    async with Driver.open(Project(work.root), size=(100, 40)) as screen:
        await sees(screen, lambda: f"1 set memory: 120Mi in mltui.yaml:{line}" in screen.text)
        assert "it used more memory than its limit and was ended" in screen.text
        await screen.press("1")
        changed = "+    resources: {memory: 120Mi}   # enough for the small data"
        await sees(screen, lambda: changed in screen.text)
        assert "mltui retry fit --run 1" in screen.text
        await screen.press("y")
        await sees(screen, lambda: "run 1  ✓ succeeded" in screen.line("header"))
    assert (work.root / "mltui.yaml").read_text() == text.replace("80Mi", "120Mi")
    assert work.stages()["fit"]["attempt"] == 2
    found = json.loads(work.mltui("triage", "-o", "json"))
    assert not [each for each in found if each["object"].startswith("fit")]
