"""Decide a gate that was not passed: accept a round, more rounds, or fail."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.retry import is_failed_gate
from mltui.actions.selection import Selection
from mltui.runs import client


def _applies(selection: Selection) -> bool:
    return selection.undecided is not None or (
        selection.row is not None and is_failed_gate(selection.row)
    )


def _why_not(selection: Selection) -> str | None:
    if _applies(selection):
        return None
    if selection.run is None:
        return "nothing has run yet: there is no gate to decide"
    return f"no gate of run {selection.run.number} waits for a decision"


def _fix(selection: Selection) -> str | None:
    return "decide the gate" if _applies(selection) else None


async def _run(context: Context, argument: str) -> None:
    selection = context.selection
    row = selection.row
    gate = row if row is not None and is_failed_gate(row) else selection.undecided
    if gate is None:
        return
    decision = await context.ask_decision(gate)
    if decision is None:
        return
    context.expect((gate.instance,), "deciding…")
    request = await context.send(
        lambda: client.decide(
            selection.project,
            gate.run,
            gate.instance,
            decision.choice,
            round=decision.round,
            more=decision.more,
        )
    )
    if request is None:
        context.expect((gate.instance,), "")
    elif await context.answered(request):
        done = {
            "accept": f"round {decision.round} of {gate.stage} is accepted",
            "again": f"{gate.stage} gets {decision.more} more "
            + ("round" if decision.more == 1 else "rounds"),
            "fail": f"{gate.stage} has failed by your decision",
        }
        context.notice(done[decision.choice])


ACTION = Action(
    id="gate.decide",
    title="Decide",
    help="A gate that was not passed: accept one of its rounds, allow more rounds, or let it fail.",
    group="Stage",
    run=_run,
    keys=("d",),
    command="decide",
    applies=_applies,
    why_not=_why_not,
    fix=_fix,
    rank=5,
)
