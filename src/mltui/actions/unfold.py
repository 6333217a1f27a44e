"""Show or hide the items or earlier rounds of a stage."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _why_not(selection: Selection) -> str | None:
    if selection.can_fold:
        return None
    return f"{selection.name or 'this'} has no items and no earlier rounds"


async def _unfold(context: Context, argument: str) -> None:
    context.fold(True)


async def _fold(context: Context, argument: str) -> None:
    context.fold(False)


UNFOLD = Action(
    id="look.unfold",
    title="Unfold",
    help="Show the items or the earlier rounds of this stage.",
    group="Look",
    run=_unfold,
    keys=("right", "space"),
    applies=lambda selection: selection.can_fold,
    why_not=_why_not,
    rank=36,
)
FOLD = Action(
    id="look.fold",
    title="Fold",
    help="Hide them again.",
    group="Look",
    run=_fold,
    keys=("left",),
    applies=lambda selection: selection.can_fold,
    why_not=_why_not,
    on_footer=False,
)
