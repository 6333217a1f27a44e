"""Show what is wrong with mltui.yaml."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _why_not(selection: Selection) -> str | None:
    if not selection.spec_problems:
        return "mltui.yaml is right"
    return None if selection.run is not None else "what is wrong is what is shown"


async def _run(context: Context, argument: str) -> None:
    context.show_problems()


ACTION = Action(
    id="look.problems",
    title="Problems",
    help="What is wrong with mltui.yaml, each with its line; the runs that were stay to be seen.",
    group="Look",
    run=_run,
    keys=("P",),
    command="problems",
    applies=lambda selection: selection.spec_problems > 0 and selection.run is not None,
    why_not=_why_not,
    rank=3,
)
