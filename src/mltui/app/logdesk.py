"""What a log pane wants of the screen: typing a search or a filter, copying, saving, a pager.

Owned by the workbench, which hands it the pane's messages and what is typed on the command line.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.app.clipboard import copy
from mltui.app.logcommand import command_of
from mltui.app.logplaces import go_to
from mltui.app.panes.log import StageLog
from mltui.app.widgets.logkeys import PROMPTS, LogWanted
from mltui.errors import MltuiError
from mltui.logs.fields import is_level
from mltui.logs.filters import Around, Filter, Where, read_filter
from mltui.logs.index import LogIndex
from mltui.logs.lines import Log
from mltui.logs.merge import Merged
from mltui.logs.search import PatternError, compile_pattern
from mltui.logs.sieve import Test
from mltui.text import format_count

if TYPE_CHECKING:
    from mltui.app.widgets.logpane import LogPane
    from mltui.app.workbench import Workbench


@dataclass(frozen=True, slots=True)
class _Before:
    """What was shown before something was typed."""

    line: int
    follow: bool
    pattern: str
    filters: tuple[Filter, ...]


class LogDesk:
    """What is typed, and the log panes' errands. One for a workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.pane: LogPane | None = None
        """Who asked for what is being typed."""
        self._what = ""
        self._before: _Before | None = None

    # --- typing ---------------------------------------------------------------------------------

    def wanted(self, event: LogWanted) -> None:
        """A pane wants something."""
        if event.what in PROMPTS:
            self.ask(event.pane, event.what)
        elif event.what == "all":
            self._all_stages()
        elif event.what == "whole":
            if self._bench.listed is not None:
                self._bench.listed.logs.show_whole()
        elif event.what == "sources":
            self._bench.run_worker(self._choose_source(event.pane), group="act")
        elif event.what == "zoom":
            left = self._bench.left
            left.display = not left.display
            self._bench.detail.stand_alone(not left.display)
        else:
            self._bench.run_worker(self._fetch(event.pane, event.what), group="log")

    def _all_stages(self) -> None:
        """The logs of all stages as one, or the selected stage's again."""
        bench = self._bench
        if bench.listed is not None:
            bench.notice("all stages are shown together on the pipeline")
            return
        if bench.stages.row is None:  # of a service
            bench.notice("all stages are shown together from the log of a stage")
            return
        tab = bench.detail.log_tab
        tab.together = self._logs if tab.together is None else None
        bench.show_detail()
        bench.detail.give_focus()

    async def _choose_source(self, pane: LogPane) -> None:
        """Hide one of several logs, or show it again."""
        scene = pane.scene
        if scene is None or not isinstance(scene.index, Merged) or len(scene.index.sources) < 2:
            self._bench.notice("this is one log")
            return
        labels = [each.label for each in scene.index.sources]
        words = [
            f"{'hidden ' if number in scene.hidden else 'shown  '}  {label}"
            for number, label in enumerate(labels)
        ]
        if scene.hidden:
            words.append("show all")
        chosen = await self._bench.context.choose("Hide which log, or show it again?", words)
        if chosen is None or pane.scene is not scene:
            return
        hidden = scene.hidden ^ {chosen} if chosen < len(labels) else frozenset()
        if len(hidden) == len(labels):
            self._bench.notice("one of them is shown at least")
            return
        scene.hide(hidden)
        pane.changed()

    def _logs(self) -> list[StageLog]:
        """Logs of the run on screen, of each stage's newest attempt."""
        session = self._bench.session
        found: dict[Path, StageLog] = {}
        for row in session.view.rows.values() if session.view is not None else ():
            file, name = session.log_of(row, 0)
            if file is not None and file.exists() and row.run:
                label = name or row.instance.label
                log = StageLog(label, file, row.started_at or 0.0, row.state.is_final, label)
                found.setdefault(file, log)
        return list(found.values())

    def ask(self, pane: LogPane, what: str) -> None:
        """Have something typed for a pane."""
        scene = pane.scene
        if scene is None:
            return
        self.pane, self._what = pane, what
        self._before = _Before(
            scene.view.top.line, scene.view.follow, scene.finding.pattern, scene.filters
        )
        text = ""
        if what in ("save", "save all"):
            text = _file_name(pane.title)
        elif what == "columns":
            text = " ".join(scene.line_body.columns)
        offers: list[str] = []
        if what in ("filter", "columns"):
            offers = scene.field_names()
        if what == "filter":
            offers = ["level>=warning", "level>=error", *(x for x in offers if not is_level(x))]
        self._bench.line.open("log", text, PROMPTS[what], offers)

    def typed(self, mode: str, text: str) -> None:
        """A letter more: a filter or a search goes along."""
        if mode != "log":
            self._bench.filter(text)
            return
        pane, before = self.pane, self._before
        if pane is None or before is None or pane.scene is None:
            return
        try:
            if self._what == "search":
                self._search(pane, text)
            elif self._what == "filter" and not text.endswith(tuple("=<>~!|")):
                more = (read_filter(text),) if text.strip() else ()
                pane.scene.set_filters((*before.filters, *more))
                pane.changed()
        except PatternError:
            pass  # half a pattern is no fault

    def _search(self, pane: LogPane, text: str) -> None:
        if text:
            pane.search(text)
        elif pane.scene is not None:
            pane.scene.finding.clear()
            pane.changed()

    def left(self, mode: str) -> None:
        """Nothing was entered: as it was before."""
        if mode == "/":
            self._bench.filter("")
        pane, before = self.pane, self._before
        self.pane = None
        if pane is None or before is None or pane.scene is None:
            return
        if self._what == "search":
            self._search(pane, before.pattern)
        elif self._what == "filter":
            pane.scene.set_filters(before.filters)
        else:
            return
        pane.scene.view.go(before.line)
        pane.follow = before.follow
        pane.changed()

    def entered(self, mode: str, text: str) -> None:
        """What was typed is meant."""
        if mode == ":":
            self._bench.context.command(text)
        elif mode == "/":
            self._bench.filter(text)
        pane, self.pane = self.pane, None
        if pane is None or pane.scene is None:
            return
        try:
            self._answer(pane, self._what, text.strip())
        except (PatternError, MltuiError) as error:
            self._bench.notice(str(error), bad=True)

    def _answer(self, pane: LogPane, what: str, text: str) -> None:
        scene = pane.scene
        assert scene is not None
        if what == "search":
            if text != scene.finding.pattern:
                self._search(pane, text)
        elif what == "filter":
            before = self._before.filters if self._before is not None else ()
            try:
                scene.set_filters((*before, read_filter(text)) if text else ())
            except PatternError:
                scene.set_filters(before)
                raise
        elif what == "highlight":
            words = scene.finding.highlights
            scene.finding.highlight((*words, compile_pattern(text)) if text else ())
        elif what == "columns":
            scene.set_columns(text.replace(",", " ").split())
        elif what == "time" and text:
            go_to(scene, text)
        elif text and what in ("save", "save all"):
            whole = what == "save all"
            self._bench.run_worker(self._save(pane, Path(text).expanduser(), whole), group="log")
        pane.changed()

    # --- taking away ----------------------------------------------------------------------------

    async def _fetch(self, pane: LogPane, what: str) -> None:
        if pane.scene is None:
            return
        try:
            if what == "copy":
                await self._copy(pane)
            elif what == "link":
                command = command_of(pane)
                await copy(self._bench.app, command)
                self._bench.notice(f"copied: {command}")
            else:
                await self._open(pane, what)
        except MltuiError as error:
            self._bench.notice(str(error), bad=True)

    async def _copy(self, pane: LogPane) -> None:
        scene = pane.scene
        assert scene is not None
        text, selecting = self._bench.get_selected_text(), scene.selecting
        if not text and selecting.span is not None:
            text = selecting.joined(*selecting.span)
        if not text and scene.painter.current is not None:
            text = selecting.joined(scene.painter.current, scene.painter.current)
        text = text or pane.visible_text()
        is_cut = selecting.is_cut
        selecting.end()
        self._bench.clear_selection()
        pane.changed()
        count = text.count("\n") + 1
        if not is_cut and await copy(self._bench.app, text):
            self._bench.notice(f"copied {format_count(count)} line{'s' * (count != 1)}")
        else:
            self._bench.notice("that is too much for a clipboard: save it to a file", bad=True)

    async def _save(self, pane: LogPane, path: Path, whole: bool) -> None:
        scene = pane.scene
        assert scene is not None
        log = scene.index.again()
        try:
            if whole:
                size = await asyncio.to_thread(write_lines, log, path)
            else:
                size = await asyncio.to_thread(
                    write_lines, log, path,
                    filters=scene.filters, hidden=scene.hidden, span=scene.selecting.span,
                    context=scene.context,
                )  # fmt: skip
        except OSError as error:
            words = "is there already: name another" if path.exists() else error.strerror
            self._bench.notice(f"{path} {words}", bad=True)
            return
        self._bench.notice(f"saved {format_count(size)} bytes to {path}")

    async def _open(self, pane: LogPane, what: str) -> None:
        scene = pane.scene
        assert scene is not None
        index = scene.index
        path, folder = index.path if type(index) is LogIndex else None, None
        if scene.filters or scene.hidden or path is None:
            folder = tempfile.TemporaryDirectory(prefix="mltui-")
            path = Path(folder.name) / _file_name(pane.title)
            log = scene.index.again()
            await asyncio.to_thread(
                write_lines,
                log,
                path,
                filters=scene.filters,
                hidden=scene.hidden,
                context=scene.context,
            )
        env = dict(os.environ)
        number = scene.index.number(scene.rows[0].line) if scene.rows else None
        if what == "pager":
            argv = [*shlex.split(env.get("PAGER") or "less"), str(path)]
        else:
            editor = shlex.split(env.get("VISUAL") or env.get("EDITOR") or "vi")
            place = [f"+{number + 1}"] if number is not None and not scene.filters else []
            argv = [*editor, *place, str(path)]
        try:
            await self._bench.context.outside(argv, cwd=Path.cwd(), env=env)
        finally:
            if folder is not None:
                folder.cleanup()


