"""What is selected, as the actions want to know it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mltui.actions.retry import is_failed_gate
from mltui.actions.selection import TRIAGE, Selection
from mltui.app.present.entries import Entry
from mltui.app.session import Session
from mltui.pipeline.rows import StageRow, State
from mltui.runs.project import SPEC_FILE
from mltui.runs.rows import RunRow

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.serving.rows import Deployment


def selected(bench: Workbench) -> Selection:
    """The selection, wherever the person is: pipeline, runs, what is wrong, a list."""
    session = bench.session
    found = selection_of(
        session,
        bench.stages.entry,
        bench.stages.row,
        listed=bench.runs.cursor_row if session.listing else None,
        marked_runs=bench.runs.marked if session.listing else (),
        in_runs=session.listing,
        fault=bench.detailing.fault_of(bench.stages.row),
    )
    if bench.workbench_app.replay is not None:
        found = replace(found, is_replay=True)
    if bench.triaging.is_open:
        told = bench.triaging.selected
        if told is None:
            return replace(found, place=TRIAGE)
        return replace(
            found,
            place=TRIAGE,
            finding=told.title,
            fixes=len(told.fixes),
            is_quiet=bench.triaging.is_quiet(told),
        )
    return found if bench.listed is None else bench.listed.selection(found)


def selection_of(
    session: Session,
    entry: Entry | None,
    row: StageRow | None,
    *,
    listed: RunRow | None = None,
    marked_runs: tuple[int, ...] = (),
    in_runs: bool = False,
    fault: tuple[str, int] | None = None,
) -> Selection:
    """That of the pipeline, from what the session knows and where the cursor is.

    fault: where the selected stage's failure is written, when that is known better.
    """
    view = session.view
    has_run = view is not None and view.run.number > 0
    undecided: StageRow | None = None
    if view is not None and has_run:
        waiting = [r for r in view.rows.values() if r.state is State.PAUSED]
        chosen = [r for r in waiting if row is not None and r.instance == row.instance]
        undecided = next(iter(chosen or waiting), None)
        if undecided is None and row is not None and is_failed_gate(row):
            undecided = row
    return Selection(
        project=session.project,
        has_project=view is not None or session.has_project,
        place="runs" if in_runs else "pipeline",
        run=view.run if view is not None and has_run else None,
        state=view.state if view is not None else State.PENDING,
        row=row,
        name=_name(entry, row),
        failed=tuple(view.failed()) if view is not None and has_run else (),
        undecided=undecided,
        newest=session.newest,
        listed=listed,
        marked_runs=marked_runs,
        spec_problems=len(session.problems),
        has_runner=session.runner.alive,
        position=_position(session, entry, fault),
        pending=view is not None and row is not None and row.instance in view.pending,
        can_fold=entry is not None and entry.fold is not None,
        service=entry.title if entry is not None and entry.kind == "service" else "",
        monitor=entry.title if entry is not None and entry.kind == "monitor" else "",
        services=tuple(session.spec.services) if session.spec is not None else (),
        deployments=_deployments(session, entry),
    )


def _deployments(session: Session, entry: Entry | None) -> tuple[Deployment, ...]:
    """The selected service's, one a target."""
    serving = session.facts.serving
    if entry is None or entry.kind != "service" or serving is None:
        return ()
    return tuple(view.deployment for view in serving.services.get(entry.title, ()))


def _name(entry: Entry | None, row: StageRow | None) -> str | None:
    if row is not None:
        return row.instance.label
    return entry.title if entry is not None else None


def _position(
    session: Session, entry: Entry | None, fault: tuple[str, int] | None
) -> tuple[str, int] | None:
    """Where the selected thing is written in the file as it is now."""
    if session.problems:
        return SPEC_FILE, max(session.problems[0].line, 1)
    if fault is not None and (session.project.root / fault[0]).is_file():
        return fault
    spec = session.spec
    if spec is None or entry is None or entry.key is None:
        return None
    kind, name = entry.key[0], entry.key[1]
    part = {"service": "services", "monitor": "monitors"}.get(kind, "stages")
    if name not in getattr(spec, part):
        return None
    return SPEC_FILE, spec.mark(part, name).line
