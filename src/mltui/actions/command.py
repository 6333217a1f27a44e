"""Type a command."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


async def _run(context: Context, argument: str) -> None:
    context.begin_command()


ACTION = Action(
    id="find.command",
    title="Command",
    help="Type a command by its name; Tab completes, the arrow keys recall earlier ones.",
    group="Find",
    run=_run,
    keys=("colon",),
    places=EVERYWHERE,
    types=True,
    rank=82,
)
