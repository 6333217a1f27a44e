"""One step back."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE, Selection


def _back_from_old(selection: Selection) -> bool:
    return selection.place != "pipeline" or selection.is_old


async def _run(context: Context, argument: str) -> None:
    context.back()


ACTION = Action(
    id="look.back",
    title="Back",
    help="One step back: end a filter, leave a page, a pane or a list, return to the newest run.",
    group="Look",
    run=_run,
    keys=("escape",),
    places=EVERYWHERE,
    applies=_back_from_old,
    rank=70,
)
