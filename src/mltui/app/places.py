"""Where the files of a row are: its log, its metrics, a build's log.

One place knows, so that panes and the session agree. Nothing here reads a file.
"""

from __future__ import annotations

from pathlib import Path

from mltui.pipeline.model import StageRow, State, attempt_slug
from mltui.runs.project import Project


def attempt_folder(project: Project, row: StageRow) -> Path | None:
    """The folder of the row's newest attempt; None before the first."""
    if row.run <= 0 or row.attempt <= 0:
        return None
    return project.run_folder(row.run) / attempt_slug(row.instance, row.attempt)


def log_file(project: Project, row: StageRow) -> tuple[Path | None, str]:
    """The log to show of a row, and what to call it; no name: the attempt's own."""
    if row.state is State.BUILDING and row.build:
        return project.folder / "builds" / row.build / "log", "build of its environment"
    folder = attempt_folder(project, row)
    return (folder / "log" if folder is not None else None), ""
