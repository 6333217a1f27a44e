"""Keep a run from `mltui gc`, or no longer."""

from __future__ import annotations

from contextlib import closing

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection
from mltui.runs.rows import RunRow


def _target(selection: Selection) -> RunRow | None:
    return selection.listed


def _why_not(selection: Selection) -> str | None:
    return None if _target(selection) is not None else "there is no run to pin"


async def _run(context: Context, argument: str) -> None:
    selection = context.selection
    run = _target(selection)
    if run is None:
        return

    def pin() -> bool:
        with closing(selection.project.journal(write=True)) as journal:
            journal.pin(run.number, not run.pinned)
        return True

    if await context.send(pin):
        done = "may be removed by `mltui gc` again" if run.pinned else "is kept from `mltui gc`"
        context.notice(f"run {run.number} {done}")


ACTION = Action(
    id="run.pin",
    title="Pin",
    help="Keep this run, its logs and its outputs from `mltui gc`; again to let go.",
    group="Run",
    run=_run,
    keys=("p",),
    command="pin",
    places=("runs",),
    why_not=_why_not,
    rank=60,
)
