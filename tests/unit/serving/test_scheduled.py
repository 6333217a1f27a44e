"""A monitor whose times a cluster keeps: what it measured is taken once, and decided once."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Attempt, Engine, Exit, Stopped
from mltui.engines.scheduling import Made, Scheduling, Seen, Timetable
from mltui.errors import Forbidden, Unreachable
from mltui.runs.client import Submitted
from mltui.runs.project import SPEC_FILE, Project
from mltui.runs.rows import RunRequest
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.measuring import Measuring
from mltui.serving.monitoring import Monitors
from mltui.serving.rows import MonitorRow, Standing, Version
from mltui.serving.scheduled import Scheduled
from mltui.spec.model import Spec

TEXT = """\
mltui: 1
name: toy
code: []
stages:
  train: {phase: training, run: "true"}
services:
  web: {run: "true"}
monitors:
  drift:
    every: 1h
    min_rows: 20
    inputs: {recent: web.records}
    run: "true"
    gate: {require: odd < 10, otherwise: {run: train}}
targets:
  dev: {engine: process}
"""


@dataclass
class Cluster:
    """What measures by itself, as a test has it."""

    seen: Seen = field(default_factory=lambda: Seen("ns/toy-drift", now=1_000_000.0))
    kept: dict[str, tuple[Exit, int, dict[str, float]]] = field(default_factory=dict)
    told: list[Timetable] = field(default_factory=list)
    owner: str = ""
    down: int = 0
    error: Exception | None = None
    unfitness: str = ""

    def unfit(self, every_s: float) -> str:
        return self.unfitness

    async def look(self, scheduling: Scheduling) -> Seen:
        if isinstance(self.error, Unreachable):
            raise self.error
        return self.seen

    async def tell(self, wanted: Timetable) -> int:
        if self.error is not None:
            raise self.error
        self.told.append(wanted)
        now = self.seen.now
        self.seen = replace(self.seen, sign=wanted.sign, changed=self.seen.changed + 1, made_at=now)
        return self.seen.changed

    async def collect(self, made: Made, by: str, attempt: Attempt) -> tuple[Exit, int] | None:
        if self.owner not in ("", by):
            return None
        exit_, rows, metrics = self.kept[made.name]
        attempt.log.write_text("seen\n")
        (attempt.folder / "metrics").write_text(json.dumps(metrics))
        return exit_, rows

    async def forget(self, made: Made) -> None:
        del self.kept[made.name]
        self.seen = replace(self.seen, made=tuple(m for m in self.seen.made if m != made))

    async def take_down(self, scheduling: Scheduling) -> None:
        self.down += 1

    def measured(self, name: str, ago_s: float, odd: float, *, rows: int = 30, version: int = 1,
                 exit_: Exit | None = None) -> None:  # fmt: skip
        made = Made(name, self.seen.now - ago_s, version, is_over=True, is_kept=True)
        self.kept[name] = (exit_ or Exit(Stopped.EXITED, 0), rows, {"odd": odd})
        self.seen = replace(self.seen, made=(*self.seen.made, made))


class ClusterMaker(Maker):
    """A maker whose engine has schedules."""

    cluster: Cluster

    def engine_of(self, spec: Spec, target: str) -> Engine:
        engine: Any = ProcessEngine()
        engine.schedules = self.cluster
        return engine  # type: ignore[no-any-return]


@dataclass
class There:
    """A project whose service is in a cluster, and the keeper of its monitor's times."""

    ledger: Ledger
    cluster: Cluster
    keeper: Scheduled
    project: Project

    @property
    def row(self) -> MonitorRow:
        found = self.ledger.monitor("drift", "dev")
        assert found is not None
        return found

    async def turn(self) -> None:
        """One turn of the keeper."""
        await self.keeper.once()

    def is_here(self) -> bool:
        """Whether the supervisor keeps the times."""
        return self.keeper.is_here

    def said(self) -> list[tuple[str, float, int | None]]:
        """Verdict, how long ago and run of each measurement, the oldest first."""
        found = reversed(self.ledger.measurements("drift", "dev"))
        now = self.cluster.seen.now
        return [(one.verdict, now - one.at, one.run) for one in found]

    def acts(self) -> list[str]:
        return [one.what for one in self.ledger.acts("drift@dev")]


