"""Series stay small however long they are written, and reach back as far as is asked."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mltui.serving import records, series
from mltui.serving.ledger import Ledger
from mltui.serving.monitoring import next_due
from mltui.serving.rows import MonitorRow

DAY = 86_400


def test_what_is_old_is_coarse_and_then_gone(tmp_path: Path) -> None:
    with closing(Ledger.open(tmp_path, write=True)) as ledger:
        for at in range(0, 40 * DAY, 600):
            series.record(ledger, "web@dev", at, {"asked": ("rate", float(at))})
        now = 40.0 * DAY
        series.prune(ledger, now)
        (one,) = series.list_series(ledger, "web@dev")
        count = ledger.query("SELECT count(*) FROM points")[0][0]
        assert count < 2_640
        month = series.read_points(ledger, one.id, now - 30 * DAY, now)
        assert len(month) == pytest.approx(30 * 48, abs=2)
        hour = series.read_points(ledger, one.id, now - 3_600, now)
        assert [p.at for p in hour] == [int(now) - 600 * n for n in range(6, 0, -1)]
        # A coarse point keeps what was lowest and highest in it.
        assert (month[-1].low, month[-1].high) == (now - 1_800, now - 600)
        series.prune(ledger, now + 31 * DAY)
        assert series.list_series(ledger, "web@dev") == []


def test_a_deployment_has_room_for_so_many(tmp_path: Path) -> None:
    with closing(Ledger.open(tmp_path, write=True)) as ledger:
        values = {f"m{n}": ("value", 1.0) for n in range(series.MAX_SERIES + 5)}
        assert series.record(ledger, "web@dev", 0, values) == 5
        assert len(series.list_series(ledger, "web@dev")) == series.MAX_SERIES


def test_a_schedule_that_was_missed_runs_once() -> None:
    row = MonitorRow("drift", "dev", True, 3_600.0, next_at=1_000.0)
    assert next_due(row, 1_000.0) == 4_600.0
    assert next_due(row, 1_000.0 + 10 * 3_600.0 + 5) == 1_000.0 + 11 * 3_600.0
    assert next_due(row, 500.0) == 1_000.0  # a person asked before it was due


def test_the_thinning_of_sizes_keeps_the_newest(tmp_path: Path) -> None:
    with closing(Ledger.open(tmp_path, write=True)) as ledger, ledger.transaction() as db:
        db.execute("INSERT INTO marks VALUES ('web@dev', 1, 10, 100), ('web@dev', 1, 20, 300)")
    with closing(Ledger.open(tmp_path)) as ledger:
        assert records.size_at(ledger, "web@dev", 1, 5) == 0
        assert records.size_at(ledger, "web@dev", 1, 15) == 100
        assert records.size_at(ledger, "web@dev", 1) == 300
