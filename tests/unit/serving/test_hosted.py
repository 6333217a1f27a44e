"""A deployment at a host whose clock is another than this machine's."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mltui.engines.hosting import Member
from mltui.runs.project import Project
from mltui.serving import client
from mltui.serving.hosted import HostedKeeper
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.rows import Standing, Version

NAME = "web@prod"
VERSION = Version(NAME, 0, 7, 1.0, "ada", "deployed", "sha256:aa", "sha256:bb", {}, {}, {})


@pytest.mark.parametrize("apart_s", [-7_200.0, 7_200.0])
async def test_clocks_apart_do_not_make_a_restart_last_for_ever(
    tmp_path: Path, apart_s: float
) -> None:
    """Whether a pod was made before a restart says the pod itself, not when it was made."""
    project = Project(tmp_path)
    project.prepare()
    with (
        closing(Ledger.open(project.folder, write=True)) as ledger,
        closing(project.journal(write=True)) as journal,
    ):
        ledger.want_version(VERSION, replicas=1, port=80, what="deployed")
        restarted_at = time.time()
        ledger.change(NAME, "ada", "restarted", restarted_at=restarted_at)
        wanted, version = ledger.deployment(NAME), ledger.version(NAME, 1)
        assert wanted is not None
        assert version is not None
        keeper = HostedKeeper(NAME, ledger, Maker(project, project.store(), journal))
        there = restarted_at + apart_s
        before = Member("web-1/a", 1, 0.0, there - 60, "10.0.0.1", is_ready=True, is_going=False)
        keeper._note_member(before, wanted, version)
        now = replace(wanted, state=Standing.READY)
        assert not client.is_restarted(project, now, restarted_at)
        after = Member("web-2/b", 1, restarted_at, there + 1, "10.0.0.2", True, False)
        keeper._note_member(after, wanted, version)
        keeper._note_member(replace(before, is_going=True), wanted, version)
        old, new = sorted(ledger.replicas(NAME), key=lambda row: row.made_at)
        assert old.made_at < restarted_at <= new.made_at
        assert (old.host, new.host) == ("10.0.0.1", "10.0.0.2")
