"""The Log tab: the log of the selected attempt, followed while it is written."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from mltui.app.lineview import LineView
from mltui.app.panes.textpane import FileShown, Subject
from mltui.app.present.line import wrapped
from mltui.app.present.moment import Moment
from mltui.app.widgets.logkeys import LogSaid
from mltui.app.widgets.logpane import LogPane
from mltui.logs.index import LogIndex
from mltui.logs.merge import MOST_SOURCES, Merged, MergeSource
from mltui.logs.times import TimeReader, local_offset_s
from mltui.pipeline.rows import StageRow, State, attempt_label
from mltui.runs.locate import place_of_row

_EMPTY = {
    State.PENDING: "not started yet: it waits for what it needs",
    State.READY: "not started yet: it waits for room",
    State.SKIPPED: "skipped: nothing ran",
    State.BUILDING: "its environment is being made",
}

_FIRST = {State.FAILED: 0, State.RUNNING: 1}

_NOTHING = "it wrote nothing"
_BUILD = "build of "


@dataclass(frozen=True, slots=True)
class StageLog:
    """One of the logs of a run."""

    label: str
    file: Path
    begun_at: float
    is_over: bool
    target: str
    """How `mltui logs` calls it."""


class LogTab(Vertical):
    """A `LogPane` on whichever log the selected stage writes or wrote."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.file: Path | None = None
        self.files: set[Path] = set()
        """What is on screen: one log, or those of all stages."""
        self.together: Callable[[], list[StageLog]] | None = None
        """Asked for the logs of all stages, to be shown as one; None: the selected stage's."""
        self._merged: Merged | None = None
        self.log_pane = LogPane(id="logpane", show_title=False, histogram=True)
        self._note = LineView(id="lognote")
        self._note.can_focus = False
        self.log_pane.display = False
        self._shown: tuple[object, ...] = ()
        self._said = ""

    def compose(self) -> ComposeResult:
        """The pane, and what stands there while there is no log."""
        yield self._note
        yield self.log_pane

    def about(self, subject: Subject | None, moment: Moment) -> None:
        """Show this stage's newest log, from its end; or those of all stages."""
        if self.together is not None and subject is not None:
            run = subject.row.run
            self._open_all(self.together(), f"run {run}, all stages", f"--run {run}")
            return
        if subject is None:
            self._open(None, "", "")
            return
        row = subject.row
        if row.item is None and subject.log is None and (items := subject.view.items(row)):
            self._open_items(subject, items)
            return
        if row.state.is_final and subject.log is not None and not _has_text(subject.log):
            self._open(None, subject.log_name or _name(row), _NOTHING)
            return
        name = subject.log_name or _name(row)
        self._open(subject.log, name, _EMPTY.get(row.state, _NOTHING), _target(subject))

    def serve(self, logs: list[StageLog], title: str, target: str, empty: str) -> None:
        """Show what the replicas of a service say, as one: those that come join, others leave.

        *empty*: what to say where none has a log, nor had one since it is shown.
        """
        there = {each.file for each in logs}
        is_shown = self._merged is not None and self._shown == (title, target)
        for source in self._merged.sources if self._merged is not None and is_shown else ():
            if not source.is_over and source.lines.path not in there:
                source.is_over, source.farewell = True, f"{source.label} left"
                self.post_message(LogSaid(source.farewell))  # no line may come after it
        if logs or is_shown:
            self._open_all(logs, title, target)
        else:
            self._open(None, title, empty)

    def tick(self, moment: Moment) -> None:
        """Nothing on it depends on the clock."""

    def wake(self) -> None:
        """The file changed."""
        self.log_pane.wake()

    def _open(self, file: Path | None, name: str, empty: str, target: str = "") -> None:
        if file is None:
            self._said = empty
            self._say()
        if self._shown != (file, name):
            self._shown = (file, name)
            self.file = file
            self._note.display = file is None
            self.log_pane.display = file is not None
            index = LogIndex(file) if file is not None else None
            self._merged = None
            self.log_pane.set_index(index, name, target=target, offset_s=local_offset_s())
            self._watch({file} if file is not None else set())

    @on(LineView.Widened, "#lognote")
    def _say(self) -> None:
        self._note.show(wrapped(self._said, max(self.size.width - 1, 20), "dim", " "))

    def _open_items(self, subject: Subject, items: list[StageRow]) -> None:
        """The logs of a stage's items as one, those that failed or run first."""
        row, logs = subject.row, []
        for each in sorted(items, key=lambda each: _FIRST.get(each.state, len(_FIRST))):
            place = place_of_row(subject.project, each)
            if place is not None and place.log.exists():
                name, begun_at = each.item or each.instance.label, each.started_at or 0.0
                target = _name(each)
                logs.append(StageLog(name, place.log, begun_at, each.state.is_final, target))
        name = row.instance.label
        if not logs:
            self._open(None, name, "none of its items has begun")
            return
        self._open_all(logs, f"{name}, all items", f"{shlex.quote(name)} --run {row.run}")

    def _open_all(self, logs: list[StageLog], title: str, target: str) -> None:
        """Several logs as one; those that begin later join."""
        merged = self._merged
        logs = logs[:MOST_SOURCES]
        if merged is None or self._shown != (title, target):
            merged = self._merged = Merged()
            self._shown, self.file = (title, target), None
            self.files = set()
            self._note.display, self.log_pane.display = False, True
            for each in logs:
                self._join(merged, each, "")
            self.log_pane.set_index(merged, title, target=target, offset_s=local_offset_s())
        for each in logs:
            if each.file not in self.files and len(merged.sources) < MOST_SOURCES:
                self._join(merged, each, f"{each.label} joined")
        ended = {each.file for each in logs if each.is_over}
        for source in merged.sources:
            if not source.is_over and source.lines.path in ended:
                source.is_over, source.farewell = True, f"{source.label} ended"
        self._watch(self.files | {each.file for each in logs})
        self.log_pane.wake()

    def _join(self, merged: Merged, log: StageLog, mark: str) -> None:
        self.files = self.files | {log.file}
        times = TimeReader(log.begun_at or time.time(), local_offset_s())

        def time_of(position: int, raw: bytes) -> float | None:
            found = times.read(raw)
            return found.at if found is not None else None

        index = LogIndex(log.file)
        source = MergeSource(
            log.label, index, time_of, log.begun_at, is_over=log.is_over, target=log.target
        )
        merged.add(source, mark)

    def _watch(self, files: set[Path]) -> None:
        self.files = files
        self.post_message(FileShown(self.file))


def _has_text(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _target(subject: Subject) -> str:
    """How `mltui logs` calls the log that is shown of a stage: an attempt's, or its build's."""
    row = subject.row
    label = _name(row)
    if subject.log_name.startswith(_BUILD) and row.build:
        return f"build/{row.build}"
    if subject.log is not None and subject.log_name.startswith(f"{row.instance.label}."):
        label = subject.log_name  # an earlier attempt
    return f"{shlex.quote(label)} --run {row.run}"


def _name(row: StageRow) -> str:
    return attempt_label(row.instance, row.attempt) if row.attempt else row.instance.label
