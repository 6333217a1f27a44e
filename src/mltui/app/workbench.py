"""The one screen: it lays the panes out and carries what changed to the panes concerned.

Panes don't know each other; the session tells this screen what became different, and this screen
tells them. Keys come from the registry of actions.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import Screen

from mltui.actions import registry
from mltui.actions.action import Action
from mltui.actions.selection import Selection
from mltui.app import keymap
from mltui.app.cellwise import CellCompositor
from mltui.app.change import Change
from mltui.app.commandline import CommandLine
from mltui.app.context import ScreenContext
from mltui.app.detailing import Detailing
from mltui.app.frame import Frame
from mltui.app.lineview import LineView, OneLine
from mltui.app.listing import Listing
from mltui.app.panes.detail import DetailPane
from mltui.app.panes.runs import RunsPane
from mltui.app.panes.stages import StagesPane
from mltui.app.past import Past
from mltui.app.present.moment import Moment
from mltui.app.selecting import selected
from mltui.app.session import Session
from mltui.app.shares import Shares
from mltui.app.ticking import Ticking
from mltui.app.triaging import Triaging
from mltui.app.widgets.logkeys import BINDINGS, LogSaid, LogWanted, is_log
from mltui.pipeline.rows import State
from mltui.text.glyphs import unicode_ok

if TYPE_CHECKING:
    from mltui.app.app import MltuiApp
    from mltui.app.fixing import Fixing
    from mltui.app.lists import Lists
    from mltui.app.logdesk import LogDesk
    from mltui.app.panes.kind import KindPane
    from mltui.app.panes.triage import TriagePane


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
        self._compositor = CellCompositor()
        self.session = session
        self.unicode = unicode_ok()
        self.context = ScreenContext(self)
        self.detailing = Detailing(self)
        self.listing = Listing(self)
        self.triaging = Triaging(self)
        self.shares = Shares(self)
        self.ticking = Ticking(self)
        self.past = Past(self)
        self.detail_files: set[Path] = set()
        self.frame = Frame(self)
        self.body = Horizontal(id="body")
        self.left = Vertical(id="left")
        self.stages = StagesPane()
        self.detail = DetailPane()
        self.runs = RunsPane()
        self.line = CommandLine(self.context, in_place_of=self.frame.footer)
        self.attempts_back = 0
        """How many attempts before the newest the log is of."""
        self.serving_log = False
        """The log of the selected service is shown, not its page."""
        self.showing_problems = False
        """The problems of the file are shown in place of a stage."""
        self._follows = True
        """The cursor goes to what matters, until the person takes it."""

    @property
    def workbench_app(self) -> MltuiApp:
        """The app, by its own type."""
        return cast("MltuiApp", self.app)

    def compose(self) -> ComposeResult:
        """Header, list and detail, the gate's story, footer."""
        yield self.frame.header
        with self.body:
            with self.left:
                yield self.stages
            yield self.detail
        yield self.runs
        yield self.frame.rule
        yield self.frame.story
        yield self.frame.footer
        yield self.line

    @property
    def moment(self) -> Moment:
        """Now, and the terminal's alphabet."""
        return Moment(self.session.now(), self.unicode)

    @property
    def selection(self) -> Selection:
        """What actions act on."""
        return selected(self)

    @property
    def band(self) -> str:
        """What the header says in a filled band."""
        if self.workbench_app.replay is None:
            return ""
        at = datetime.fromtimestamp(self.workbench_app.replay.at)
        return f"BUNDLE {at:%Y-%m-%d %H:%M}"

    @property
    def needle(self) -> str:
        """What the list on screen is filtered by."""
        if (pane := self.overlay) is not None:
            return pane.needle
        return self.runs.needle if self.session.listing else self.stages.needle

    @property
    def overlay(self) -> KindPane | TriagePane | None:
        """What stands in place of the pipeline and of the runs: findings, or a list."""
        if self.triaging.is_open:
            return self.triaging.pane
        return self.listed.pane if self.listed is not None else None

    @cached_property
    def desk(self) -> LogDesk:
        """What is typed and what logs want; loaded with the first of it."""
        from mltui.app.logdesk import LogDesk

        return LogDesk(self)

    @property
    def fixing(self) -> Fixing:
        """What carries out fixes; loaded when one is asked for."""
        from mltui.app.fixing import Fixing

        return Fixing(self)

    @property
    def listed(self) -> Lists | None:
        """The list that stands in place of the pipeline; None: there is none."""
        return self.listing.current

    async def on_unmount(self) -> None:
        """Let go of the Docker host."""
        await self.triaging.close()
        await self.listing.close()

    # --- life ---------------------------------------------------------------------------------

    async def on_mount(self) -> None:
        """Show what the session has read already, then learn the rest."""
        self.runs.display = False
        self.line.history = self.workbench_app.settings.history()
        self.stages.focus()
        self.session.on_change = self.apply
        self.session.on_journal = self._journal_written
        self.session.on_files = self._files_changed
        self.ticking.begin()
        # What is known already is in the first frame: sizes come only with that.
        if (seen := self.workbench_app.seen) is not None:
            await self.listing.show(seen.kind.name, seen.places or None)
            return
        view, moment = self.session.view, self.moment
        self.stages.expect_width(self.shares.lay(self.app.size.width))
        self.stages.apply(view, self.session.facts, moment)
        if view is not None and view.rows:
            self._place_cursor()
        self.frame.show()

    def on_resize(self) -> None:
        """The list takes its share; narrow terminals lose columns, not panes."""
        self.shares.lay_again()

    def _journal_written(self) -> None:
        if self.listed is not None:
            self.listed.journal_changed()

    # --- changes ------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Take what changed to the panes concerned; the session calls this."""
        if not (self.is_mounted and self.is_attached):  # not painted yet, or the app closes
            return
        session, moment = self.session, self.moment
        view = session.view
        with self.app.batch_update():
            if change.switched:
                self._follows = True
            if change.problems:
                self.detailing.problems_changed()
            if change.instances or change.switched or change.facts:
                self.stages.apply(view, session.facts, moment)
            self.shares.has_rows(view)
            if self._follows and view is not None and view.rows:
                self._place_cursor()
            self._journal_written()
            if session.listing and (change.runs or change.run):
                self.runs.apply(session.runs, moment.now)
            if change.instances or change.run or change.facts or change.problems:
                self.show_detail()
            self.frame.show()
        self.ticking.follow()
        self.workbench_app.changed(change)

    def show_problems(self) -> None:
        """Show what is wrong with the file, until the cursor moves."""
        self.showing_problems = True
        self.show_detail()

    def _files_changed(self, files: set[Path]) -> None:
        self.detail.files_changed(files)
        if self.listed is not None:
            self.listed.files_changed(files)

    @on(DetailPane.Watching)
    def _watch_files(self, event: DetailPane.Watching) -> None:
        self.detail_files = event.files
        self.session.watch_files(event.files | self.listing.files)
        self.detail.files_changed(event.files)

    def _place_cursor(self) -> None:
        view = self.session.view
        first = view.first() if view is not None else None
        if view is not None and first is not None and first != self.stages.instance:
            self.attempts_back = 0
            self.stages.select(view.rows[first], self.moment)

    def show_detail(self) -> None:
        """Say what is known of what is selected."""
        self.detailing.show()

    def notice(self, text: str, *, bad: bool = False) -> None:
        """Say something in the notice line."""
        self.frame.notice(text, bad=bad)

    # --- keys ---------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """A command or a filter typed so fast that its line was not open yet for all of it."""
        if self.line.display:
            if event.key == "enter":  # at once: the next key is for what the line opens
                event.stop()
                self._entered(self.line.entered())
            elif self.line.take(event):
                event.stop()  # other keys are bindings of the field, which has the focus by now
        elif event.key in keymap.TYPING or (
            keymap.is_given(event.key) and not is_log(self.focused)  # that has keys of its own
        ):
            event.stop()
            self.action_press(event.key)

    def action_press(self, key: str) -> None:
        """A key of the registry: the action that it means here."""
        self._follows = False
        found = registry.for_key(key, self.selection)
        if found is not None:
            self.act(found)

    def act(self, action: Action, argument: str = "") -> None:
        """Do it, or say why not."""
        refusal = registry.refusal(action, self.selection)
        if refusal is not None:
            self.frame.notice(refusal, bad=True, refusal=True)
            return
        self.frame.forget_refusal()
        if action.types:  # at once, so that the next key finds the line open
            is_command = action.id == "find.command"
            (self.context.begin_command if is_command else self.context.begin_filter)()
            return
        self.workbench_app.act(action, self.context, argument)

    def action_digit(self, number: int) -> None:
        """What is numbered on the screen: a fix of the failure, else a pane."""
        self._follows = False
        row = self.stages.row
        if self.triaging.is_open:
            self.triaging.fix(number)
        elif self.listed is not None:
            if self.listed.is_kube:
                self.context.go_favourite(number)
        elif row is not None and row.state is State.FAILED and not self.session.listing:
            self.detailing.fix(number)
        elif 1 <= number <= len(keymap.TAB_NAMES) and row is not None and not self.session.listing:
            self.detail.show_tab(keymap.TAB_NAMES[number - 1])
        else:
            self.frame.notice("numbers show the panes of a stage", bad=True, refusal=True)

    def action_next_tab(self, step: int) -> None:
        """The next or previous pane of the selected stage."""
        self._follows = False
        if self.triaging.is_open:
            self.triaging.next_pane()
        elif not self.session.listing and self.listed is None and self.stages.row is not None:
            had_focus = self.stages.has_focus
            self.detail.next_tab(step)
            if not had_focus:
                self.detail.give_focus()

    # --- typing -------------------------------------------------------------------------------

    def begin_typing(self, mode: str, text: str = "") -> None:
        """Open the command line for a command, a filter, or a search in the log."""
        if mode == "/" and is_log(self.focused):
            self.desk.ask(self.focused, "search")
        else:
            self.line.open(mode, text)

    @on(CommandLine.Changed)
    def _typed(self, event: CommandLine.Changed) -> None:
        self.desk.typed(event.mode, event.text)

    @on(CommandLine.Left)
    def _typing_left(self, event: CommandLine.Left) -> None:
        self.desk.left(event.mode)
        self.line.give_keys_back()

    @on(CommandLine.Submitted)
    def _entered(self, event: CommandLine.Submitted) -> None:
        self.desk.entered(event.mode, event.text)
        self.line.give_keys_back()

    @on(LogWanted)
    def _log_wants(self, event: LogWanted) -> None:
        self.desk.wanted(event)

    @on(LogSaid)
    def _log_says(self, said: LogSaid) -> None:
        self.notice(said.words)

    def filter(self, needle: str) -> None:
        """Show only stages, runs, findings or things with this text."""
        if (pane := self.overlay) is not None:
            pane.filter(needle)
            self.frame.show()
            return
        if self.session.listing:
            self.runs.filter(needle)
            self.frame.show()
            return
        self.stages.needle = needle
        self.stages.apply(self.session.view, self.session.facts, self.moment)
        self.show_detail()
        self.frame.show()

    # --- what panes say -------------------------------------------------------------------------

    @on(LineView.Moved, "#stages")
    def _moved(self) -> None:
        self._follows = False
        self.attempts_back = 0
        self.serving_log = self.showing_problems = False
        self.show_detail()
        self.frame.show()

    @on(LineView.Opened, "#stages")
    def _opened(self) -> None:
        self.context.enter()

    @on(RunsPane.Opened, "#runs")
    def _run_opened(self) -> None:
        self.context.enter()

    @on(OneLine.Clicked, "#footer")
    @on(OneLine.Clicked, "#header")
    async def _key_clicked(self, event: OneLine.Clicked) -> None:
        if is_log(focused := self.focused):
            for each in BINDINGS:
                if each.id == event.name:
                    await focused.run_action(each.action)
                    return
        self.act(registry.action(event.name))

    def on_descendant_focus(self) -> None:
        """Other keys apply when another pane has them."""
        self.frame.show()

    @on(DetailPane.TabShown)
    def _tab_shown(self) -> None:
        self.frame.show()
