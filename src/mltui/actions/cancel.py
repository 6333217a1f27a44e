"""Cancel the selected stage if it is at work, otherwise the run."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.selection import Selection
from mltui.pipeline.rows import State
from mltui.runs import client

_AT_WORK = (State.RUNNING, State.BUILDING, State.UNKNOWN)


def _run_goes_on(selection: Selection) -> bool:
    return selection.run is not None and selection.state in (
        State.RUNNING,
        State.PENDING,
        State.UNKNOWN,
    )


def _why_not(selection: Selection) -> str | None:
    run = selection.run
    if run is None:
        return "nothing runs: there is nothing to cancel"
    if not _run_goes_on(selection):
        return f"run {run.number} has ended ({selection.state.value}): there is nothing to cancel"
    return None


async def _run(context: Context, argument: str) -> None:
    selection = context.selection
    run, row = selection.run, selection.row
    if run is None:
        return
    only_stage = row is not None and row.state in _AT_WORK and argument != "run"
    if only_stage and row is not None:
        label = row.instance.label
        question = Question(
            f"Cancel {label} of run {run.number}? Its process is ended and what needs it is "
            "skipped; the rest of the run goes on.",
            yes="Cancel the stage",
        )
    else:
        question = Question(
            f"Cancel run {run.number}? What runs is ended, what succeeded is kept.",
            yes="Cancel the run",
        )
    if not await context.confirm(question):
        return
    if only_stage and row is not None:
        instance = row.instance
        context.expect((instance,), "cancelling…")
        request = await context.send(lambda: client.cancel(selection.project, run.number, instance))
        if request is None:
            context.expect((instance,), "")
    else:
        context.expect_run("cancelling…")
        request = await context.send(lambda: client.cancel(selection.project, run.number))
        if request is None:
            context.expect_run("")
    if request is not None:
        await context.answered(request)


ACTION = Action(
    id="run.cancel",
    title="Cancel",
    help="End the selected stage if it is at work, otherwise the whole run; it asks first.",
    group="Run",
    run=_run,
    keys=("ctrl+k",),
    command="cancel",
    argument="run",
    # On a service the key stops that.
    applies=lambda selection: _run_goes_on(selection) and not selection.deployments,
    why_not=_why_not,
    danger=True,
    rank=17,
    complete=lambda known: ("run",),
)
