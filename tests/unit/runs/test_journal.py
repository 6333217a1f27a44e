"""The journal: what goes in comes out, all or nothing, and errors say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mltui.cli.listing import Listing
from mltui.errors import JournalError
from mltui.pipeline import model
from mltui.pipeline.model import Artifact, Event, Failure, Instance, StageRow, State, Usage, Verdict
from mltui.runs import codec
from mltui.runs.database import DiskFull
from mltui.runs.journal import VERSION, Journal
from mltui.runs.reserve import Reserve, is_full
from mltui.runs.rows import BuildRow, Result, RunRequest
from mltui.spec.model import FailureClass

TRAIN = Instance("train", (2, 3), None)
ITEM = Instance("say", (), "en-es")
KEPT = Artifact("sha256:" + "ab" * 32, 12)
FOLDER = Artifact("sha256:" + "cd" * 32, 1 << 40, is_folder=True)
PARTS = {"command": 'echo "ü" ${inputs.x}', "params.c": "0.01"}
EVENTS: list[Event] = [
    model.RunPlanned(1.5, "sha256:a", {"train": "sha256:b"}, {"c": "1"}, ("train",), ("x",), "dev"),
    model.StageExpanded(2, Instance("say"), ("en-es", "es-en")),
    model.StageBuilding(3, TRAIN, "env", "env-1"),
    model.StageKeyed(4, TRAIN, 2, "key1", PARTS, "c 1 → 2"),
    model.StageCached(5, ITEM, "key2", PARTS, {"o": FOLDER}, {"a.b": 0.1}, "run 1 say[en-es].1"),
    model.AttemptStarting(6, TRAIN, 2, "process", "local"),
    model.AttemptStarted(7, TRAIN, 2, "1:2:boot", None),
    model.AttemptStarted(7, TRAIN, 2, "1:2:boot", "sha256:i"),
    model.AttemptUnknown(8, TRAIN, 2, "no answer"),
    model.AttemptWaiting(8, TRAIN, 2, "no node"),
    model.StageWaiting(8, TRAIN, "no answer"),
    model.AttemptEnded(9, TRAIN, 2, None, 0, {"m": KEPT}, {"x": -1e-9}, Usage(0.5, 1 << 33)),
    model.AttemptEnded(9, TRAIN, 2, Failure(FailureClass.MEMORY, "too much"), 137),
    model.GateJudged(10, TRAIN, Verdict.ACCEPTED_BEST, "accept", 2, 1, "me@here", "why"),
    model.StageRetried(11, ITEM, "me@here"),
    model.StageStale(12, ITEM, "code changed"),
    model.StageFailed(13, ITEM, 1, Failure(FailureClass.BUILD, "pip says no")),
    model.RunCancelled(14, None, "me@here"),
    model.RunCancelled(14, ITEM),
    model.RunEnded(15, State.PAUSED, "a person decides", 4),
]
ROW = StageRow(
    run=1,
    stage="train",
    item=None,
    path=(2, 3),
    attempt=2,
    state=State.FAILED,
    phase="training",
    failure=FailureClass.MEMORY,
    started_at=6.0,
    ended_at=9.0,
    accepted=False,
    gate=Verdict.NOT_PASSED,
    metrics={"x": 1.0},
    key="key1",
    outputs={"m": KEPT},
    usage=Usage(0.5, None),
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal.open(tmp_path, write=True)
    yield made
    made.close()


def reader(journal: Journal) -> Journal:
    return Journal.open(journal.folder)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_as_text(event: Event) -> None:
    assert codec.decode_event(*codec.encode_event(event)) == event


def test_every_kind_of_event_is_tried_above() -> None:
    assert {type(event) for event in EVENTS} == set(codec.events().values())


def test_a_row_survives_as_text() -> None:
    assert codec.decode_row(codec.encode_row(ROW)) == ROW
    assert codec.decode_row(codec.encode_row(ROW)[:-1] + ',"later":1}') == ROW


@given(st.text(st.characters(exclude_categories=()), max_size=20))
@example("a\udcffb")
def test_any_text_is_kept(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Names of files need be no UTF-8, and JSON may hold half a character."""
    with closing(Journal.open(tmp_path_factory.mktemp("journal"), write=True)) as journal:
        run = journal.queue_run(RunRequest(), 1.0)
        request = journal.ask(run, "cancel", {}, "me", 1.0)
        failed = Failure(FailureClass.CONTRACT, text)
        event = model.AttemptEnded(9, ITEM, 1, failed, 0, {}, {text: 1.0})
        build = BuildRow("env-1", "env", "docker", "k", State.FAILED, 1.0, None, "log", text, run)
        journal.append(
            run, [event], [replace(ROW, reason=text, item="x")], builds=[build],
            answers=[(request, 2.0, text)], update={"reason": text},
        )  # fmt: skip
        ((_, found),) = journal.events(run)
        _, (row,) = journal.stages(run)
        known = journal.run(run)
        assert isinstance(found, model.AttemptEnded) and found.failure is not None
        assert known is not None
        said = (found.failure.message, row.reason, known.reason, journal.builds()[0].reason)
        for each in said:
            each.encode()
            assert text.isascii() is False or each == text
        if not any("\ud800" <= char <= "\udfff" for char in text):
            assert set(said) == {text}


