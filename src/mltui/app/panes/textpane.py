"""A pane that says something about the selected stage: gathered in a thread, shown as lines.

Gate, Inputs, Build and Explain are these. Gathering may read files and the journal; it is done
again only when the stamp (what the answer depends on) changed, and only for the pane on screen.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.message import Message

from mltui.app.lineview import LineView
from mltui.app.present.facts import Facts
from mltui.app.present.line import Line, line
from mltui.app.present.moment import Moment
from mltui.app.runview import RunView
from mltui.pipeline.rows import StageRow
from mltui.runs.project import Project


@dataclass(frozen=True, slots=True)
class Subject:
    """What a pane is about. The view and the facts are read in the loop, never in a thread."""

    project: Project
    view: RunView
    facts: Facts
    row: StageRow
    log: Path | None = None
    log_name: str = ""
    """What to call a log that is not the attempt's own."""


class FileShown(Message):
    """A pane shows another file: whoever watches files should watch this one."""

    def __init__(self, file: Path | None) -> None:
        super().__init__()
        self.file = file


AGAIN_S = 0.1
"""Shortest pause between two readings of what changes all the time."""


class TextPane(LineView):
    """Lines about one stage. Subclasses say what to gather and how to present it."""

    waiting = "reading…"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._subject: Subject | None = None
        self._material: Any = None
        self._have: Hashable = None
        self._moment = Moment(0.0)
        self._gathering = self._again = False

    # --- for subclasses -----------------------------------------------------------------------

    def _stamp(self, subject: Subject) -> Hashable:
        """What the material depends on: equal stamps need no new reading."""
        return (subject.row.run, subject.row.instance, subject.row.attempt, subject.row.state)

    def _prepare(self, subject: Subject) -> Any:
        """What the thread needs of the view and the facts."""
        return None

    def _gather(self, project: Project, row: StageRow, prepared: Any) -> Any:
        """Read what is to be shown; called in a thread."""
        return None

    def _present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The lines."""
        raise NotImplementedError

    # --- what the detail pane calls -------------------------------------------------------------

    def about(self, subject: Subject | None, moment: Moment) -> None:
        """Show this stage; reads again only if something it depends on changed."""
        self._moment = moment
        before, self._subject = self._subject, subject
        if subject is None:
            self._have = None
            self.show([])
            return
        same = before is not None and before.row.instance == subject.row.instance
        if not same or (before is not None and before.row.run != subject.row.run):
            self._have, self._material = None, None
            self.scroll_to(y=0, animate=False)
        wanted = self._stamp(subject)
        if wanted != self._have:
            self._have = wanted
            if not same:
                self.show([line((f" {self.waiting}", "dim"))])
            self._start(subject, wanted)
        elif self._material is not None:
            self._lay_out()

    def tick(self, moment: Moment) -> None:
        """Time went by."""
        self._moment = moment
        if self._material is not None and self._subject is not None:
            self._lay_out()

    def wake(self) -> None:
        """What it was gathered from changed: read it again, as often as reading takes at most."""
        if self._gathering:
            self._again = True
        elif self._subject is not None and self._have is not None and self.is_mounted:
            self._start(self._subject, self._have)

    def on_resize(self) -> None:
        """Lines wrap otherwise now."""
        super().on_resize()
        if self._material is not None and self._subject is not None:
            self._lay_out()

    def _start(self, subject: Subject, wanted: Hashable) -> None:
        prepared = self._prepare(subject)

        async def read() -> None:
            import asyncio

            self._gathering = True
            try:
                found = await asyncio.to_thread(
                    self._gather, subject.project, subject.row, prepared
                )
            finally:
                self._gathering = False
            if self._have == wanted and self.is_attached:
                self._material = found
                self._lay_out()
                if self._again:
                    self._again = False
                    self.set_timer(AGAIN_S, self.wake)

        self.run_worker(read(), group=f"gather-{self.id}", exclusive=True, exit_on_error=True)

    def _lay_out(self) -> None:
        if self._subject is None:
            return
        width = max(self.scrollable_content_region.width, 20)
        self.show(self._present(self._material, self._subject, width, self._moment))
