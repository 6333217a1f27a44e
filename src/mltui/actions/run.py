"""Start a run, after saying what would run, why, and for how long."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection
from mltui.runs import client
from mltui.runs.rows import RunRequest


def refuse(selection: Selection) -> str | None:
    """Why no run can be started now."""
    count = selection.spec_problems
    if count:
        what = "a problem" if count == 1 else f"{count} problems"
        return f"mltui.yaml has {what}: mend it first (`e` opens it)"
    return None


async def start(context: Context, request: RunRequest) -> None:
    """Show what `request` means, and start it if the person says so."""
    project = context.selection.project
    chosen = await context.ask_run(request)
    if chosen is None:
        return
    context.notice("starting a run…")
    submitted = await context.send(lambda: client.submit(project, chosen))
    if submitted is None:
        return
    context.open_run(submitted.run)
    shown = context.selection.run
    if submitted.repeats is not None:
        context.notice(f"nothing has changed since run {submitted.repeats}: same result")
        return
    if shown is not None and shown.number == submitted.run and shown.state.is_final:
        return  # a short one: that it has ended is said already
    text = f"run {submitted.run} is queued"
    if submitted.behind is not None:
        text += f" behind run {submitted.behind}"
    context.notice("; ".join((text, *submitted.notes)))


async def _run(context: Context, argument: str) -> None:
    stages = tuple(argument.split())
    await start(context, RunRequest(stages=stages))


ACTION = Action(
    id="run.start",
    title="Run",
    help="Start a run: first it says what would run, why and for how long. It goes on when you "
    "close this.",
    group="Run",
    run=_run,
    keys=("n", "r"),
    command="run",
    argument="STAGES",
    places=("pipeline", "runs"),
    applies=lambda selection: not (_is_retry(selection) or selection.deployments),
    why_not=refuse,
    rank=19,
    complete=lambda known: known.stage_names,
)


def _is_retry(selection: Selection) -> bool:
    from mltui.actions import retry

    return selection.place == "pipeline" and retry.ACTION.applies(selection)
