"""What the session reads in threads: the project's file, durations, curves. No state of its own.

Each call opens what it needs and closes it, because neither SQLite's connection nor the store is
shared between threads. YAML and the rules are imported here, after the first paint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mltui.errors import MltuiError, Problem, SpecError
from mltui.pipeline.model import StageRow, State
from mltui.runs.project import SPEC_FILE, Project

if TYPE_CHECKING:
    from mltui.spec.graph import Graph
    from mltui.spec.model import Spec


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
    planned: tuple[StageRow, ...] = ()
    """The stages of the present file, as lines of a run that did not happen yet."""


def read_file(project: Project, digest: str | None, before: FileRead | None = None) -> FileRead:
    """Read the file, and the text that the run with this digest used. Never raises MltuiError."""
    from mltui import spec as specs

    found = FileRead()
    try:
        found.text = project.read_text()
        if before is not None and before.text == found.text:
            found.problems, found.now = before.problems, before.now
        else:
            found.now = specs.load(found.text, SPEC_FILE)
    except SpecError as error:
        found.problems = error.problems
    found.used = found.now
    if digest is not None:
        try:
            text = project.store().read_bytes(digest).decode("utf-8")
            if found.now is None or text != found.text:
                found.used = specs.load(text, SPEC_FILE)
        except (MltuiError, OSError, UnicodeDecodeError):
            found.used = found.now  # collected by gc, or of a version that we can't read
    if found.used is not None:
        found.graph = specs.Graph.of(found.used)
    if found.now is not None:
        found.planned = planned_rows(found.now)
    return found


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


def read_durations(project: Project) -> Mapping[str, Sequence[float]]:
    """Stage → seconds of earlier passages; empty when there are no runs."""
    try:
        with closing(project.journal()) as journal:
            return journal.durations()
    except MltuiError:
        return {}
