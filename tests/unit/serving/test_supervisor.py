"""What a supervisor that has just begun says of services that it has not looked at."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mltui.runs.project import Project
from mltui.serving.ledger import Ledger
from mltui.serving.rows import Standing, Version
from mltui.serving.supervisor import doubt

NAME = "web@dev"
VERSION = Version(NAME, 0, 7, 1.0, "ada", "deployed", "sha256:aa", "sha256:bb", {}, {}, {})
BACK = "version 2 did not get healthy, back to version 1"


@pytest.mark.parametrize(
    ("before", "reason", "after"),
    [
        (Standing.READY, "", Standing.STARTING),
        (Standing.READY, BACK, Standing.STARTING),
        (Standing.DEGRADED, "it was ended by signal 9", Standing.STARTING),
        (Standing.REPLACING, "", Standing.REPLACING),
        (Standing.FAILED, "its image is gone", Standing.FAILED),
    ],
)
def test_what_an_earlier_one_said_is_not_known_any_more(
    tmp_path: Path, before: Standing, reason: str, after: Standing
) -> None:
    project = Project(tmp_path)
    project.prepare()
    with closing(Ledger.open(project.folder, write=True)) as ledger:
        ledger.want_version(VERSION, replicas=2, port=80, what="deployed")
        ledger.set_state(NAME, before, reason, 2)
        doubt(ledger)
        found = ledger.deployment(NAME)
        assert found is not None
        assert (found.state, found.ready) == (after, 2)
        # What is to be read until something else is wanted stays.
        assert reason in found.reason
