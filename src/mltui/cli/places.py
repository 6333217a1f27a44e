"""Which log a label means: of an attempt, of the one whose result was taken, of a build.

`mltui logs` asks; a label without an attempt means the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import UsageError
from mltui.pipeline.rows import StageRow, State, attempt_label
from mltui.runs.locate import attempts_of, place_of_row
from mltui.runs.project import Project
from mltui.runs.readings import Readings


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A log and what to call it."""

    path: Path
    title: str
    attempt: int = 0
    """0: it is no attempt's of this run."""


def log_of(project: Project, journal: Readings, row: StageRow, attempt: int = 0) -> LogPlace:
    """The log of an attempt, the last one where `attempt` is 0. UsageError when there is none."""
    label = row.instance.label
    if attempt:
        kept = {place.attempt: place for place in attempts_of(project, row.run, row.instance)}
        if attempt in kept:
            title = attempt_label(row.instance, attempt)
            return LogPlace(kept[attempt].log, title, attempt)
        gone = "its log is no longer kept" if attempt <= row.attempt else _attempts(row)
        raise UsageError(f"{label} has no attempt {attempt}: {gone}")
    place = place_of_row(project, row)
    if place is not None and place.is_own:
        return LogPlace(place.log, attempt_label(row.instance, row.attempt), row.attempt)
    if place is not None:
        return LogPlace(place.log, f"{label}, taken from {row.source}")
    if row.build is not None:
        build = journal.build(row.build)
        if build is not None and build.log:
            return LogPlace(project.folder / build.log, f"build of {build.environment}")
    raise UsageError(f"{label} has no log yet: it is {row.state}")


def items_of(row: StageRow, rows: Sequence[StageRow]) -> list[StageRow]:
    """The items of a `for_each` stage as a whole, which has a log an item; none of others."""
    if row.item is not None or row.attempt:
        return []
    return [
        other
        for other in rows
        if other.stage == row.stage and other.path == row.path and other.item is not None
    ]


def _attempts(row: StageRow) -> str:
    if not row.attempt:
        return "it was taken from the cache" if row.state is State.CACHED else f"it is {row.state}"
    return "there was one" if row.attempt == 1 else f"there were {row.attempt}"
