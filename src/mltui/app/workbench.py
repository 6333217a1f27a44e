"""The one screen: it lays the panes out and carries what changed to the panes concerned.

Panes don't know each other; the session tells this screen what became different, and this screen
tells them. Keys come from the registry of actions.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mltui.actions import registry
from mltui.actions.action import Action, Selection
from mltui.app import keymap
from mltui.app.commandline import CommandLine, nearest
from mltui.app.context import ScreenContext
from mltui.app.evidence import read_evidence
from mltui.app.lineview import LineView, OneLine
from mltui.app.panes.detail import DetailPane
from mltui.app.panes.log import LogTab
from mltui.app.panes.runs import RunsPane
from mltui.app.panes.stages import StagesPane
from mltui.app.panes.textpane import Subject
from mltui.app.present.card import Evidence
from mltui.app.present.footer import footer
from mltui.app.present.header import Place, header
from mltui.app.present.line import Line, line
from mltui.app.present.messages import declared, first_steps
from mltui.app.present.problems import problems
from mltui.app.present.stages import Moment
from mltui.app.present.story import story
from mltui.app.selecting import selection_of
from mltui.app.session import Change, Session
from mltui.pipeline.model import Instance, StageRow, State
from mltui.text.glyphs import unicode_ok
from mltui.text.width import cell_width, shorten_end

NOTICE_S = 8.0


class Workbench(Screen[int]):
    """Stages on the left, what is known of the selected one on the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"press({key!r})", each.title, show=False, id=f"{each.id}.{key}")
            for key, each in keymap.first_of_each_key()
        ),
        *(Binding(str(n), f"digit({n})", f"{n}", show=False) for n in range(1, 10)),
        Binding("tab", "next_tab(1)", "Next pane", show=False),
        Binding("shift+tab", "next_tab(-1)", "Previous pane", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.unicode = unicode_ok()
        self.context = ScreenContext(self)
        self._evidence: dict[tuple[int, Instance, int], Evidence] = {}
        self._notice = ""
        self._notice_role = ""
        self._busy_acting = 0
        self._placed = False
        """Whether the cursor was put where it matters in the run on screen."""

    # --- parts --------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Header, list and detail, the gate's story, footer."""
        yield OneLine(id="header")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield StagesPane()
            yield DetailPane()
        yield RunsPane()
        yield OneLine(id="rule")
        yield OneLine(id="story")
        yield OneLine(id="footer")
        yield CommandLine(self, self.app.settings.history())  # type: ignore[attr-defined]

    @property
    def stages(self) -> StagesPane:
        """The list of stages."""
        return self.query_one(StagesPane)

    @property
    def runs(self) -> RunsPane:
        """The list of runs."""
        return self.query_one(RunsPane)

    @property
    def detail(self) -> DetailPane:
        """What is known of the selected stage."""
        return self.query_one(DetailPane)

    @property
    def moment(self) -> Moment:
        """Now, and the terminal's alphabet."""
        return Moment(self.session.now(), self.unicode)

    @property
    def selection(self) -> Selection:
        """What actions act on."""
        listed = self.runs.cursor_row if self.session.listing else None
        return selection_of(
            self.session,
            self.stages.entry,
            self.stages.row,
            listed=listed,
            in_runs=self.session.listing,
        )

    # --- life ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show what the session has read already, then learn the rest."""
        self.runs.display = False
        self.stages.focus()
        self.session.on_change = self.apply
        self.session.on_files = self._files_changed
        self._ticker = self.set_interval(1.0, self.tick, pause=True)

    def on_resize(self) -> None:
        """The list takes its share; narrow terminals lose columns, not panes."""
        width = self.size.width
        left = min(max(38, width * 2 // 5), 74) if width >= 70 else max(width // 2 - 2, 24)
        self.query_one("#left").styles.width = left
        self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self.apply(Change(switched=not self._placed, run=True, facts=True))

    # --- changes ------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Take what changed to the panes concerned; the session calls this."""
        if not self.is_mounted:
            return
        session, moment = self.session, self.moment
        view = session.view
        with self.app.batch_update():
            if change.switched:
                self._placed = False
            if change.instances or change.switched or change.facts:
                self.stages.apply(view, session.facts, moment)
            if not self._placed and view is not None and view.rows:
                self._place_cursor()
            if session.listing and (change.runs or change.run):
                self.runs.apply(session.runs, moment.now)
            row = self.stages.instance
            if (
                change.switched
                or change.facts
                or change.problems
                or change.run
                or (row is not None and row in change.instances)
                or change.instances
            ):
                self._show_detail()
            self._show_frame()
        if view is not None and view.is_active:
            self._ticker.resume()
        else:
            self._ticker.pause()
        self.app.changed(change)  # type: ignore[attr-defined]

    def tick(self) -> None:
        """Once a second while something runs."""
        self.session.refresh()
        moment = self.moment
        if not self.session.listing:
            self.stages.tick(moment)
            self.detail.tick(moment)
        else:
            self.runs.now = moment.now
            self.runs.tick()
        self._show_frame()
        self.app.ticked()  # type: ignore[attr-defined]

    def _files_changed(self, files: set[Path]) -> None:
        log = self.query_one(LogTab)
        if log.file in files:
            log.wake()

    @on(LogTab.Watching)
    def _watch_log(self, event: LogTab.Watching) -> None:
        self.session.watch_files({event.file} if event.file is not None else set())
        self.query_one(LogTab).wake()

    def _place_cursor(self) -> None:
        view = self.session.view
        first = view.first() if view is not None else None
        if view is not None and first is not None:
            self._placed = True
            self.stages.select(view.rows[first], self.moment)

    def _show_detail(self) -> None:
        session, moment = self.session, self.moment
        view, row, entry = session.view, self.stages.row, self.stages.entry
        width = max(self.detail.size.width - 2, 30)
        if session.problems and (view is None or view.run.number == 0):
            self.detail.say(problems(session.problems, session.text, width, moment, has_runs=False))
        elif view is None or view.run.number == 0:
            self.detail.say(first_steps(session, row, width, moment))
        elif row is None and entry is not None:
            self.detail.say(declared(entry, session.facts, width))
        elif row is not None:
            log, log_name = session.log_of(row)
            subject = Subject(session.project, view, session.facts, row, log, log_name)
            evidence = self._evidence_of(row) if row.state is State.FAILED else None
            fixes = [text for _, text in registry.fixes(self.selection)]
            self.detail.about(subject, evidence, fixes, moment)

    def _evidence_of(self, row: StageRow) -> Evidence:
        spec = self.session.facts.spec
        key = (row.run, row.instance, row.attempt)
        found = self._evidence.get(key)
        if found is None or (spec is not None and not found.position):
            found = self._evidence[key] = read_evidence(self.session.log_of(row)[0], row, spec)
        return found

    def _show_frame(self) -> None:
        """Header, story and footer; each paints only when it reads otherwise."""
        session, moment, width = self.session, self.moment, self.size.width
        place = Place(
            project=session.name,
            newest=session.newest,
            listing=session.listing,
            run_count=session.run_count,
            queued=session.queued,
            problems=len(session.problems),
            trouble=session.trouble,
        )
        view = session.view
        self.query_one("#header", OneLine).show(header(place, view, width, moment))
        strip = Line()
        if view is not None and not session.listing:
            left_s = session.left_s
            strip = story(view, session.facts, self.stages.row, width, moment, left_s)
        self.query_one("#story", OneLine).show(strip)
        shown, places = footer(registry.on_footer(self.selection), width)
        self.query_one("#footer", OneLine).show(shown, places)
        self._show_rule()

    def _show_rule(self) -> None:
        width = self.size.width
        bar = "─" if self.unicode else "-"
        if not self._notice:
            self.query_one("#rule", OneLine).show(line((bar * width, "stale")))
            return
        text = shorten_end(self._notice, width - 6)
        rest = bar * max(width - cell_width(text) - 4, 0)
        self.query_one("#rule", OneLine).show(
            line((f"{bar} ", "stale"), (text, self._notice_role), (f" {rest}", "stale"))
        )

    def notice(self, text: str, *, bad: bool = False) -> None:
        """Say something on the rule above the story; it goes by itself."""
        self._notice = " ".join(text.split())
        self._notice_role = "state-warning" if bad else "accent"
        self._show_rule()
        self._notice_timer = self.set_timer(NOTICE_S, lambda: self._unsay(text))

    def _unsay(self, text: str) -> None:
        if self._notice == " ".join(text.split()):
            self._notice = ""
            self._show_rule()

    # --- keys ---------------------------------------------------------------------------------

    def action_press(self, key: str) -> None:
        """A key of the registry: the action that it means here."""
        found = registry.for_key(key, self.selection)
        if found is not None:
            self.act(found)

    def act(self, action: Action, argument: str = "") -> None:
        """Do it, or say why not."""
        refusal = registry.refusal(action, self.selection)
        if refusal is not None:
            self.notice(refusal, bad=True)
            return
        self.app.act(action, self.context, argument)  # type: ignore[attr-defined]

    def action_digit(self, number: int) -> None:
        """What is numbered on the screen: a fix of the failure, else a pane."""
        row = self.stages.row
        if row is not None and row.state is State.FAILED and not self.session.listing:
            fixes = registry.fixes(self.selection)
            if number <= len(fixes):
                self.act(fixes[number - 1][0])
            else:
                self.notice(f"there are {len(fixes)} fixes", bad=True)
        elif 1 <= number <= 5 and not self.session.listing:
            self.detail.show_tab(keymap.TAB_NAMES[number - 1])

    def action_next_tab(self, step: int) -> None:
        """The next or previous pane of the selected stage."""
        if not self.session.listing:
            had_focus = self.stages.has_focus
            self.detail.next_tab(step)
            if not had_focus:
                self.detail.give_focus()

    # --- what actions ask for -------------------------------------------------------------------

    def list_runs(self, listing: bool) -> None:
        """Show the list of runs, or the pipeline again."""
        self.session.list_runs(listing)
        self.runs.display = listing
        self.query_one("#body").display = not listing
        if listing:
            self.runs.apply(self.session.runs, self.session.now())
            shown = self.session.view
            if shown is not None and shown.run.number:
                self.runs.cursor_key = shown.run.number
            self.runs.focus()
        else:
            self.stages.focus()
        self._show_frame()

    def open_run(self, number: int) -> None:
        """Show this run."""
        if self.session.listing:
            self.list_runs(False)
        self.session.show(number)
        shown = self.session.view
        if shown is None or shown.run.number != number:
            self.notice(f"there is no run {number}", bad=True)
            self.session.show(None)
        self.app.read_facts()  # type: ignore[attr-defined]

    def select_stage(self, name: str) -> bool:
        """Put the cursor on a stage."""
        view = self.session.view
        row = view.newest(name) if view is not None else None
        if row is None or view is None:
            return False
        self.stages.select(row, self.moment)
        self._show_detail()
        self._show_frame()
        return True

    def nearest_stage(self, name: str) -> str | None:
        """The stage a person may have meant."""
        found = difflib.get_close_matches(name, self.stage_names, n=1, cutoff=0.5)
        return found[0] if found else None

    def enter(self) -> None:
        """Open what is under the cursor."""
        if self.session.listing:
            row = self.runs.cursor_row
            if row is not None:
                self.open_run(row.number)
            return
        entry = self.stages.entry
        if entry is not None and ((entry.fold is False and entry.note) or entry.kind == "more"):
            self.fold(True)
        else:
            self.detail.give_focus()

    def fold(self, unfold: bool) -> None:
        """Show or hide what is below the selected line."""
        self.stages.fold(unfold, self.moment)
        self._show_detail()
        self._show_frame()

    def back(self) -> None:
        """One step back."""
        if self.session.listing:
            if self.runs.needle:
                self.runs.filter("")
            else:
                self.list_runs(False)
        elif not self.stages.has_focus:
            self.detail.search("")
            self.stages.focus()
        elif self.stages.needle:
            self._filter("")
        elif self.session.shown is not None:
            self.session.show(None)
            self.app.read_facts()  # type: ignore[attr-defined]

    # --- typing -------------------------------------------------------------------------------

    def begin_typing(self, mode: str, text: str = "") -> None:
        """Open the command line for a command or a filter."""
        self._typing_for_log = (
            mode == "/"
            and not self.session.listing
            and not self.stages.has_focus
            and self.detail.tab == "log"
        )
        self.query_one("#footer").display = False
        self.query_one(CommandLine).open(mode, text)

    def _end_typing(self) -> None:
        self.query_one("#footer").display = True
        if self.session.listing:
            self.runs.focus()
        elif self._typing_for_log:
            self.detail.give_focus()
        else:
            self.stages.focus()

    @on(CommandLine.Changed)
    def _typed(self, event: CommandLine.Changed) -> None:
        if not self._typing_for_log:
            self._filter(event.text)

    @on(CommandLine.Left)
    def _typing_left(self, event: CommandLine.Left) -> None:
        if event.mode == "/" and not self._typing_for_log:
            self._filter("")
        self._end_typing()

    @on(CommandLine.Submitted)
    def _entered(self, event: CommandLine.Submitted) -> None:
        self._end_typing()
        if event.mode == ":":
            self.command(event.text)
        elif self._typing_for_log:
            wrong = self.detail.search(event.text)
            if wrong is not None:
                self.notice(wrong, bad=True)
        else:
            self._filter(event.text)

    def _filter(self, needle: str) -> None:
        if self.session.listing:
            self.runs.filter(needle)
            return
        self.stages.needle = needle.lower()
        self.stages.apply(self.session.view, self.session.facts, self.moment)
        self._show_detail()
        self._show_frame()

    def command(self, text: str) -> None:
        """Do what was typed on the `:` line."""
        name, _, argument = text.partition(" ")
        if not name:
            return
        self.app.settings.remember(text)  # type: ignore[attr-defined]
        found = registry.for_command(name)
        if found is None:
            near = nearest(name)
            hint = f": did you mean :{near}?" if near else ": ? lists all commands"
            self.notice(f"there is no command {name!r}{hint}", bad=True)
        else:
            self.act(found, argument.strip())

    def use_theme(self, name: str) -> None:
        """Use another theme from now on."""
        self.app.use_theme(name)  # type: ignore[attr-defined]

    # --- what completion may choose from --------------------------------------------------------

    @property
    def stage_names(self) -> list[str]:
        """Stages of the run on screen."""
        return list(self.session.view.stages()) if self.session.view is not None else []

    @property
    def run_numbers(self) -> list[int]:
        """Runs, newest first."""
        return list(range(self.session.newest or 0, 0, -1))

    @property
    def theme_names(self) -> list[str]:
        """Themes."""
        return self.app.theme_names()  # type: ignore[attr-defined,no-any-return]

    # --- what panes say -------------------------------------------------------------------------

    @on(LineView.Moved, "#stages")
    def _moved(self) -> None:
        self._show_detail()
        self._show_frame()

    @on(LineView.Opened, "#stages")
    def _opened(self) -> None:
        self.enter()

    @on(RunsPane.Opened, "#runs")
    def _run_opened(self) -> None:
        self.enter()

    @on(OneLine.Clicked, "#footer")
    def _footer_clicked(self, event: OneLine.Clicked) -> None:
        self.act(registry.action(event.name))

    @on(DetailPane.TabShown)
    def _tab_shown(self) -> None:
        self._show_frame()
