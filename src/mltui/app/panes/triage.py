"""The triage screen's panes: the list of findings, and beside or below it the one at the cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from mltui.app.lineview import LineView
from mltui.app.present.line import EMPTY, Line
from mltui.app.present.moment import Moment
from mltui.app.present.triage import detail_lines, list_lines, past_lines, quiet_lines
from mltui.triage.finding import Evidence, Finding
from mltui.triage.history import Past
from mltui.triage.quiet import Quiet

WIDE = 120
"""From so many columns on the two are beside each other."""


class TriagePane(Container):
    """What is wrong."""

    def __init__(self) -> None:
        super().__init__(id="triage")
        self.opened: Callable[[Evidence], None] = lambda evidence: None
        """A piece of evidence was chosen: show where it came from."""
        self.fix: Callable[[Finding, int], None] = lambda finding, number: None
        """A fix of it was chosen, from 1."""
        self.news: Callable[[], None] = lambda: None
        """Another finding is under the cursor."""
        self.list = LineView(has_cursor=True, id="findings")
        self.detail = LineView(has_cursor=True, id="finding")
        self._findings: Sequence[Finding] = ()
        self._silent: Sequence[Finding] = ()
        self._quiet: Mapping[str, Quiet] = {}
        self._past: Sequence[Past] = ()
        self._moment = Moment(0.0, True)
        self.needle = ""
        self.looked: Sequence[tuple[str, str]] = ()
        """Where was looked, and at what."""
        self.looked_at: float | None = None
        self.is_looking = False

    def compose(self) -> ComposeResult:
        """The list, and the detail."""
        yield self.list
        yield self.detail

    def on_resize(self) -> None:
        """Beside each other where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")
        self.call_after_refresh(self._show)

    @on(LineView.Widened)
    def _widened(self) -> None:
        self._show()

    @property
    def finding(self) -> Finding | None:
        """The one under the cursor."""
        key = self.list.cursor
        if not isinstance(key, tuple) or key[0] != "finding":
            return None
        told = (*self._findings, *self._silent)
        return next((each for each in told if each.id == key[1]), None)

    def apply(
        self,
        findings: Sequence[Finding],
        silent: Sequence[Finding],
        quiet: Mapping[str, Quiet],
        past: Sequence[Past],
        moment: Moment,
    ) -> None:
        """Show these, those that are kept quiet and by whom; the cursor stays on its finding."""
        self._findings, self._silent, self._quiet = findings, silent, quiet
        self._past, self._moment = past, moment
        self._show()

    def filter(self, needle: str) -> None:
        """Show only those with this text."""
        self.needle = needle
        self._show()

    def _show(self) -> None:
        if not self.is_attached:
            return
        wanted = self.needle.lower()
        findings = [x for x in self._findings if wanted in f"{x.title} {x.cause}".lower()]
        silent = [x for x in self._silent if wanted in f"{x.title} {x.cause}".lower()]
        past = [x for x in self._past if wanted in x.title.lower()]
        width = max(self.list.size.width, 30)
        looked = [] if self.is_looking else self.looked
        lines = list_lines(
            findings,
            past,
            width,
            self._moment,
            silent,
            looked,
            self.looked_at,
            is_looking=self.is_looking,
        )
        self.list.show(lines)
        if not self.has_class("-wide"):
            most = max(self.size.height // 2 - 1, 3)
            self.list.styles.height = min(len(lines), most)
        else:
            self.list.styles.height = "1fr"
        self.show_detail()

    def show_detail(self) -> None:
        """All about the finding under the cursor."""
        width = max(self.detail.size.width - 2, 30)
        lines: list[Line] = []
        found = self.finding
        key = self.list.cursor
        if found is not None:
            lines = detail_lines(found, width, self._moment)
            if found in self._silent and (quiet := self._quiet.get(found.id)) is not None:
                lines = [*quiet_lines(quiet, width, self._moment), EMPTY, *lines]
        elif isinstance(key, tuple) and key[0] == "past":
            past = next((x for x in self._past if x.id == key[2]), None)
            lines = past_lines(past, width, self._moment) if past is not None else []
        self.detail.show(lines or [EMPTY])

    def give_focus(self) -> None:
        """The keys to the list."""
        self.list.focus()

    def enter(self) -> None:
        """Into the detail; there, open what is under the cursor."""
        if self.list.has_focus:
            if self.finding is not None:
                self.detail.focus()
            return
        self._open(self.detail.cursor)

    def back(self) -> bool:
        """One step back; False when that leaves the screen."""
        if self.detail.has_focus:
            self.list.focus()
        elif self.needle:
            self.filter("")
        else:
            return False
        return True

    def _open(self, key: object) -> None:
        found = self.finding
        if found is None or not isinstance(key, tuple):
            return
        if key[0] == "fix":
            self.fix(found, key[1])
        elif key[0] == "evidence" and key[1] < len(found.evidence):
            self.opened(found.evidence[key[1]])

    @on(LineView.Moved, "#findings")
    def _moved(self, event: LineView.Moved) -> None:
        event.stop()
        self.show_detail()
        self.news()

    @on(LineView.Moved, "#finding")
    def _moved_in_detail(self, event: LineView.Moved) -> None:
        event.stop()

    @on(LineView.Opened, "#findings")
    def _list_opened(self, event: LineView.Opened) -> None:
        event.stop()
        self.enter()

    @on(LineView.Opened, "#finding")
    def _detail_opened(self, event: LineView.Opened) -> None:
        event.stop()
        self._open(event.key)
