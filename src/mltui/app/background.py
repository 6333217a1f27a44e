"""What the session learns beside the journal, in threads: the file, durations, curves, services.

The app asks for it after the first paint, and the session when a file changed. What is learned goes
into the session's `facts`; its listener is told where they became different.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.app import reading
from mltui.app.change import Change
from mltui.app.runview import planned
from mltui.pipeline.rows import Instance, State
from mltui.runs.locate import place_of_row

if TYPE_CHECKING:
    from mltui.app.session import Session

MAX_CURVES = 8
"""Sparklines are drawn for so many running stages at once."""


class Background:
    """Reads for one session; keeps what spares the next reading."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.file: reading.FileRead | None = None
        """`mltui.yaml` as it was read last; None until it is."""
        self.name = session.project.root.name
        """The project's; its folder's until the file is read."""
        self._curves_seen: dict[Path, tuple[int, int]] = {}

    async def read_file(self) -> None:
        """Read `mltui.yaml`, as it is now and as the run on screen used it."""
        session, facts, view = self._session, self._session.facts, self._session.view
        run = view.run if view is not None and view.run.number else None
        read = await asyncio.to_thread(reading.read_file, session.project, run, self.file)
        before, self.file = self.file, read
        change = Change(problems=before is None or before.problems != read.problems)
        if before is None or before.text != read.text:
            change.problems = change.problems or bool(read.problems)
        if view is not session.view:
            session.on_change(change)
            return  # another run is on screen by now; it asks for itself
        if read.used is not None and read.used is not facts.spec:
            facts.spec, facts.graph, facts.plan = read.used, read.graph, read.plan
            change.facts = True
            change.run = self.name != read.used.name
            self.name = read.used.name
        if facts.spec is not None:
            run_params = view.run.params if view is not None else {}
            facts.params = {**facts.spec.params, **run_params}
        if (view is None or view.run.number == 0) and read.now is not None:
            rows = {row.instance: row for row in read.planned}
            if view is None or view.rows != rows:
                session.view = planned(read.planned, read.now.name)
                change.switched = change.run = True
        if change:
            session.on_change(change)

    async def read_curves(self) -> None:
        """What running stages measured so far, from the ends of their metrics files."""
        session, view = self._session, self._session.view
        if view is None:
            return
        files = {
            row.instance: place.metrics
            for row in view.rows.values()
            if row.state is State.RUNNING
            and (place := place_of_row(session.project, row)) is not None
        }
        touched: set[Instance] = set()
        for instance, file in list(files.items())[:MAX_CURVES]:
            found = await asyncio.to_thread(reading.read_curve, file, self._curves_seen.get(file))
            if found is not None:
                self._curves_seen[file], values = found
                if values and session.facts.curves.get(instance) != values:
                    session.facts.curves[instance] = values
                    touched.add(instance)
        if touched and view is session.view:
            session.on_change(Change(instances=touched))

    async def read_durations(self) -> None:
        """How long stages took in earlier runs, for estimates."""
        session = self._session
        if not session.has_journal:
            return
        durations = await asyncio.to_thread(reading.read_durations, session.project)
        if durations != session.facts.durations:
            session.facts.durations = durations
            session.on_change(Change(facts=True))

    async def read_serving(self) -> None:
        """What is served and watched."""
        session = self._session
        found = await asyncio.to_thread(reading.read_serving, session.project)
        if found != session.facts.serving:
            session.facts.serving = found
            session.facts.expected.clear()
            session.on_change(Change(facts=True))