def test_events_and_rows_in_order_with_versions(journal: Journal) -> None:
    run = journal.queue_run(RunRequest(jobs=3, overrides={"c": "1"}), 1.0)
    assert run == 1 and journal.latest() == 1
    journal.append(run, EVENTS[:3], [ROW], update={"state": "running", "params": {"c": 1}})
    version, rows = journal.stages(run)
    assert rows == [ROW]
    assert journal.stages(run, since=version) == (version, [])
    later = replace(ROW, item=None, path=(2, 4), attempt=0)
    journal.append(run, EVENTS[3:], [later], update={"metrics": {"train.x": 1.0}})
    with_since, news = journal.stages(run, since=version)
    assert (news, with_since > version) == ([later], True)
    assert [event for _, event in journal.events(run)] == EVENTS
    assert journal.stage(run, TRAIN) == ROW and journal.stage(run, ITEM) is None
    row = journal.run(run)
    assert row is not None and row.request == RunRequest(jobs=3, overrides={"c": "1"})
    assert (row.state, row.params, row.metrics) == (State.RUNNING, {"c": 1}, {"train.x": 1.0})
    assert journal.stages_gone(run, [TRAIN, ITEM]) == [ITEM]
    journal.append(run, [], gone=[TRAIN])
    assert journal.stages_gone(run, [TRAIN]) == [TRAIN]


def test_single_events_are_found_without_reading_all(journal: Journal) -> None:
    run = journal.queue_run(RunRequest(), 1.0)
    journal.append(run, EVENTS)
    assert journal.key_event(run, TRAIN) == EVENTS[3]
    assert journal.key_event(run, ITEM) == EVENTS[4]
    assert journal.key_event(run, Instance("say")) is None
    assert journal.newest_event(run, model.RunPlanned) == EVENTS[0]
    assert journal.newest_event(run + 1, model.RunPlanned) is None


def test_all_or_nothing(journal: Journal) -> None:
    run = journal.queue_run(RunRequest(), 1.0)
    request = journal.ask(run, "cancel", {}, "me", 1.0)
    with pytest.raises(JournalError):
        journal.append(
            run, EVENTS[:2], [ROW], answers=[(request, 2.0, "")], update={"no_such_column": 1}
        )
    assert journal.events(run) == [] and journal.stages(run) == (0, [])
    assert [one.id for one in journal.open_requests()] == [request]
    journal.append(run, EVENTS[:2], [ROW], answers=[(request, 2.0, "no")])
    found = journal.request(request)
    assert found is not None and (found.answer, found.handled_at) == ("no", 2.0)
    assert journal.open_requests() == []


