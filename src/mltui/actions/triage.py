"""The list of what is wrong, in place of the pipeline."""

from __future__ import annotations

from mltui.actions.action import EVERYWHERE, TRIAGE, Action, Context, Selection


async def _run(context: Context, argument: str) -> None:
    context.show_triage()


ACTION = Action(
    id="look.triage",
    title="Triage",
    help="What is wrong in the project and on the Docker host, why, and the key that fixes it.",
    group="Look",
    run=_run,
    keys=("t",),
    command="triage",
    places=EVERYWHERE,
    applies=lambda selection: selection.place != "triage",
    rank=75,
)


async def _fix(context: Context, argument: str) -> None:
    context.fix_finding(int(argument) if argument.isdecimal() else 1)


def _why_not(selection: Selection) -> str | None:
    if not selection.finding:
        return "there is nothing to fix: no finding is under the cursor"
    if not selection.fixes:
        return f"no fix is known for this: {selection.finding}"
    return None


FIX = Action(
    id="triage.fix",
    title="Fix",
    help="The first fix of the finding under the cursor; its digit does any other. The change is "
    "shown before it is made.",
    group="Look",
    run=_fix,
    keys=("f",),
    command="fix",
    argument="N",
    places=(TRIAGE,),
    why_not=_why_not,
    rank=10,
)