def _file_name(title: str) -> str:
    kept = "".join(char if char.isalnum() or char in "._~-" else "-" for char in title)
    return f"{kept.strip('-.') or 'log'}.log"


def write_lines(
    log: Log,
    path: Path,
    *,
    filters: Sequence[Filter] = (),
    hidden: frozenset[int] = frozenset(),
    span: tuple[int, int] | None = None,
    context: int = 0,
) -> int:
    """Copy lines as they were written to a new file, and close the log; how many bytes.

    Those that pass with *context* lines around each, of logs that are not *hidden*, from the first
    to the last place of *span*; all without these. Reads all of the log, so: in a thread. OSError.
    """
    size = 0
    try:
        with path.open("xb") as file:
            log.look()
            while isinstance(log, Merged) and log.behind_bytes:
                log.refresh()
            first, end = (span[0], log.next(span[1])) if span is not None else (0, log.end)
            if filters or hidden:
                test = Where(log, filters, hidden).test
                if context and filters:
                    own = Where(log, (), hidden).test if hidden else log.starts
                    test = Around(log, test, context, own).test
                parts = _passing(log, test, first, end)
            else:
                parts = log.copy(first, end)
            for part in parts:
                size += file.write(part)
    finally:
        log.close()
    return size


def _passing(log: Log, test: Test, first: int, end: int) -> Iterator[bytes]:
    is_open = False  # of several logs only the last line of all may have no newline
    for block in range(log.block_of(first), log.block_count):
        for place in test(block):
            if first <= place < end:
                if is_open:
                    yield b"\n"
                for part in log.raw(place):
                    yield part
                    is_open = not part.endswith(b"\n")
