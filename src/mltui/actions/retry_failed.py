"""Retry everything that failed in the run on screen."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.retry import is_failed_gate
from mltui.actions.selection import Selection
from mltui.runs import client


def _applies(selection: Selection) -> bool:
    return len(selection.failed) > 1


def _why_not(selection: Selection) -> str | None:
    if selection.run is None:
        return "nothing has run yet: `n` starts a run"
    if not selection.failed:
        return f"nothing failed in run {selection.run.number}"
    if all(is_failed_gate(row) for row in selection.failed):
        return "only gates were not passed: `d` decides each of them"
    return None


def _fix(selection: Selection) -> str | None:
    count = len(selection.failed)
    return f"retry all {count} that failed" if count > 1 else None


async def _run(context: Context, argument: str) -> None:
    selection = context.selection
    if selection.run is None:
        return
    instances = tuple(row.instance for row in selection.failed if not is_failed_gate(row))
    number = selection.run.number
    context.expect(instances, "retrying…")
    request = await context.send(lambda: client.retry(selection.project, number, None))
    if request is None:
        context.expect(instances, "")
    elif await context.answered(request):
        names = ", ".join(instance.label for instance in instances[:3])
        more = f" and {len(instances) - 3} more" if len(instances) > 3 else ""
        context.notice(f"retrying {names}{more}")


ACTION = Action(
    id="run.retry_failed",
    title="Retry all failed",
    help="A new attempt at every stage and item of this run that failed; what succeeded is kept.",
    group="Run",
    run=_run,
    keys=("a",),
    command="retry-failed",
    applies=_applies,
    why_not=_why_not,
    fix=_fix,
    rank=12,
)
