"""The whole key map."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


async def _run(context: Context, argument: str) -> None:
    context.show_help()


ACTION = Action(
    id="mltui.help",
    title="Help",
    help="Every key and command; type to search.",
    group="mltui",
    run=_run,
    keys=("question_mark", "f1"),
    command="help",
    places=EVERYWHERE,
    rank=84,
)