@contextmanager
def made(root: Path) -> Iterator[There]:
    (root / "mltui.yaml").write_text(TEXT)
    project = Project(root)
    project.prepare()
    with (
        closing(Ledger.open(project.folder, write=True)) as ledger,
        closing(project.journal(write=True)) as journal,
    ):
        run = journal.queue_run(RunRequest(), time.time())
        spec = project.store().put_text(TEXT).digest
        version = Version("web@dev", 0, run, 1.0, "ada", "deployed", spec, "", {}, engine="x")
        ledger.want_version(
            version, replicas=1, port=80, what="deployed", monitors=[("drift", 3_600.0)]
        )
        wanted = ledger.deployment("web@dev")
        assert wanted is not None
        ledger.settle(wanted)
        maker = ClusterMaker(project, project.store(), journal)
        maker.cluster = Cluster()
        row = ledger.monitor("drift", "dev")
        assert row is not None
        keeper = Scheduled(row, ledger, maker, Measuring(ledger, maker))
        yield There(ledger, maker.cluster, keeper, project)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[There]:
    def submit(project: Project, request: RunRequest) -> Submitted:
        with closing(project.journal(write=True)) as journal:
            return Submitted(journal.queue_run(request, time.time()))

    # Queued like any run; no runner begins.
    monkeypatch.setattr("mltui.serving.measuring.runs.submit", submit)
    with made(tmp_path) as found:
        yield found


async def test_a_night_of_drift_starts_one_run(there: There) -> None:
    """Nothing of mltui was there for hours; each measurement shows with its time."""
    await there.turn()
    there.cluster.measured("drift-1", 5 * 3_600, 2)
    there.cluster.measured("drift-2", 4 * 3_600, 12)
    there.cluster.measured("drift-3", 3 * 3_600, 15)
    there.cluster.measured("drift-4", 2 * 3_600, 0, rows=3)
    lost = Exit(Stopped.LOST, None, message="no node can take it")
    there.cluster.measured("drift-5", 3_600, 0, exit_=lost)
    await there.turn()
    assert there.said() == [
        ("passed", 5 * 3_600, None),
        ("not-passed", 4 * 3_600, 2),
        ("not-passed", 3 * 3_600, None),
        ("unmeasured", 2 * 3_600, None),
        ("failed", 3_600, None),
    ]
    with closing(there.project.journal()) as journal:
        assert [run.request.trigger for run in journal.runs()] == [
            "monitor drift: odd 12, needs < 10", "person",
        ]  # fmt: skip
    by_name = {one.object: one for one in there.ledger.measurements("drift", "dev")}
    assert "no run: run 2 was started since" in by_name["ns/drift-3"].reason
    assert by_name["ns/drift-4"].reason == "3 of the 20 records needed"
    assert "no node can take it" in by_name["ns/drift-5"].reason
    # Taken is taken: nothing is kept for it, and nothing comes twice.
    assert not there.cluster.kept
    await there.turn()
    assert len(there.said()) == 5


async def test_what_was_measured_of_a_version_that_is_replaced_starts_nothing(
    there: There,
) -> None:
    there.cluster.measured("drift-1", 60, 12, version=7)
    await there.turn()
    (found,) = there.ledger.measurements("drift", "dev")
    assert (found.verdict, found.run) == ("not-passed", None)
    assert "version 7, which it measured, was replaced since" in found.reason


async def test_killed_between_taking_and_forgetting(there: There) -> None:
    """The record is still there: it is known by its Job and its time, and only forgotten."""
    there.cluster.measured("drift-1", 60, 12)
    kept, seen = dict(there.cluster.kept), there.cluster.seen
    await there.turn()
    there.cluster.kept, there.cluster.seen = kept, replace(seen, sign="x")
    await there.turn()
    assert len(there.said()) == 1
    assert not there.cluster.kept
    # Its Job is listed as long as the cluster likes.
    listed = Made("drift-1", there.cluster.seen.now - 61, is_over=True)
    there.cluster.seen = replace(there.cluster.seen, made=(listed,))
    await there.turn()
    assert len(there.said()) == 1
    # Begun, and not yet judged.
    number = there.ledger.begin_taking(there.row, there.cluster.seen.now - 5, "ns/drift-2")
    there.cluster.measured("drift-2", 5, 1)
    await there.turn()
    newest = there.ledger.measurements("drift", "dev")[0]
    assert (newest.id, newest.verdict) == (number, "passed")