def test_results_and_builds(journal: Journal) -> None:
    old = Result("k1", "train", "run 1 train.1", 1.0, {"m": KEPT}, {"x": 1.0}, PARTS, "runs/1/t")
    new = replace(old, key="k2", at=2.0, outputs={"m": FOLDER})
    build = BuildRow("env-1", "env", "process", "bk", State.BUILDING, 1.0, run=1, log="builds/l")
    journal.append(1, [], results=[old, new], builds=[build])
    assert journal.result("k1") == old and journal.result("k3") is None
    assert journal.results("train") == [new, old]
    assert set(journal.result_keys()) == {"k1", "k2"}
    journal.put_build(replace(build, state=State.FAILED, reason="no"))
    found = journal.build("env-1")
    assert found is not None and (found.state, found.reason) == (State.FAILED, "no")
    assert journal.builds(environment="other") == []


def test_what_earlier_runs_took(journal: Journal) -> None:
    for number in range(3):
        run = journal.queue_run(RunRequest(), 1.0)
        done = replace(
            ROW,
            run=run,
            state=State.SUCCEEDED,
            ended_at=ROW.ended_at and 9.0 + number,
            key=f"k{run}",
        )
        journal.append(run, [], [done])
    assert journal.durations(limit=2) == {"train": [5.0, 4.0]}
    assert [row.run for row in journal.history("train")] == [3, 2, 1]
    assert journal.keys_of("train") == ["k3", "k2", "k1"]


def test_forgotten_runs_are_gone(journal: Journal) -> None:
    for _ in range(2):
        run = journal.queue_run(RunRequest(), 1.0)
        journal.append(run, EVENTS, [replace(ROW, run=run)])
    journal.pin(2, True)
    journal.forget([1], ["k"])
    assert [row.number for row in journal.runs()] == [2]
    assert journal.events(1) == [] and len(journal.events(2)) == len(EVENTS)
    assert journal.runs()[0].pinned
    assert [row.number for row in journal.unfinished()] == [2]


def test_a_reader_sees_that_something_changed(journal: Journal) -> None:
    other = reader(journal)
    before = other.data_version()
    assert other.data_version() == before
    journal.queue_run(RunRequest(), 1.0)
    assert other.data_version() != before
    other.close()


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="start one with `mltui run`"):
        Journal.open(tmp_path)
    Journal.open(tmp_path, write=True).close()
    db = sqlite3.connect(tmp_path / "journal.db")
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(JournalError, match="upgrade mltui"):
        Journal.open(tmp_path)
    db = sqlite3.connect(tmp_path / "journal.db")
    db.execute("PRAGMA user_version = 0")
    db.close()
    with pytest.raises(JournalError, match="not a journal"):
        Journal.open(tmp_path)
    (tmp_path / "journal.db-wal").unlink(missing_ok=True)
    (tmp_path / "journal.db").write_bytes(b"nothing like it" * 500)
    with pytest.raises(JournalError, match="damaged"):
        Journal.open(tmp_path)


def test_a_journal_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / ".mltui"
    folder.mkdir()
    with closing(Journal.open(folder, write=True)) as journal:
        journal.queue_run(RunRequest(), 1.0)

    def make_old() -> None:
        db = sqlite3.connect(folder / "journal.db")
        db.execute("ALTER TABLE runs DROP COLUMN idle_s")
        db.execute("PRAGMA user_version = 1")
        db.close()

    make_old()
    with closing(Journal.open(folder)) as journal:
        assert [(run.number, run.idle_s) for run in journal.runs()] == [(1, 0.0)]
    make_old()
    with Listing(str(tmp_path)) as listing:
        assert [run["number"] for run in listing.runs()] == [1]


def test_a_full_disk_is_told_from_other_errors(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, write=True)
    journal._db.execute("PRAGMA max_page_count = 40")
    run = journal.queue_run(RunRequest(), 1.0)
    with pytest.raises(DiskFull, match="full") as error:
        journal.append(run, [model.StageStale(1, ITEM, "x" * 10_000)] * 50)
    assert is_full(error.value)
    assert journal.events(run) == []
    journal.close()
    assert not is_full(JournalError("something else"))


def test_the_reserve(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path)
    assert reserve.lay_by() and reserve.lay_by()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 20
    assert reserve.spend()
    assert not reserve.spend()
