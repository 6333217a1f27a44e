"""Filter the list, or search in the log."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


async def _run(context: Context, argument: str) -> None:
    context.begin_filter()


ACTION = Action(
    id="find.filter",
    title="Filter",
    help="Show only stages or runs with this text; in the log, search for it.",
    group="Find",
    run=_run,
    keys=("slash",),
    places=EVERYWHERE,
    types=True,
    rank=80,
)
