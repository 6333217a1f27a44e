"""Drives the app as a person would and reads the screen as text.

A story presses keys and says what must be on the screen; `settle` waits until nothing is under way,
by the app's own count of its work, and `until` waits for the world outside with a deadline.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import textual._wait
from textual.app import ScreenStackError
from textual.pilot import Pilot
from textual.widgets import Input

from mltui.app.app import MltuiApp
from mltui.app.firstlook import Seen
from mltui.app.lineview import LineView, OneLine
from mltui.app.session import Session
from mltui.runs.project import Project

if TYPE_CHECKING:
    from mltui.app.widgets.logpane import LogPane

DEADLINE_S = 60.0
textual._wait.SLEEP_GRANULARITY = 0.005
"""How long Textual's pilot looks whether the process is idle; 20 ms by itself, four times a key.
What tests rely on is that every widget has answered what it was told, and that no work is left."""


class Driver:
    """One open app."""

    def __init__(self, app: MltuiApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        project: Project,
        *,
        size: tuple[int, int] = (100, 30),
        run: int | None = None,
        now: float | None = None,
        opens: str = "",
        seen: Seen | None = None,
    ) -> AsyncIterator[Driver]:
        """Open the app on a project; `now` freezes its clock.

        `opens`: the list to begin with; `seen`: as after a first look.
        """
        session = Session(project, run=run, now=time.time if now is None else lambda: now)
        session.open()
        app = MltuiApp(session)
        app.opens, app.seen = opens, seen
        async with app.run_test(size=size) as pilot:
            driver = cls(app, pilot)
            await driver.settle()
            try:
                yield driver
            finally:
                app.workers.cancel_all()  # as leaving does; `run_test` takes the screens first
        session.close()

    # --- doing --------------------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """Press keys, each once all that follows from the one before has happened."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Put text into the field that has the keys, as a paste would; keys cost time here."""
        field = self.app.focused
        assert isinstance(field, Input), f"nothing can be typed here:\n{self.text}"
        field.insert_text_at_cursor(text)
        await self.settle()

    async def command(self, text: str) -> None:
        """A line on the `:` prompt."""
        await self.press("colon")
        await self.type(text)
        await self.press("enter")

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        await self.pilot.resize_terminal(width, height)
        screen = self.app.screen  # its own size is the terminal's, laid out or not
        await self.until(lambda: screen._compositor.size == (width, height), "its size")

    async def choose(self, name: str) -> None:
        """Put the cursor on a row of the list, once it is there."""
        listed = self.app.workbench.listed
        assert listed is not None, self.text
        pane, label = listed.pane, listed.kind.label
        found: list[object] = []

        def is_there() -> bool:
            rows = pane.grid.model.rows.items()
            found[:] = [key for key, row in rows if label(row) == name]
            return bool(found)

        await self.until(is_there, name)
        pane.grid.cursor_key = found[0]
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        until = time.monotonic() + DEADLINE_S
        quiet = 0
        while quiet < 2:
            try:
                await self.pilot.pause()
            except ScreenStackError:
                return  # it was left
            is_busy = bool(self.app.busy) or self._reads_logs
            quiet = 0 if is_busy else quiet + 1
            if is_busy:
                await asyncio.sleep(0.01)
            assert time.monotonic() < until, f"the app does not settle:\n{self.text}"

    @property
    def _reads_logs(self) -> bool:
        """What was asked of a log, or has come of it, is not on the screen yet."""
        shown = [pane for pane in self._log_panes if pane.is_reading and pane.scene is not None]
        return any(pane.scene is not None and pane.scene.is_urgent for pane in shown)

    @property
    def _log_panes(self) -> list[LogPane]:
        screens = self.app.screen_stack
        found = screens[0].query("LogPane") if screens else ()
        return [cast("LogPane", pane) for pane in found if pane.display]

    async def until(self, holds: Callable[[], bool], what: str = "") -> None:
        """Wait for the world outside, with a deadline."""
        until = time.monotonic() + DEADLINE_S
        while not holds():
            await self.pilot.pause()
            await asyncio.sleep(0.02)
            assert time.monotonic() < until, f"it never came: {what}\n{self.text}"
        await self.settle()

    async def sees(self, text: str) -> None:
        """Wait until a text is on the screen."""
        await self.until(lambda: text in self.text, text)

    async def meanwhile(self, text: str) -> None:
        """Wait until a text is on the screen, though something is under way."""
        async with asyncio.timeout(DEADLINE_S):
            while text not in self.text:
                await self.pilot.pause(0.02)

    # --- reading --------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        screen = self.app.screen
        strips = screen._compositor.render_strips(screen.size)
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    @property
    def stages(self) -> list[str]:
        """The lines of the stage list."""
        return [line.text for line in self.app.workbench.stages.lines]

    @property
    def selected(self) -> str:
        """The label of the selected stage."""
        return self.app.workbench.selection.name or ""

    @property
    def card(self) -> str:
        """The failure card; empty when there is none."""
        view = self.app.workbench.query_one("#card", LineView)
        return "\n".join(line.text for line in view.lines) if view.display else ""

    @property
    def pane(self) -> str:
        """The lines of the stage's pane that is shown."""
        pane = self.app.workbench.detail.current
        return "\n".join(line.text for line in pane.lines) if isinstance(pane, LineView) else ""

    @property
    def notice(self) -> str:
        """What the notice line says."""
        return self.app.workbench.frame.said

    def line_of(self, text: str) -> str:
        """The first line of the screen with a text; empty when there is none."""
        return next((line for line in self.lines if text in line), "")

    def line(self, name: str) -> str:
        """One of the frame's lines: header, story, footer."""
        return self.app.workbench.query_one(f"#{name}", OneLine).line.text

    def stage(self, name: str) -> str:
        """The line of a stage in the list."""
        return next((line for line in self.stages if name in line.split()), "")
