"""Give a run whose runner died to a new one, which takes over what still runs."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection
from mltui.pipeline.rows import State
from mltui.runs import client


def _is_left_behind(selection: Selection) -> bool:
    return (
        selection.run is not None
        and not selection.has_runner
        and selection.run.state in (State.RUNNING, State.PENDING)
    )


def _why_not(selection: Selection) -> str | None:
    if _is_left_behind(selection):
        return None
    if selection.has_runner:
        return "a runner is at work: there is nothing to resume"
    return "no run was left behind: there is nothing to resume"


async def _run(context: Context, argument: str) -> None:
    project = context.selection.project
    context.expect_run("resuming…")
    found = await context.send(lambda: client.resume(project))
    if found is None:
        context.expect_run("")
    elif found:
        context.notice(f"a new runner takes over run {', '.join(map(str, found))}")


ACTION = Action(
    id="run.resume",
    title="Resume",
    help="Start a new runner for a run whose runner is gone; it adopts what still runs.",
    group="Run",
    run=_run,
    keys=("u",),
    command="resume",
    applies=_is_left_behind,
    why_not=_why_not,
    fix=lambda selection: None,
    rank=2,
)
