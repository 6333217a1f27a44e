"""Open what is under the cursor."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import LISTS, TRIAGE, Selection


def _why_not(selection: Selection) -> str | None:
    under = {
        "pipeline": selection.name or selection.spec_problems,
        "runs": selection.listed,
        TRIAGE: selection.finding,
    }.get(selection.place, selection.things)
    return None if under else "there is nothing under the cursor to open"


async def _run(context: Context, argument: str) -> None:
    context.enter()


ACTION = Action(
    id="look.open",
    title="Open",
    help="Open what is under the cursor: a stage's pane gets the keys, a list of items unfolds, a "
    "run, a build or a container's log is shown, evidence is followed.",
    group="Look",
    run=_run,
    keys=("enter",),
    places=("pipeline", "runs", TRIAGE, *LISTS),
    why_not=_why_not,
    rank=32,
)
