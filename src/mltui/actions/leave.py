"""Close the app; runs go on."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


async def _run(context: Context, argument: str) -> None:
    context.leave()


ACTION = Action(
    id="mltui.quit",
    title="Quit",
    help="Close the screen. Whatever runs goes on without it.",
    group="mltui",
    run=_run,
    keys=("q", "ctrl+c"),
    command="q",
    places=EVERYWHERE,
    rank=90,
)
