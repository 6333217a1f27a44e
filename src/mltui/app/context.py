"""The context in which actions act: the workbench's panes, the session, dialogs, threads.

The only implementation of `actions.context.Context` with a screen. Errors of the person's kind end
in the notice line, here and nowhere else.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.app import SuspendNotSupported

from mltui.actions import registry
from mltui.actions.context import Decision, Question
from mltui.actions.selection import Selection
from mltui.app.listcontext import ListContext
from mltui.app.look import runs_of
from mltui.app.reading import read_choices
from mltui.app.widgets.logkeys import is_log
from mltui.errors import MltuiError
from mltui.pipeline.rows import Instance, StageRow
from mltui.runs.rows import RunRequest

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench

T = TypeVar("T")

ANSWER_S = 10.0
"""How long to wait for a runner's answer before saying that there is none yet."""


class ScreenContext(ListContext):
    """What an action may do, done on a workbench."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._session = workbench.session

    @property
    def selection(self) -> Selection:
        """What is selected now."""
        return self._bench.selection

    # --- saying -------------------------------------------------------------------------------

    def notice(self, text: str, *, bad: bool = False) -> None:
        """Say something in the notice line."""
        self._bench.notice(text, bad=bad)

    def expect(self, instances: Iterable[Instance], text: str) -> None:
        """Mark stages with what was asked for."""
        self._session.expect(list(instances), text)

    def expect_run(self, text: str) -> None:
        """Mark the run with what was asked for."""
        self._session.expect_run(text)

    def expect_served(self, name: str, text: str) -> None:
        """Mark a service or monitor with what was asked for."""
        self._session.expect_served(name, text)

    # --- asking -------------------------------------------------------------------------------

    async def confirm(self, question: Question) -> bool:
        """Ask; the safe answer has the focus."""
        from mltui.app.dialogs.confirm import ConfirmDialog

        return await self._bench.app.push_screen_wait(ConfirmDialog(question))

    async def ask_run(self, request: RunRequest) -> RunRequest | None:
        """Show what would run; None when the person leaves it."""
        from mltui.app.dialogs.run import RunDialog
        from mltui.app.dryrun import preview

        session = self._session
        name = session.name
        if request.start_from:
            what = f"Start a run of {name} from {', '.join(request.start_from)}?"
        elif request.stages:
            what = f"Start a run of {', '.join(request.stages)} of {name}?"
        else:
            what = f"Start a run of {name}?"
        dialog = RunDialog(what, lambda width: preview(session.project, request, width))
        return request if await self._bench.app.push_screen_wait(dialog) else None

    async def ask_decision(self, gate: StageRow) -> Decision | None:
        """Show the rounds of a gate and ask what to do."""
        from mltui.app.dialogs.decide import DecideDialog
        from mltui.app.present.decide import offers

        view, facts, project = self._session.view, self._session.facts, self._session.project
        run, instance = gate.run, gate.instance
        found = await self.send(lambda: read_choices(project, run, instance))
        if view is None or found is None:
            return None
        if not found.is_open:
            self.notice(found.why_not_accept or "there is nothing to decide at this gate", bad=True)
            return None
        width = min(self._bench.size.width - 10, 70)
        from mltui.app.present.gate import gate_lines

        table = gate_lines(gate, view, facts, width, self._bench.moment, brief=True)
        sentence = f"The gate of {gate.stage} in run {gate.run} was not passed. What now?"
        dialog = DecideDialog(sentence, table, offers(found, facts.gate(gate.stage)))
        return await self._bench.app.push_screen_wait(dialog)

    async def send(self, ask: Callable[[], T]) -> T | None:
        """Do something that may block, away from the screen."""
        try:
            return await asyncio.to_thread(ask)
        except MltuiError as error:
            self.notice(str(error), bad=True)
            return None

    async def answered(self, request: int) -> bool:
        """Wait for the runner's answer to a request."""
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_S
        while loop.time() < until:
            found = self._session.request(request)
            if found is not None and found.handled_at is not None:
                if found.answer:
                    self.notice(found.answer, bad=True)
                    self._session.forget_expected()
                    return False
                self._session.refresh()
                return True
            await asyncio.sleep(0.05)
        self.notice("it is asked for; no runner has answered yet")
        return False

    # --- showing ------------------------------------------------------------------------------

    def show_tab(self, name: str) -> None:
        """Show one of the selected stage's panes; a log, and one that is shown, gets the keys."""
        bench = self._bench
        if bench.stages.row is None:  # a service has a log only
            bench.serving_log = True
            bench.show_detail()
            bench.detail.give_focus()
            return
        is_shown = bench.detail.tab == name
        bench.detail.show_tab(name)
        if is_shown or name == "log":
            bench.detail.give_focus()

    def previous_attempt(self) -> None:
        """The log of the attempt before the one on screen; before the first, the newest again."""
        bench = self._bench
        row = bench.stages.row
        if row is not None:
            bench.attempts_back = (bench.attempts_back + 1) % max(row.attempt, 1)
            bench.detail.show_tab("log")
            bench.show_detail()

    def show_runs(self) -> None:
        """Show the list of runs."""
        self._list_runs(True)

    def show_triage(self) -> None:
        """Show what is wrong."""
        self._bench.triaging.open()

    def fix_finding(self, number: int) -> None:
        """Do a fix of the finding under the cursor."""
        self._bench.triaging.fix(number)

    async def acknowledge(self, text: str) -> None:
        """Keep the finding under the cursor quiet, or tell it again."""
        await self._bench.triaging.acknowledge(text)

    def leave_runs(self) -> None:
        """Show the pipeline again."""
        self._list_runs(False)

    def _list_runs(self, listing: bool) -> None:
        bench, session = self._bench, self._session
        if listing:
            bench.triaging.leave()
        session.list_runs(listing)
        bench.runs.display = listing
        bench.body.display = not listing
        if listing:
            bench.runs.apply(session.runs, session.now())
            bench.runs.restore(
                bench.workbench_app.settings.look(runs_of(session.project.root.name))
            )
            if session.view is not None and session.view.run.number:
                bench.runs.cursor_key = session.view.run.number
            bench.runs.focus()
        else:
            bench.stages.focus()
        bench.frame.show()

    def show_comparison(self, numbers: Sequence[int]) -> None:
        """Show these runs side by side."""
        from mltui.app.dialogs.compare import CompareDialog

        self._bench.app.push_screen(CompareDialog(self._session.project, tuple(numbers)))

    def open_run(self, number: int) -> None:
        """Show this run; the newest one is followed by whatever run comes next."""
        session = self._session
        if session.listing:
            self._list_runs(False)
        session.show(number)
        if session.view is None or session.view.run.number != number:
            self.notice(f"there is no run {number}", bad=True)
            session.show(None)

    def select_stage(self, name: str) -> bool:
        """Put the cursor on a stage."""
        bench, view = self._bench, self._session.view
        row = view.newest(name) if view is not None else None
        if row is None:
            near = difflib.get_close_matches(name, self.stage_names, n=1, cutoff=0.5)
            hint = f": did you mean {near[0]}?" if near else ""
            self.notice(f"there is no stage {name!r}{hint}", bad=True)
            return False
        bench.stages.select(row, bench.moment)
        bench.show_detail()
        bench.frame.show()
        return True

    def enter(self) -> None:
        """Open what is under the cursor."""
        bench = self._bench
        if bench.triaging.is_open and bench.triaging.pane is not None:
            bench.triaging.pane.enter()
            bench.frame.show()
            return
        if bench.listed is not None:
            bench.listed.enter()
            bench.frame.show()
            return
        if self._session.listing:
            run = bench.runs.cursor_row
            if run is not None:
                self.open_run(run.number)
            return
        entry = bench.stages.entry
        if entry is not None and ((entry.fold is False and entry.note) or entry.kind == "more"):
            self.fold(True)
        else:
            bench.detail.give_focus()

    def fold(self, unfold: bool) -> None:
        """Show or hide what is below the selected line."""
        bench = self._bench
        bench.stages.fold(unfold, bench.moment)
        bench.show_detail()
        bench.frame.show()

    def back(self) -> None:
        """One step back."""
        bench, session = self._bench, self._session
        if bench.triaging.is_open and bench.triaging.pane is not None:
            if not bench.triaging.pane.back():
                if bench.past.comes_from_list:
                    bench.run_worker(bench.past.go(-1), group="list", exit_on_error=True)
                    return
                bench.triaging.leave()
            bench.frame.show()
        elif bench.listed is not None:
            if not bench.listed.back():
                if bench.listed.is_choosing and bench.past.comes_from_list:
                    bench.run_worker(bench.past.go(-1), group="list", exit_on_error=True)
                    return
                bench.listing.leave()
            bench.frame.show()
        elif session.listing:
            if bench.runs.needle:
                bench.runs.filter("")
            else:
                self._list_runs(False)
        elif bench.showing_problems:
            bench.showing_problems = False
            bench.show_detail()
        elif bench.serving_log or not bench.stages.has_focus:
            if is_log(bench.focused) and bench.focused.back():
                return
            if not bench.left.display:
                bench.left.display = True
                bench.detail.stand_alone(False)
            bench.stages.focus()
            if bench.serving_log:
                bench.serving_log = False
                bench.show_detail()
        elif bench.stages.needle:
            bench.filter("")
        elif session.shown is not None:
            session.show(None)

    def begin_filter(self) -> None:
        """Type a filter or a search."""
        self._bench.begin_typing("/")

    def begin_command(self, text: str = "") -> None:
        """Type a command."""
        self._bench.begin_typing(":", text)

    def show_problems(self) -> None:
        """What is wrong with the file."""
        self._bench.show_problems()

    def show_help(self) -> None:
        """The whole key map."""
        from mltui.app.dialogs.help import HelpDialog

        here = () if is_log(self._bench.focused) else registry.that_can(self.selection)
        self._bench.app.push_screen(HelpDialog(here, of_log=is_log(self._bench.focused)))

    def set_theme(self, name: str) -> None:
        """Use another theme, now and from now on."""
        self._bench.workbench_app.use_theme(name)

    async def choose_theme(self) -> None:
        """Choose a theme."""
        await self._bench.workbench_app.choose_theme()

    def command(self, text: str) -> None:
        """Do what was typed on the `:` line."""
        name, _, argument = text.partition(" ")
        if not name:
            return
        bench = self._bench
        bench.workbench_app.settings.remember(text)
        found = registry.for_command(name, self.selection.place)
        if found is None:
            bench.listing.open_unknown(name)
        else:
            bench.act(found, argument.strip())

    async def edit(self, file: str, line: int) -> None:
        """Open the person's editor there; the screen comes back afterwards."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        argv = [*shlex.split(editor), f"+{line}", str(self._session.project.root / file)]
        try:
            with self._bench.app.suspend():
                process = await asyncio.create_subprocess_exec(*argv)
                await process.wait()
        except SuspendNotSupported:
            self.notice(f"no editor can be opened here: {file}:{line}", bad=True)
        except OSError as error:
            self.notice(f"{editor} can't be started: {error.strerror}", bad=True)
        self._bench.refresh()

    def leave(self) -> None:
        """Close the app. Runs go on."""
        self._bench.app.exit(0)

    # --- what completion may choose from ----------------------------------------------------------

    @property
    def stage_names(self) -> list[str]:
        """Stages of the run on screen."""
        return list(self._session.view.stages()) if self._session.view is not None else []

    @property
    def run_numbers(self) -> list[int]:
        """Runs, newest first."""
        return list(range(self._session.newest or 0, 0, -1))

    @property
    def theme_names(self) -> list[str]:
        """Themes that can be used."""
        return self._bench.workbench_app.theme_names()

    @property
    def place_names(self) -> list[str]:
        """Namespaces of what is listed, and places that were looked at."""
        listed = self._bench.listed
        rows = listed.pane.table.rows.values() if listed and listed.pane.table else ()
        if listed is not None and listed.kind.name == "namespaces":
            found = [row.name for row in rows]
        else:
            found = [getattr(row, "namespace", "") for row in rows]
        found += self._bench.listing.namespaces.names
        kept = self._bench.workbench_app.settings.places()
        return [*dict.fromkeys(filter(None, [*found, *kept]))]

    @property
    def view_names(self) -> list[str]:
        """Views that were kept."""
        return list(self._bench.workbench_app.settings.views())

    @property
    def object_names(self) -> list[str]:
        """Things on the screen."""
        from mltui.app.finding import on_screen

        return [each.label for each in on_screen(self._bench)]
