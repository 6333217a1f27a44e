"""The context in which actions act: the workbench's panes, the session, dialogs, threads.

The only implementation of `actions.action.Context` with a screen. Errors of the person's kind end
in the notice line, here and nowhere else.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from textual.app import SuspendNotSupported

from mltui.actions.action import Decision, Question, Selection
from mltui.app.dialogs.confirm import ConfirmDialog
from mltui.app.dialogs.decide import DecideDialog
from mltui.app.dialogs.help import HelpDialog
from mltui.app.dialogs.run import RunDialog
from mltui.app.dryrun import preview
from mltui.app.present.decide import offers
from mltui.app.present.gate import gate_lines
from mltui.app.present.line import line
from mltui.errors import MltuiError
from mltui.pipeline.model import Instance, StageRow
from mltui.runs.rows import RunRequest

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench

T = TypeVar("T")

ANSWER_S = 10.0
"""How long to wait for a runner's answer before saying that there is none yet."""


class ScreenContext:
    """What an action may do, done on a workbench."""

    def __init__(self, workbench: Workbench) -> None:
        self._bench = workbench
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

    # --- asking -------------------------------------------------------------------------------

    async def confirm(self, question: Question) -> bool:
        """Ask; the safe answer has the focus."""
        return await self._bench.app.push_screen_wait(ConfirmDialog(question))

    async def ask_run(self, request: RunRequest) -> RunRequest | None:
        """Show what would run; None when the person leaves it."""
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
        view, facts = self._session.view, self._session.facts
        found = facts.gate(gate.stage)
        if view is None or found is None:
            self.notice(
                "mltui.yaml of this run can't be read: `mltui decide` still works", bad=True
            )
            return None
        width = min(self._bench.size.width - 10, 70)
        table = gate_lines(gate, view, facts, width, self._bench.moment, brief=True)
        sentence = f"The gate of {gate.stage} in run {gate.run} was not passed. What now?"
        rounds = [row for row in view.rounds(gate.stage) if row.path[:-1] == gate.path[:-1]]
        dialog = DecideDialog(sentence, table or [line("")], offers(found, rounds))
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
        """Show one of the selected stage's panes."""
        self._bench.detail.show_tab(name)

    def show_runs(self) -> None:
        """Show the list of runs."""
        self._bench.list_runs(True)

    def open_run(self, number: int) -> None:
        """Show this run."""
        self._bench.open_run(number)

    def select_stage(self, name: str) -> bool:
        """Put the cursor on a stage."""
        if self._bench.select_stage(name):
            return True
        near = self._bench.nearest_stage(name)
        hint = f": did you mean {near}?" if near else ""
        self.notice(f"there is no stage {name!r}{hint}", bad=True)
        return False

    def enter(self) -> None:
        """Open what is under the cursor."""
        self._bench.enter()

    def fold(self, unfold: bool) -> None:
        """Show or hide what is below the selected line."""
        self._bench.fold(unfold)

    def back(self) -> None:
        """One step back."""
        self._bench.back()

    def begin_filter(self) -> None:
        """Type a filter or a search."""
        self._bench.begin_typing("/")

    def begin_command(self, text: str = "") -> None:
        """Type a command."""
        self._bench.begin_typing(":", text)

    def show_help(self) -> None:
        """The whole key map."""
        self._bench.app.push_screen(HelpDialog())

    def set_theme(self, name: str) -> None:
        """Use another theme."""
        self._bench.use_theme(name)

    async def edit(self, file: str, line: int) -> None:
        """Open the person's editor there."""
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
        """Close the app."""
        self._bench.app.exit(0)
