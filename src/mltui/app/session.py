"""The one that knows: owns the connection to the journal and the task that waits for changes.

Panes never read the journal. A wake-up reads what changed since the version on screen and hands a
`Change` to the listener (the workbench), which tells the panes concerned. When nothing changed
nothing is called. Everything that may take long happens in threads (`background`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.app.background import Background
from mltui.app.change import Change
from mltui.app.present.facts import Facts
from mltui.app.runview import RunView, with_state
from mltui.errors import JournalError, Problem
from mltui.pipeline.rows import Instance, StageRow, State, attempt_label, attempt_slug
from mltui.runs.client import effective_state
from mltui.runs.journal import Journal
from mltui.runs.locate import place_of_row
from mltui.runs.lock import RunnerStatus, runner_status
from mltui.runs.project import Project
from mltui.runs.rows import RunRow
from mltui.spec.choices import FailureClass

if TYPE_CHECKING:
    from mltui.runs.rows import Request
    from mltui.runs.watch import Watch
    from mltui.spec.model import Spec


class Session:
    """What is known of a project, kept up to date."""

    def __init__(
        self, project: Project, *, run: int | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.project = project
        self.now = now
        self.view: RunView | None = None
        self.facts = Facts()
        self.background = Background(self)
        self.runs: list[RunRow] = []
        """Newest first; read when the list is shown, and kept while it is."""
        self.newest: int | None = None
        self.run_count = 0
        self.queued = 0
        self.runner = RunnerStatus(False)
        self.trouble = ""
        """Why the journal can't be read, a sentence."""
        self.left_s: float | None = None
        """How long the run will still take, by earlier runs."""
        self.listing = False
        """The list of runs is shown, so it has to be kept up to date."""
        self.on_change: Callable[[Change], None] = lambda change: None
        self.on_journal: Callable[[], None] = lambda: None
        """Something was written, if only what no run shows: a build by itself."""
        self.on_files: Callable[[set[Path]], None] = lambda files: None
        self._watch: Watch | None = None
        self._files: set[Path] = set()
        self._journal: Journal | None = None
        self._shown = run
        """The run a person chose; None: the newest, whichever that is."""
        self._seen = -1
        self._unfinished: set[int] = set()
        self._is_open = False

    @property
    def has_project(self) -> bool:
        """There is an `mltui.yaml`, or what runs left behind."""
        return self.project.file.exists() or self.project.folder.exists()

    @property
    def has_journal(self) -> bool:
        """Something was run or built here, and can be read."""
        return self._journal is not None

    # --- reading the journal --------------------------------------------------------------------

    def open(self) -> None:
        """Read what the first paint needs; a project without runs has nothing yet."""
        self.refresh(force=True)
        self._is_open = True

    def close(self) -> None:
        """Let go of the journal. Nothing else has to end: runs belong to their runner."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def refresh(self, *, force: bool = False) -> Change:
        """Read what changed and tell the listener; cheap when nothing did."""
        change = Change()
        try:
            self._read(change, force=force)
            if self.trouble:
                self.trouble = ""
                change.run = True
        except JournalError as error:
            if self.trouble != str(error):
                self.trouble = str(error)
                change.run = True
            self.close()
        if change:
            self.on_change(change)
        return change

    def _read(self, change: Change, *, force: bool) -> None:
        if self._journal is not None and not (self.project.folder / "journal.db").exists():
            self._forget(change)  # somebody removed `.mltui`
        if self._journal is None:
            if not (self.project.folder / "journal.db").exists():
                return
            self._journal = self.project.journal()
            force = True
        journal = self._journal
        status = runner_status(self.project)
        version = journal.data_version()
        if version == self._seen and status == self.runner and not force:
            return
        self._seen = version
        change.run = status != self.runner
        self.runner = status
        self._read_runs(journal, change)
        wanted = self._shown if self._shown is not None else self.newest
        if wanted is None:
            return
        if self.view is None or self.view.run.number != wanted:
            row = journal.run(wanted)
            if row is None:
                return
            self.view = RunView(row)
            if row.state is State.PENDING:
                self._expect(self.view)
            self.facts.curves = {}
            change.switched = change.run = True
        self._read_run(journal, self.view, change)

    def _expect(self, view: RunView) -> None:
        """Until a run's own rows come, in a moment or once it is its turn: those of the file."""
        file = self.background.file
        rows = file.planned if file is not None else ()
        view.apply([replace(row, run=view.run.number) for row in rows])

    def _forget(self, change: Change) -> None:
        self.close()
        self.view, self.newest, self._seen, self._shown = None, None, -1, None
        self.runs, self._unfinished = [], set()
        change.switched = change.run = change.runs = True

    def _read_runs(self, journal: Journal, change: Change) -> None:
        newest, seen = journal.latest(), set(self._unfinished)
        if newest != self.newest:
            rows = journal.stages(newest)[1] if newest is not None and self._is_open else ()
            if newest is not None and any(row.state is not State.CACHED for row in rows):
                seen.add(newest)  # it may have ended before it was seen to run
            self.newest = newest
            change.runs = True
        unfinished = journal.unfinished()
        numbers = {row.number for row in unfinished}
        for number in sorted(seen - numbers):
            row = journal.run(number)
            if row is not None:
                change.ended.append(row)
        self._unfinished = numbers
        queued = sum(row.state is State.PENDING for row in unfinished)
        if queued != self.queued:
            self.queued = queued
            change.run = True
        if self.listing:
            runs = journal.runs(limit=2000)
            if runs != self.runs:
                self.runs = runs
                self.run_count = len(runs)
                change.runs = True

    def _read_run(self, journal: Journal, view: RunView, change: Change) -> None:
        number = view.run.number
        version, changed = journal.stages(number, since=view.version)
        gone = journal.stages_gone(number, view.rows) if version != view.version else []
        if view.version and not changed and view.rows:
            # A retry that only forgets rounds moves no version, so look whether rows went.
            gone = gone or journal.stages_gone(number, view.rows)
        row = journal.run(number)
        if not version and row is not None and row.state is not State.PENDING:
            gone = list(view.rows)  # it ended before it had any
        view.version = version
        change.instances |= view.apply(changed, gone)
        if row is None:
            return
        state, reason = effective_state(row, self.runner)
        if with_state(view, state, reason, row):
            change.run = True

    # --- waiting for changes ----------------------------------------------------------------------

    async def watch(self) -> None:
        """Wait for changes, for as long as the app runs. Nothing happens while nothing changes."""
        from mltui.runs.watch import Watch

        folder = self.project.folder
        journal = {folder / "journal.db", folder / "journal.db-wal"}
        serving = {folder / name for name in ("serving.db", "serving.db-wal", "serving.lock")}
        async with Watch(*journal, *serving, self.project.file, folder / "lock") as watch:
            self._watch = watch
            for file in self._files:
                watch.add(file)
            self.refresh(force=True)  # what happened before we watched
            self.on_files(set(self._files))
            if (folder / "serving.db").exists():
                await self.background.read_serving()
            while True:
                found = await watch.changed()
                if found & serving:
                    await self.background.read_serving()
                if found & journal or folder / "lock" in found:
                    self.refresh()
                    self.on_journal()
                if self.project.file in found:
                    await self.background.read_file()
                rest = found & self._files
                if rest:
                    self.on_files(rest)

    def watch_files(self, files: set[Path]) -> None:
        """Also report changes of these (the log on screen), in place of the ones before."""
        if self._watch is not None:
            for file in self._files - files:
                self._watch.remove(file)
            for file in files - self._files:
                self._watch.add(file)
        self._files = set(files)

    # --- what is shown --------------------------------------------------------------------------

    @property
    def shown(self) -> int | None:
        """The run that a person chose to look at; None: the newest."""
        return self._shown

    def show(self, number: int | None) -> Change:
        """Look at this run; None or the newest number follows whatever run comes next."""
        self._shown = None if number == self.newest else number
        return self.refresh(force=True)

    def list_runs(self, listing: bool) -> None:
        """Begin or end keeping the list of runs."""
        self.listing = listing
        if listing:
            self.refresh(force=True)

    def expect(self, instances: list[Instance], text: str) -> Change:
        """Mark stages with what was asked for; an empty text takes the mark away."""
        change = Change(instances=set() if self.view is None else set(instances))
        if self.view is not None:
            for instance in instances:
                if text:
                    self.view.pending[instance] = text
                else:
                    self.view.pending.pop(instance, None)
        if change:
            self.on_change(change)
        return change

    def forget_expected(self) -> None:
        """What was asked for was refused: take all marks away."""
        if self.view is not None:
            self.expect(list(self.view.pending), "")
            self.expect_run("")

    def expect_run(self, text: str) -> None:
        """Mark the run with what was asked for."""
        if self.view is not None and self.view.run_pending != text:
            self.view.run_pending = text
            self.on_change(Change(run=True))

    def expect_served(self, name: str, text: str) -> None:
        """Mark a service or monitor with what was asked for, until the journal confirms it."""
        if text:
            self.facts.expected[name] = text
        else:
            self.facts.expected.pop(name, None)
        self.on_change(Change(facts=True))

    # --- of the file, and of single rows ----------------------------------------------------------

    def estimate(self) -> None:
        """How long the run will still take; a few hundred rows are summed up in no time."""
        view, plan = self.view, self.facts.plan
        if view is None or plan is None or view.state is not State.RUNNING:
            self.left_s = None
            return
        from mltui.pipeline.estimate import remaining_s
        from mltui.runs.progress import jobs_of

        jobs = jobs_of(view.run)
        rows = [row for row in view.rows.values() if row.stage in plan.index]
        self.left_s = remaining_s(plan, rows, self.facts.durations, self.now(), jobs)

    def log_of(self, row: StageRow, back: int = 0) -> tuple[Path | None, str]:
        """The log to show of a row and, where it is not its newest attempt's, what to call it.

        back: so many attempts before the newest.
        """
        if back and row.attempt > back:
            number = row.attempt - back
            folder = self.project.run_folder(row.run) / attempt_slug(row.instance, number)
            return folder / "log", attempt_label(row.instance, number)
        in_build = not row.attempt or row.failure is FailureClass.BUILD
        if row.build and self._journal is not None and in_build:
            build = self._journal.build(row.build)
            if build is not None and build.log:
                return self.project.folder / build.log, f"build of {build.environment}"
        place = place_of_row(self.project, row)
        if place is None:
            return None, ""
        return place.log, "" if place.is_own else f"log of {row.source}"

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with `mltui.yaml`; empty until it is read."""
        file = self.background.file
        return file.problems if file is not None else []

    @property
    def spec(self) -> Spec | None:
        """The file as it is now; None while it is wrong or not read yet."""
        file = self.background.file
        return file.now if file is not None else None

    @property
    def text(self) -> str:
        """The text that `problems` speak of."""
        file = self.background.file
        return file.text if file is not None else ""

    @property
    def name(self) -> str:
        """The project's name; its folder's until the file is read."""
        return self.background.name

    def request(self, number: int) -> Request | None:
        """A request that was left in the journal, to see what became of it."""
        return self._journal.request(number) if self._journal is not None else None
