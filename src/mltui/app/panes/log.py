"""The Log tab: the log of the selected attempt, followed while it is written."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical

from mltui.app.lineview import LineView
from mltui.app.panes.textpane import FileShown, Subject
from mltui.app.present.line import line
from mltui.app.present.stages import Moment
from mltui.app.widgets.logpane import LogPane
from mltui.logs.index import LogIndex
from mltui.pipeline.rows import StageRow, State, attempt_label

_EMPTY = {
    State.PENDING: "not started yet: it waits for what it needs",
    State.READY: "not started yet: it waits for room",
    State.SKIPPED: "skipped: nothing ran",
    State.BUILDING: "its environment is being made",
}

_NOTHING = "it wrote nothing"


class LogTab(Vertical):
    """A `LogPane` on whichever log the selected stage writes or wrote."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.file: Path | None = None
        self.log_pane = LogPane(id="logpane", show_title=False, histogram=True)
        self._note = LineView(id="lognote")
        self._note.can_focus = False
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The pane, and what stands there while there is no log."""
        yield self._note
        yield self.log_pane

    def on_mount(self) -> None:
        """Nothing is shown until a stage is selected."""
        self.log_pane.display = False

    def about(self, subject: Subject | None, moment: Moment) -> None:
        """Show this stage's newest log, from its end."""
        if subject is None:
            self._open(None, "", "")
            return
        row = subject.row
        if row.item is None and subject.log is None and subject.view.items(row):
            self._open(
                None, row.instance.label, "each item has a log of its own: Enter unfolds them"
            )
            return
        if row.state.is_final and subject.log is not None and not _has_text(subject.log):
            self._open(None, subject.log_name or _name(row), _NOTHING)
            return
        self._open(subject.log, subject.log_name or _name(row), _EMPTY.get(row.state, _NOTHING))

    def tick(self, moment: Moment) -> None:
        """Nothing on it depends on the clock."""

    def wake(self) -> None:
        """The file changed."""
        self.log_pane.wake()

    def _open(self, file: Path | None, name: str, empty: str) -> None:
        if file is None:
            self._note.show([line((f" {empty}", "dim"))])
        if self._shown != (file, name):
            self._shown = (file, name)
            self.file = file
            self._note.display = file is None
            self.log_pane.display = file is not None
            self.log_pane.set_index(LogIndex(file) if file is not None else None, name)
            self.post_message(FileShown(file))


def _has_text(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _name(row: StageRow) -> str:
    return attempt_label(row.instance, row.attempt) if row.attempt else row.instance.label
