"""Retry a stage: a new attempt in the same run, what came before it is kept."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.selection import Selection
from mltui.pipeline.rows import StageRow, State, Verdict
from mltui.runs import client

_RETRYABLE = (State.FAILED, State.CANCELLED, State.SKIPPED)


def is_failed_gate(row: StageRow) -> bool:
    """Whether it is a gate that was not passed: then a retry is a decision."""
    return row.state is State.PAUSED or (
        row.gate in (Verdict.NOT_PASSED, Verdict.UNMEASURED) and row.state is State.FAILED
    )


def _applies(selection: Selection) -> bool:
    row = selection.row
    return row is not None and row.run > 0 and row.state in _RETRYABLE and not is_failed_gate(row)


def _why_not(selection: Selection) -> str | None:
    row = selection.row
    if selection.name is not None and row is None:
        return f"{selection.name} is not part of a run: nothing to retry"
    if row is None or row.run == 0:
        return "nothing has run yet: `n` starts a run"
    label = row.instance.label
    if selection.pending:
        return f"a retry of {label} is already asked for"
    if row.state is State.PAUSED:
        return f"the gate of {row.stage} waits for a decision: `d` decides"
    if row.state in (State.PENDING, State.READY):
        return f"{label} has not run yet: it starts when what it needs is there"
    if row.state in (State.RUNNING, State.BUILDING):
        return f"{label} is {row.state.value}: cancel it first (`^k`)"
    if row.state is State.UNKNOWN:
        return f"{label} may still run: its engine does not answer"
    return None


def _fix(selection: Selection) -> str | None:
    return "retry as it is" if _applies(selection) and not selection.pending else None


async def _run(context: Context, argument: str) -> None:
    selection = context.selection
    row = selection.row
    if row is None:
        return
    label, run = row.instance.label, row.run
    if row.state.is_done:
        question = Question(
            f"Run {label} of run {run} again? It has {row.state.value} already; stages after it "
            "run again only if its outputs change.",
            yes="Run it again",
        )
        if not await context.confirm(question):
            return
    context.expect((row.instance,), "retrying…")
    request = await context.send(lambda: client.retry(selection.project, run, (row.instance,)))
    if request is None:
        context.expect((row.instance,), "")
    elif await context.answered(request):
        context.notice(f"retrying {label}: everything before it is kept")


ACTION = Action(
    id="stage.retry",
    title="Retry",
    help="A new attempt at this stage in the same run; what it needs is kept, what follows it is "
    "decided by its key.",
    group="Stage",
    run=_run,
    keys=("r",),
    command="retry",
    applies=_applies,
    why_not=_why_not,
    fix=_fix,
    rank=10,
)
