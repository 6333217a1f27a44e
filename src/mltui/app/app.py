"""The app: themes, settings, notices, background reading, and the one screen.

What is on the screen is the workbench's; what is known is the session's. This file joins them.
"""

from __future__ import annotations

import difflib
import gc
import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from mltui.actions.action import Action
from mltui.app import config, notify, theming, timers
from mltui.app.change import Change
from mltui.app.context import ScreenContext
from mltui.app.session import Session
from mltui.app.settings import Settings
from mltui.app.workbench import Workbench
from mltui.errors import MltuiError
from mltui.text.glyphs import unicode_ok

if TYPE_CHECKING:
    from mltui.app.firstlook import Seen
    from mltui.runs.bundle import Replay

_HERE = Path(__file__).parent
timers.keep_late()


class _PlainBars(ScrollBarRender):
    """Scroll bars of blanks in colour, where parts of a cell can't be drawn."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class MltuiApp(App[int]):
    """mltui on a terminal."""

    TITLE = "mltui"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        _HERE / "app.tcss",
        _HERE / "panes" / "stages.tcss",
        _HERE / "panes" / "detail.tcss",
        _HERE / "panes" / "runs.tcss",
        _HERE / "panes" / "kind.tcss",
        _HERE / "panes" / "triage.tcss",
        _HERE / "dialogs" / "dialogs.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: Session, settings: Settings | None = None) -> None:
        # Textual's grey for NO_COLOR is chosen before a theme is; only this way it stays readable.
        plain = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if plain else None)
        self.session = session
        self.config = config.read()
        self.settings = settings or Settings()
        self.settings.config = self.config
        unicode = unicode_ok()
        ScrollBar.renderer = ScrollBarRender if unicode else _PlainBars
        if not unicode:
            self.add_class("-ascii")
        self.follows_hosts = False
        """Look at the Docker host and the clusters of a project that uses them, without being
        asked."""
        self.opens = ""
        """The list to begin with: `pods`, `deployments prod`; empty: the pipeline."""
        self.seen: Seen | None = None
        """What was on the terminal before the screen was loaded."""
        self.replay: Replay | None = None
        """An incident as it was, in place of what is: nothing can be changed."""
        self._themes_read = False
        self._reading_curves = False
        name = theming.PLAIN if plain else self.settings.theme() or theming.DEFAULT
        theme = theming.load_one(name) or theming.load_one(theming.DEFAULT)
        if theme is not None:
            self.register_theme(theme)
            self.theme = theme.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Variables of ours, for themes that don't know them."""
        return theming.defaults()

    def get_default_screen(self) -> Screen[int]:
        """The one screen."""
        return Workbench(self.session)

    @property
    def workbench(self) -> Workbench:
        """The one screen, also while a dialog is on top of it."""
        for screen in self.screen_stack:
            if isinstance(screen, Workbench):
                return screen
        raise RuntimeError("the workbench is gone")

    @property
    def busy(self) -> int:
        """Things under way that a test has to wait for: not the watch, not a person's answer."""
        waiting = {"watch", "act"} if len(self.screen_stack) > 1 else {"watch"}
        return sum(each.is_running and each.group not in waiting for each in self.workers)

    # --- background -----------------------------------------------------------------------------

    def on_mount(self) -> None:
        """After the first paint: read the file, then wait for changes."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if not gc.isenabled():  # `run_app` turned it off for the start
            gc.freeze()
            gc.enable()
        self._apply_config()
        if self.opens and self.seen is None:
            self.workbench.listing.begin(self.opens)
        if self.replay is not None:
            self.workbench.triaging.open()
        # Watched before it is read: what is changed in between is seen.
        self.run_worker(self._watch(), group="watch", exit_on_error=True)
        self.read_facts()

    def _apply_config(self) -> None:
        """The person's keys; what is wrong with their file is said."""
        from mltui.actions import registry

        problems = [*self.config.problems, *config.remapped(self.config, registry.rebind)]
        own = dict(self.config.get("keys"))
        of_panes = {
            name: keys if isinstance(keys, str) else ",".join(keys)
            for name, keys in own.items()
            if name.startswith(("log.", "grid."))
        }
        if of_panes:
            self.set_keymap(of_panes)
        if problems:
            more = f" (and {len(problems) - 1} more: `mltui config`)" if len(problems) > 1 else ""
            self.workbench.notice(f"{problems[0]}{more}", bad=True)
        folder = theming.folders()[-1]
        if folder.is_dir():
            self.run_worker(self._watch_themes(folder), group="watch", exit_on_error=True)

    async def _watch_themes(self, folder: Path) -> None:
        """Read the person's themes again as they are saved."""
        from mltui.runs.watch import Watch

        async with Watch(*folder.glob("*.yaml")) as watch:
            while True:
                await watch.changed()
                self._themes_read = False
                name = self.theme
                self._read_themes()
                changed = theming.load_one(name)
                if changed is not None:
                    self.register_theme(changed)
                    self._watch_theme(name)

    async def _watch(self) -> None:
        await self.session.watch()

    def read_facts(self) -> None:
        """Read the run's file and earlier durations, in threads."""
        self.run_worker(self._read_facts(), group="facts", exit_on_error=True)

    async def _read_facts(self) -> None:
        await self.session.background.read_file()
        await self.session.background.read_durations()
        await self.session.background.read_curves()

    def changed(self, change: Change) -> None:
        """Something became different: read what belongs to it, tell the person of runs' ends."""
        if change.switched:
            self.read_facts()
        if change.instances or change.run or change.switched or change.problems or change.facts:
            self.workbench.triaging.refresh()
        for run in change.ended:
            text = notify.sentence(self.session.name, run)
            self.workbench.notice(text, bad=run.state.value != "succeeded")
            driver = self._driver
            if driver is not None and not self.is_headless:
                driver.write(notify.sequence(text))
            self.run_worker(self._notify(run), group="notify", exit_on_error=False)

    async def _notify(self, run: object) -> None:
        from mltui.runs.rows import RunRow

        assert isinstance(run, RunRow)
        wrong = await notify.command(run)
        if wrong is not None:
            self.workbench.notice(wrong, bad=True)

    def ticked(self) -> None:
        """Once a second while something runs: what it measures, whether it hangs."""
        self.workbench.triaging.ticked()
        if not self._reading_curves:
            self._reading_curves = True
            self.run_worker(self._read_curves(), group="curves", exit_on_error=True)

    async def _read_curves(self) -> None:
        try:
            await self.session.background.read_curves()
        finally:
            self._reading_curves = False

    # --- acting ---------------------------------------------------------------------------------

    def act(self, action: Action, context: ScreenContext, argument: str) -> None:
        """Run an action beside the screen, so that it can wait for answers."""
        if action.types:
            next(action.run(context, argument).__await__(), None)
            return
        self.run_worker(self._act(action, context, argument), group="act", exit_on_error=True)

    async def _act(self, action: Action, context: ScreenContext, argument: str) -> None:
        try:
            await action.run(context, argument)
        except MltuiError as error:
            context.notice(str(error), bad=True)

    # --- themes ---------------------------------------------------------------------------------

    def theme_names(self) -> list[str]:
        """Themes that can be used: ours and the person's."""
        self._read_themes()
        return sorted(name for name in self.available_themes if not name.startswith("textual-"))

    def _read_themes(self) -> None:
        if self._themes_read:
            return
        self._themes_read = True
        themes, problems = theming.load()
        for name in list(self.available_themes):
            if name != self.theme:
                self.unregister_theme(name)
        for theme in themes.values():
            self.register_theme(theme)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            self.workbench.notice(f"{problems[0]}{more}", bad=True)

    def use_theme(self, name: str) -> None:
        """Use a theme, now and from now on."""
        names = self.theme_names()
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            self.workbench.notice(f"there is no theme {name!r}: {hint}", bad=True)
            return
        self.theme = name
        self.settings.keep_theme(name)
        kept = self.config.values.get("theme")
        held = f" until you leave: {config.FILE} says {kept}" if kept not in (None, name) else ""
        self.workbench.notice(f"theme {name}{held}")

    async def choose_theme(self) -> None:
        """Choose a theme, each shown while it is under the cursor."""
        from mltui.app.dialogs.asking import PickDialog

        names, before = self.theme_names(), self.theme

        def show(index: int) -> None:
            self.theme = names[index]

        current = names.index(before) if before in names else 0
        dialog = PickDialog("Which theme?", names, current=current, moved=show)
        index = await self.push_screen_wait(dialog)
        if index is None:
            self.theme = before
        else:
            self.use_theme(names[index])
