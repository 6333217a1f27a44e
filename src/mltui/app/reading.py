"""What the session reads in threads: the project's file, durations, curves. No state of its own.

Each call opens what it needs and closes it, because neither SQLite's connection nor the store is
shared between threads. YAML and the rules are imported here, after the first paint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.errors import MltuiError, Problem, SpecError
from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs.project import SPEC_FILE, Project
from mltui.runs.rows import RunRow

if TYPE_CHECKING:
    from mltui.pipeline.choices import Choices
    from mltui.pipeline.plan import Plan
    from mltui.serving.snapshot import Snapshot
    from mltui.spec.graph import Graph
    from mltui.spec.model import Spec


CURVE_BYTES = 256 * 1024
"""So much of a metrics file's end is read for a sparkline."""


@dataclass(slots=True)
class FileRead:
    """`mltui.yaml` as it is, and as the run on screen used it."""

    text: str = ""
    problems: list[Problem] = field(default_factory=list)
    now: Spec | None = None
    """The file as it is; None where it is wrong."""
    used: Spec | None = None
    """The file as the run used it; the present one where that is not known."""
    graph: Graph | None = None
    """Of `used`."""
    plan: Plan | None = None
    """Of `used`, for estimates and the params of each round."""
    planned: tuple[StageRow, ...] = ()
    """The stages of the present file, as lines of a run that did not happen yet."""


def read_file(project: Project, run: RunRow | None, before: FileRead | None = None) -> FileRead:
    """Read the file, and the text that this run used. Never raises MltuiError."""
    from mltui import spec as specs
    from mltui.pipeline.plan import Plan

    found = FileRead()
    if not project.file.exists() and not project.folder.exists():
        return found  # no project: lists of hosts are all there is to look at
    try:
        found.text = project.read_text()
        if before is not None and before.text == found.text:
            found.problems, found.now = before.problems, before.now
        else:
            found.now = specs.load(found.text, SPEC_FILE)
    except SpecError as error:
        found.problems = error.problems
    found.used = found.now
    if run is not None:
        found.plan = _plan_of(project, run.number)
    elif found.now is not None:
        with suppress(MltuiError):
            found.plan = Plan.of(found.now)
    if found.plan is not None:
        found.used = found.plan.spec
    if found.used is not None:
        found.graph = specs.Graph.of(found.used)
    if found.now is not None:
        found.planned = planned_rows(found.now)
    return found


def _plan_of(project: Project, run: int) -> Plan | None:
    """The plan of a run as it was taken; None when it can't be read any more."""
    from mltui.runs.progress import plan_of_run

    try:
        with closing(project.journal()) as journal:
            return plan_of_run(project, journal, run)
    except (MltuiError, OSError):
        return None


def read_choices(project: Project, run: int, instance: Instance) -> Choices | None:
    """What can be decided at a gate, by the rules themselves, played over the run's events."""
    from mltui.pipeline.scheduler import Scheduler
    from mltui.runs.history import History

    with closing(project.journal()) as journal:
        events = [event for _, event in journal.events(run)]
    history = History(project.store())
    return Scheduler.replay(run, history.plan_for, events).decide_options(instance)


def planned_rows(spec: Spec) -> tuple[StageRow, ...]:
    """The stages of a file as rows of a run that has not begun, in the order of the plan."""
    from mltui import spec as specs

    order = specs.Graph.of(spec).order
    return tuple(
        StageRow(
            run=0,
            stage=name,
            item=None,
            path=(),
            attempt=0,
            state=State.PENDING,
            phase=spec.stages[name].phase.value,
            order=index,
        )
        for index, name in enumerate(order)
    )


def read_serving(project: Project) -> Snapshot | None:
    """What is served and watched; None where nothing ever was, or it can't be read."""
    import sqlite3

    from mltui.serving.snapshot import read_snapshot

    try:
        return read_snapshot(project)
    except (MltuiError, sqlite3.Error):
        return None


def read_durations(project: Project) -> Mapping[str, Sequence[float]]:
    """Stage → seconds of earlier passages; empty when there are no runs."""
    try:
        with closing(project.journal()) as journal:
            return journal.durations()
    except MltuiError:
        return {}


def read_curve(
    file: Path, seen: tuple[int, int] | None
) -> tuple[tuple[int, int], list[float]] | None:
    """The newest values of the liveliest metric in a metrics file; None if it is as it was."""
    from mltui.pipeline.metrics import read_metrics

    try:
        info = file.stat()
        stamp = (info.st_mtime_ns, info.st_size)
        if stamp == seen:
            return None
        with file.open("rb") as opened:
            opened.seek(max(info.st_size - CURVE_BYTES, 0))
            data = opened.read(CURVE_BYTES)
    except OSError:
        return None
    if info.st_size > CURVE_BYTES:
        data = data.partition(b"\n")[2]
    curves = read_metrics(data).curves
    moving = [points for points in curves.values() if len({y for _, y in points}) > 1]
    best = max(moving, key=len, default=())
    return stamp, [y for _, y in best[-64:]]
