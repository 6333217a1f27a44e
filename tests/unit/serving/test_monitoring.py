"""What a monitor does after its supervisor was killed at a bad moment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from mltui.runs.project import Project
from mltui.runs.rows import RunRequest
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.measuring import Measuring


async def test_a_run_that_was_begun_is_not_begun_again(tmp_path: Path) -> None:
    """Killed between starting a run and noting it: that run is followed, no other is started."""
    (tmp_path / "mltui.yaml").write_text("mltui: 1\nname: x\nstages: {}\n")
    project = Project(tmp_path)
    project.prepare()
    with (
        closing(Ledger.open(project.folder, write=True)) as ledger,
        closing(project.journal(write=True)) as journal,
    ):
        monitors = Measuring(ledger, Maker(project, project.store(), journal))
        assert monitors.begun("drift") is None
        journal.queue_run(RunRequest(trigger="monitor drifter: psi 3, needs < 0.2"), 1.0)
        run = journal.queue_run(RunRequest(trigger="monitor drift: psi 3, needs < 0.2"), 2.0)
        assert monitors.begun("drift") == run
        ledger.want_monitor("drift", "local", 60.0, "ada", "switched on")
        row = ledger.monitor("drift", "local")
        assert row is not None
        number = ledger.begin_measurement(row, 3.0, 63.0)
        ledger.end_measurement(row, number, verdict="not-passed", run=run)
        assert monitors.begun("drift") is None
        # One of a measurement that is forgotten by now is over.
        journal.queue_run(RunRequest(trigger="monitor drift: psi 3, needs < 0.2"), 2.5)
        assert monitors.begun("drift") is None
