"""What is wanted of services: one transaction each, and nobody overwrites what he has not seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mltui.errors import Conflict, JournalError
from mltui.pipeline.rows import Artifact
from mltui.serving.ledger import KEPT_GONE, Ledger
from mltui.serving.rows import BuiltAs, Course, Health, Served, Standing, Version

NAME = "web@prod"
VERSION = Version(
    NAME, 0, 7, 1_000.0, "ada@lab", "deployed", "sha256:aa", "sha256:bb",
    {"model": Served(Artifact("sha256:cc", 12), "train~2 of run 7")},
    {"c": 1.5}, {"evaluate.accuracy": 0.9},
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger.open(tmp_path, write=True)) as made:
        yield made


def want(ledger: Ledger, expected: int | None = None) -> int:
    return ledger.want_version(
        VERSION, replicas=2, port=80, what="deployed", expected=expected, monitors=[("drift", 60.0)]
    )


def test_a_version_is_read_as_it_was_written(ledger: Ledger) -> None:
    assert want(ledger) == 1
    found = ledger.version(NAME, 1)
    assert found == replace(VERSION, number=1)
    built = BuiltAs("key", "sha256:dd", "/venv")
    assert ledger.set_built(found, built) == ledger.version(NAME, 1)
    monitor = ledger.monitor("drift", "prod")
    assert monitor is not None
    assert monitor.is_wanted


def test_of_two_promotions_at_once_one_is_refused(ledger: Ledger) -> None:
    want(ledger, expected=0)
    with pytest.raises(Conflict, match="is at version 1 by now"):
        want(ledger, expected=0)
    assert want(ledger, expected=1) == 2
    assert [act.what for act in ledger.acts()] == [
        "deployed (version 2)",
        "deployed (version 1)",
    ]


def test_a_bad_version_goes_back_to_the_one_that_serves(ledger: Ledger) -> None:
    want(ledger)
    first = ledger.deployment(NAME)
    assert first is not None
    assert ledger.give_back(first, "it crashes", 5.0) is None
    failed = ledger.deployment(NAME)
    assert failed is not None
    assert (failed.state, failed.reason) == (Standing.FAILED, "it crashes")
    ledger.change(NAME, "ada", "restarted", restarted_at=6.0)  # tried again
    version = ledger.version(NAME, 1)
    assert version is not None
    assert version.course is Course.WAITING

    ledger.settle(failed)
    want(ledger)
    second = ledger.deployment(NAME)
    assert second is not None
    back = ledger.give_back(second, "it crashes too", 7.0)
    assert back is not None
    assert back.number == 1
    now = ledger.deployment(NAME)
    assert now is not None
    assert now.version == 1
    # Who wants something else meanwhile is not overruled.
    assert ledger.give_back(second, "late", 8.0) is None


def test_how_it_stood_is_not_said_of_what_is_wanted_now(ledger: Ledger) -> None:
    """A supervisor looks, a person wants something else, then it says what it saw."""
    want(ledger)
    seen = ledger.deployment(NAME)
    assert seen is not None
    ledger.change(NAME, "ada", "stopped", is_wanted=False, state=Standing.STOPPING)
    ledger.set_state(NAME, Standing.READY, "", 2, seen)
    now = ledger.deployment(NAME)
    assert now is not None
    assert (now.state, now.ready) == (Standing.STOPPING, 0)
    ledger.set_state(NAME, Standing.STOPPED, "", 0, now)
    stopped = ledger.deployment(NAME)
    assert stopped is not None
    assert stopped.state is Standing.STOPPED


def test_replicas_that_are_gone_are_forgotten_in_time(ledger: Ledger) -> None:
    want(ledger)
    version = ledger.version(NAME, 1)
    assert version is not None
    for _ in range(KEPT_GONE + 5):
        row = ledger.next_replica(version, 1, time.time())
        ledger.put_replica(replace(row, health=Health.GONE))
    alive = ledger.next_replica(version, 1, time.time())
    assert [row.number for row in ledger.replicas(NAME)] == [alive.number]
    assert len(ledger.replicas(NAME, gone=True)) == KEPT_GONE + 1


def test_what_is_no_journal_of_ours_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="nothing is served"):
        Ledger.open(tmp_path)
    (tmp_path / "serving.db").write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(JournalError, match="damaged"):
        Ledger.open(tmp_path)


def test_a_journal_of_before_monitors_were_in_clusters_is_read(tmp_path: Path) -> None:
    with closing(Ledger.open(tmp_path, write=True)) as ledger:
        ledger.want_monitor("drift", "local", 60.0, "ada", "switched on")
        row = ledger.monitor("drift", "local")
        assert row is not None
        ledger.end_measurement(row, ledger.begin_measurement(row, 1.0, 61.0), verdict="passed")
        with ledger.transaction() as db:
            for table, name in (
                ("monitors", "cronjob"), ("monitors", "note"), ("measurements", "object"),
            ):  # fmt: skip
                db.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        with ledger.transaction() as db:
            db.execute("PRAGMA user_version = 1")
    with closing(Ledger.open(tmp_path)) as ledger:
        row = ledger.monitor("drift", "local")
        assert row is not None
        assert (row.cronjob, row.note) == ("", "")
        assert [one.object for one in ledger.measurements("drift", "local")] == [""]


def test_since_when_a_service_is_this_checkouts(ledger: Ledger) -> None:
    """What another checkout's service of that name recorded was before."""
    assert ledger.served_since(NAME) == 0.0
    for at, since in ((1_000.0, 1_000.0), (2_000.0, 2_000.0), (3_000.0, 2_000.0)):
        ledger.want_version(
            replace(VERSION, at=at), replicas=1, port=80, what="deployed", monitors=[]
        )
        wanted = ledger.deployment(NAME)
        assert wanted is not None
        assert ledger.served_since(NAME) == since
        if at == 1_000.0:
            ledger.give_back(wanted, "it never began", at)
        else:
            ledger.settle(wanted)
