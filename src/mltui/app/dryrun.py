"""What would run, for the dialog that asks before a run starts. Called in a thread."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.app.present.dryrun import dry_run_lines
from mltui.app.present.line import Line, wrapped
from mltui.errors import MltuiError, SpecError
from mltui.runs import client
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest


def preview(project: Project, request: RunRequest, width: int) -> tuple[Sequence[Line], bool]:
    """Lines about what would run, and whether it can."""
    from mltui.runs.dryrun import dry_run

    try:
        notes = client.check(project, request)
        found = dry_run(project, request)
    except SpecError as error:
        problems = error.problems
        return [one for p in problems for one in wrapped(str(p), width, "state-failed")], False
    except MltuiError as error:
        return wrapped(str(error), width, "state-failed"), False
    lines = dry_run_lines(found, width)
    lines += [one for note in notes for one in wrapped(note, width, "state-warning")]
    return lines, True
