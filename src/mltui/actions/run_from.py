"""Start a run in which the selected stage runs even if its result is in the cache."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.run import refuse, start
from mltui.actions.selection import Selection
from mltui.runs.rows import RunRequest


def _why_not(selection: Selection) -> str | None:
    if selection.row is None:
        what = selection.name or "this"
        return f"{what} is not a stage of the pipeline: no run can start from it"
    return refuse(selection)


def _fix(selection: Selection) -> str | None:
    if selection.row is None or selection.spec_problems:
        return None
    return f"run from {selection.row.stage}"


async def _run(context: Context, argument: str) -> None:
    row = context.selection.row
    stages = tuple(argument.split()) or ((row.stage,) if row is not None else ())
    if stages:
        await start(context, RunRequest(start_from=stages))


ACTION = Action(
    id="run.from",
    title="Run from here",
    help="Start a run in which this stage runs even if it is cached; what follows is decided by "
    "its key.",
    group="Run",
    run=_run,
    keys=("f",),
    command="from",
    argument="STAGE",
    applies=lambda selection: selection.row is not None,
    why_not=_why_not,
    fix=_fix,
    rank=34,
    complete=lambda known: known.stage_names,
)