async def test_two_supervisors_do_not_both_decide(there: There) -> None:
    there.cluster.owner = "another machine"
    there.cluster.measured("drift-1", 60, 12)
    await there.turn()
    assert there.said() == []
    assert there.cluster.kept, "it is the other one's to forget"


async def test_one_who_may_not_make_cronjobs_has_it_measured_by_the_supervisor(
    there: There,
) -> None:
    there.cluster.error = Forbidden("you may not patch cronjob ns/toy-drift in kind")
    await there.turn()
    assert there.is_here()
    assert there.row.cronjob == ""
    said = "the supervisor measures it: you may not patch cronjob ns/toy-drift in kind"
    assert there.row.note == said
    there.cluster.error = None
    await there.turn()
    assert not there.is_here()
    assert (there.row.cronjob, there.row.note) == ("ns/toy-drift", "")


async def test_a_period_that_a_cronjob_does_not_know_is_the_supervisors(there: There) -> None:
    there.cluster.unfitness = "a CronJob knows whole minutes, not 5.0s"
    await there.turn()
    assert there.is_here()
    assert there.row.note == "a CronJob knows whole minutes, not 5.0s: the supervisor measures it"
    assert not there.cluster.told


async def test_a_cluster_that_is_away_goes_on_measuring(there: There) -> None:
    await there.turn()
    there.cluster.error = Unreachable("kind does not answer")
    await there.turn()
    assert not there.is_here()
    assert there.row.note == "kind does not answer"


async def test_what_somebody_did_to_the_cronjob_is_said_and_put_right(there: There) -> None:
    await there.turn()
    await there.turn()
    assert len(there.cluster.told) == 1, "the same is told once"
    there.cluster.seen = replace(there.cluster.seen, changed=7)
    await there.turn()
    assert there.acts()[0] == "its CronJob was changed by somebody else: put right"
    there.cluster.seen = replace(there.cluster.seen, sign=None, changed=0)
    await there.turn()
    assert there.acts()[0] == "its CronJob was removed by somebody else: made again"
    assert len(there.cluster.told) == 3
    # Suspending it is a person's right.
    there.cluster.seen = replace(there.cluster.seen, is_paused=True)
    await there.turn()
    assert "is suspended" in there.row.note


async def test_times_that_were_missed_are_said(there: There) -> None:
    await there.turn()
    assert there.row.note == ""
    seen = there.cluster.seen
    there.cluster.seen = replace(seen, last_at=seen.now - 1_800)
    await there.turn()
    assert there.row.note == ""
    assert 1_700 < there.row.next_at - time.time() < 1_900
    there.cluster.seen = replace(seen, last_at=seen.now - 5 * 3_600)
    await there.turn()
    assert "was last due 5h ago: the cluster has missed its times" in there.row.note
    there.cluster.seen = replace(there.cluster.seen, is_busy=True)
    await there.turn()
    assert "was last due 5h ago: its Job is still at work" in there.row.note


async def test_it_rests_until_something_that_concerns_it_is_written(there: There) -> None:
    """By the supervisor itself too, which no commit of another tells of; or in `mltui.yaml`."""
    monitors = Monitors(there.ledger, there.keeper._maker)
    monitors._scheduled[("drift", "dev")] = there.keeper
    file = there.project.root / SPEC_FILE
    serving = there.ledger.deployment("web@dev")
    assert serving is not None
    writes: list[tuple[bool, Callable[[], object]]] = [
        (False, lambda: there.ledger.note("ada", "web@dev", "looked")),
        (True, lambda: there.ledger.set_state("web@dev", Standing.READY, "", 1)),
        (True, lambda: os.utime(file, (1, 1))),
    ]
    for concerns, write in writes:
        await there.turn()
        monitors.notice()
        resting = asyncio.create_task(there.keeper._rest(600))
        await asyncio.sleep(0)
        write()
        monitors.notice()
        for _ in range(10):
            await asyncio.sleep(0)
        assert resting.done() is concerns
        resting.cancel()


async def test_switched_off_or_no_longer_declared_nothing_is_left_there(there: There) -> None:
    await there.turn()
    assert there.ledger.is_needed()
    file = there.project.root / "mltui.yaml"
    file.write_text(TEXT[: TEXT.index("monitors:")] + TEXT[TEXT.index("targets:") :])
    await there.turn()
    assert (there.cluster.down, there.row.cronjob, there.row.is_wanted) == (1, "", False)
    assert "not in mltui.yaml any more" in there.acts()[0]
    await there.turn()
    assert there.cluster.down == 1
