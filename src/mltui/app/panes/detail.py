"""What is known of the selected stage: the failure card if it failed, a title, tabs and a pane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from mltui.app.lineview import LineView, OneLine
from mltui.app.panes.textpane import FileShown, Subject, TextPane
from mltui.app.present.card import Evidence, card, trouble
from mltui.app.present.line import EMPTY, Line, line
from mltui.app.present.moment import Moment
from mltui.app.present.tabs import TABS, log_words, strip, title
from mltui.app.runview import is_troubled
from mltui.pipeline.rows import State
from mltui.spec.choices import FailureClass

if TYPE_CHECKING:
    from mltui.app.panes.build import BuildPane
    from mltui.app.panes.log import LogTab, StageLog
    from mltui.app.widgets.logpane import LogStatus


class DetailPane(Vertical):
    """The right half of the screen."""

    @dataclass
    class TabShown(Message):
        """Another pane of the stage is shown."""

        name: str

    @dataclass
    class Watching(Message):
        """Other files are on screen: whoever watches files should watch these."""

        files: set[Path]

    def __init__(self) -> None:
        super().__init__(id="detail")
        self.tab = "log"
        self._card = LineView(id="card")
        self._card.can_focus = False
        self._title = OneLine(id="title")
        self._strip = OneLine(id="tabs")
        self._panes: dict[str, TextPane | LogTab] = {}
        """Those that were looked at: the others are made when they are."""
        self._log: LogTab | None = None
        self._build: BuildPane | None = None
        self._switcher = ContentSwitcher(id="panes")
        self._message = LineView(id="message")
        self._subject: Subject | None = None
        self._moment = Moment(0.0)
        self._is_alone = False
        self._numbered = True
        self._evidence: Evidence | None = None
        self._fixes: Sequence[str] = ()
        self._log_status = ""
        self._served = ""
        """Title of a service's log, where that is shown."""

    def compose(self) -> ComposeResult:
        """Card, title, tabs, panes."""
        yield self._card
        yield self._title
        yield self._strip
        yield self._switcher
        yield self._message

    def on_mount(self) -> None:
        """The card takes room only when there is something on it."""
        self._card.display = False
        self._message.display = False

    def on_resize(self) -> None:
        """What fits beside and below one another is another."""
        self._fit()

    # --- what the workbench calls -------------------------------------------------------------

    def about(
        self,
        subject: Subject | None,
        evidence: Evidence | None,
        fixes: Sequence[str],
        moment: Moment,
    ) -> None:
        """Show this stage; `evidence` when it failed."""
        self._subject, self._moment, self._served = subject, moment, ""
        self._evidence, self._fixes = evidence, fixes
        self._say(None)
        self._strip.display = True
        self._show_card(moment)
        self._show_title(moment)
        self._show_pane(moment)

    def stand_alone(self, is_alone: bool) -> None:
        """There is nothing beside it, or there is again."""
        self._is_alone = is_alone
        self.set_class(is_alone, "-alone")
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """The width is another."""
        self._show_card(self._moment)
        self._show_title(self._moment)

    def say(self, lines: Sequence[Line]) -> None:
        """Show lines in place of a stage: problems of the file, what to do first."""
        self._subject, self._served = None, ""
        self._say(lines)

    def serve(self, logs: list[StageLog], title: str, target: str, empty: str) -> None:
        """Show what the replicas of a service say; *empty*: what to say of none."""
        self._subject, self._served = None, title
        self._say(None)
        self._card.display = self._strip.display = False
        self._title.display = True
        self.tab = self._switcher.current = "log"
        self.log_tab.serve(logs, title, target, empty)
        self._show_title(self._moment)

    def tick(self, moment: Moment) -> None:
        """Time went by."""
        self._moment = moment
        self._show_title(moment)
        pane = self.current
        if pane is not self._message:
            self._panes[self.tab].tick(moment)

    def show_tab(self, name: str) -> None:
        """Show one of the panes."""
        if name not in TABS:
            return
        if name != self.tab:
            self.tab = name
            self._make(name)
            self._switcher.current = name
            self._show_card(self._moment)
            self._show_title(self._moment)
            self._show_pane(self._moment)
            self.post_message(self.TabShown(name))

    def next_tab(self, step: int) -> None:
        """The tab beside the present one."""
        self.show_tab(TABS[(TABS.index(self.tab) + step) % len(TABS)])

    @property
    def current(self) -> Widget:
        """The pane on screen."""
        if self._message.display:
            return self._message
        self._make(self.tab)
        return self._panes[self.tab]

    @property
    def log_tab(self) -> LogTab:
        """The pane of logs."""
        self._make("log")
        assert self._log is not None
        return self._log

    def give_focus(self) -> None:
        """Give the keys to the pane on screen."""
        pane = self.current
        (self._log.log_pane if self._log is not None and pane is self._log else pane).focus()

    def files_changed(self, files: set[Path]) -> None:
        """Some of the files on screen have more in them."""
        if self._log is not None and self._log.files & files:
            self._log.wake()
        build = self._build
        if build is not None and build.file in files and self.current is build:
            build.wake()

    @on(FileShown)
    def _watch(self, event: FileShown) -> None:
        event.stop()
        build = self._build.file if self._build is not None else None
        files = set(self._log.files) if self._log is not None else set()
        if build is not None:
            files.add(build)
        self.post_message(self.Watching(files))

    # --- parts ----------------------------------------------------------------------------------

    def _make(self, name: str) -> None:
        """See that a pane is there; what is imported for it is not needed to begin."""
        if name in self._panes:
            return
        if name == "log":
            from mltui.app.panes.log import LogTab

            self._panes[name] = self._log = LogTab()
            self._log.log_pane.status_changed = self._log_told
        elif name == "gate":
            from mltui.app.panes.gate import GatePane

            self._panes[name] = GatePane(name)
        elif name == "inputs":
            from mltui.app.panes.inputs import InputsPane

            self._panes[name] = InputsPane(name)
        elif name == "build":
            from mltui.app.panes.build import BuildPane

            self._panes[name] = self._build = BuildPane(name)
        else:
            from mltui.app.panes.explain import ExplainPane

            self._panes[name] = ExplainPane(name)
        pane = self._panes[name]
        pane.display = name == self.tab
        self._switcher.mount(pane)
        if pane.display:
            self._switcher.current = name

    def _say(self, lines: Sequence[Line] | None) -> None:
        message = self._message
        shown = lines is not None
        if message.display != shown:
            message.display = shown
            for part in (self._title, self._strip, self._switcher):
                part.display = not shown
        if lines is not None:
            self._card.display = False
            message.show(lines)

    def _show_card(self, moment: Moment) -> None:
        subject, evidence, fixes = self._subject, self._evidence, self._fixes
        view = self._card
        failed = subject is not None and evidence is not None and subject.row.state is State.FAILED
        self._numbered = not (failed and fixes)
        width = max(self.size.width - 1, 30)
        if subject is not None and is_troubled(subject.row):
            pending = subject.view.pending.get(subject.row.instance)
            heading = title(replace(subject.row, reason=""), pending, width, moment)
            self._put_on_card(trouble(subject.row, heading, width))
            return
        if not failed or subject is None or evidence is None:
            if view.display:
                view.display = False
            return
        height = max(self.size.height * 3 // 5 - 1, 7)
        if self._is_alone and self.tab == "log":
            height = 2  # the whole screen is wanted for the log: what failed, and why
        if self.tab == "build" and subject.row.failure is FailureClass.BUILD:
            evidence = Evidence()  # the pane below says it all, with the lines around it
        lines = card(
            subject.row, evidence, fixes, width, height, moment, with_lines=self.tab != "log"
        )
        self._put_on_card(lines)

    def _put_on_card(self, lines: Sequence[Line]) -> None:
        view = self._card
        view.show([*lines, EMPTY])
        view.styles.height = len(lines) + 1
        if not view.display:
            view.display = True

    def _show_title(self, moment: Moment) -> None:
        subject = self._subject
        width = max(self.size.width - 1, 30)
        if self._served:
            served = (f" {self._served}", "strong")
            self._title.show(line(served, right=((f"{self._log_status} ", "dim"),)))
        if subject is None:
            return
        pending = subject.view.pending.get(subject.row.instance)
        on_card = self._card.display
        heading = self._title
        if heading.display == on_card:
            heading.display = not on_card  # the card has the title already
        if not on_card:
            heading.show(title(subject.row, pending, width, moment))
        status = ""
        if self.tab == "log":
            words = (subject.log_name, self._log_status)
            status = "  ".join(word for word in words if word)
        shown, places = strip(self.tab, self._numbered, width, status)
        self._strip.show(shown, places)

    def _show_pane(self, moment: Moment) -> None:
        self._make(self.tab)
        self._panes[self.tab].about(self._subject, moment)

    def _log_told(self, status: LogStatus) -> None:
        """What is told of the log stands beside the tabs."""
        row = self._subject.row if self._subject is not None else None
        active = bool(self._served) or (row is not None and not row.state.is_final)
        self._log_status = log_words(status, active)
        self._show_title(self._moment)

    @on(OneLine.Clicked, "#tabs")
    def _tab_clicked(self, event: OneLine.Clicked) -> None:
        event.stop()
        self.show_tab(event.name)
