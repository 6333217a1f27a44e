"""What services recorded: windows cut from it, and how much of it is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mltui.engines.kubernetes.store.sparse import BLOCK
from mltui.runs.project import Project
from mltui.serving import records
from mltui.serving.ledger import Ledger
from mltui.serving.replicas import records_of

LINE = b'{"path": "/x"}\n'
WEB = "web@local"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "mltui.yaml").write_text("mltui: 1\nname: x\nstages: {}\n")
    made = Project(tmp_path)
    made.prepare()
    records_of(made, WEB, 1).parent.mkdir(parents=True)
    return made


@pytest.fixture
def ledger(project: Project) -> Iterator[Ledger]:
    with closing(Ledger.open(project.folder, write=True)) as opened:
        yield opened


def test_a_window_begins_where_what_is_kept_begins(project: Project, ledger: Ledger) -> None:
    file = records_of(project, WEB, 1)
    file.write_bytes(LINE * 2_000)
    now = time.time()
    records.sweep(project, WEB, [1], now, {1: 1_000 * len(LINE)})
    assert file.stat().st_size == 2_000 * len(LINE)
    assert file.stat().st_blocks * 512 < 2_000 * len(LINE) - 2 * BLOCK
    window = records.write_window(project, ledger, WEB, 0, project.root / "window")
    kept = (project.root / "window").read_bytes()
    assert kept == LINE * window.rows, "no line is cut"
    assert 1_000 <= window.rows <= 1_000 + BLOCK // len(LINE)


def test_sizes_are_forgotten_as_records_are(project: Project, ledger: Ledger) -> None:
    file = records_of(project, WEB, 1)
    now = time.time()
    with ledger.transaction() as db:
        for days, size in ((50, 10), (40, 20), (10, 30)):
            db.execute("INSERT INTO marks VALUES (?, 1, ?, ?)", (WEB, now - days * 86_400, size))
    records.forget_sizes(ledger, WEB, now)
    assert ledger.query("SELECT size FROM marks ORDER BY at") == [(20,), (30,)]
    assert records.size_at(ledger, WEB, 1, now - records.KEEP_S) == 20
    # A replica that is no more goes with all that it recorded, once no window reaches it.
    file.write_bytes(LINE)
    records.sweep(project, WEB, [], now, {})
    assert file.exists()
    os.utime(file, (0, now - records.KEEP_S - 60))
    records.sweep(project, WEB, [], now, {})
    assert not file.exists()
