"""Where the log of a row is: of an attempt, of the attempt whose result was taken, of a build.

`mltui logs` asks; labels without an attempt mean the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import UsageError
from mltui.pipeline.model import StageRow, State, attempt_label, attempt_slug
from mltui.runs.project import Project
from mltui.runs.readings import Readings

LOG = "log"


@dataclass(frozen=True, slots=True)
class Place:
    """A log and what to call it."""

    path: Path
    title: str
    attempt: int = 0
    """0: it is no attempt's of this run."""


def log_of(project: Project, journal: Readings, row: StageRow, attempt: int = 0) -> Place:
    """The log of an attempt, the last one where `attempt` is 0. UsageError when there is none."""
    label = row.instance.label
    if attempt > row.attempt and row.state is not State.CACHED:
        raise UsageError(f"{label} has no attempt {attempt}: {_attempts(row)}")
    number = attempt or row.attempt
    if row.state is State.CACHED and not attempt:
        result = journal.result(row.key) if row.key else None
        if result is not None and result.log:
            title = f"{label}, taken from {row.source or result.source}"
            return Place(project.folder / result.log / LOG, title)
    if number:
        folder = project.run_folder(row.run) / attempt_slug(row.instance, number)
        return Place(folder / LOG, attempt_label(row.instance, number), number)
    if row.build is not None:
        build = journal.build(row.build)
        if build is not None and build.log:
            return Place(project.folder / build.log, f"build of {build.environment}")
    raise UsageError(f"{label} has no log yet: it is {row.state}")


def whole_without_log(row: StageRow, rows: Sequence[StageRow]) -> UsageError | None:
    """The error for a `for_each` stage as a whole, which has a log an item; None for others."""
    items = [
        other
        for other in rows
        if other.stage == row.stage and other.path == row.path and other.item is not None
    ]
    if row.item is not None or not items or row.attempt:
        return None
    labels = ", ".join(f"`{other.instance.label}`" for other in items[:12])
    more = f" and {len(items) - 12} more" if len(items) > 12 else ""
    return UsageError(f"{row.stage} has a log an item: {labels}{more}")


def _attempts(row: StageRow) -> str:
    if not row.attempt:
        return f"it is {row.state}"
    return "there was one" if row.attempt == 1 else f"there were {row.attempt}"
