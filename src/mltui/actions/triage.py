"""The list of what is wrong, in place of the pipeline."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE, TRIAGE, Selection


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
    # As k9s has it, `t` starts a CronJob; `:triage` leads here too.
    applies=lambda selection: selection.place != TRIAGE and "trigger" not in selection.verbs,
    why_not=lambda selection: "this is Triage" if selection.place == TRIAGE else None,
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


async def _acknowledge(context: Context, argument: str) -> None:
    selection = context.selection
    if argument or selection.is_quiet:
        await context.acknowledge(argument)
        return
    text = await context.ask_text(
        f"Acknowledge: {selection.finding}\n"
        "A note; it is told again when it changes, or after a time: `2h note`",
        "seen",
    )
    if text is not None:
        await context.acknowledge(text)


ACKNOWLEDGE = Action(
    id="triage.acknowledge",
    title="Acknowledge",
    help="Keep the finding under the cursor quiet until it changes, or for a time (`2h note`), "
    "with a note; on one that is quiet: tell it again.",
    group="Look",
    run=_acknowledge,
    keys=("a",),
    command="ack",
    argument="NOTE",
    places=(TRIAGE,),
    why_not=lambda selection: None if selection.finding else "no finding is under the cursor",
    rank=20,
)
