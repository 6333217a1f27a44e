"""The whole key map."""

from __future__ import annotations

from mltui.actions.action import Action, Context


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
    places=("pipeline", "runs"),
    rank=84,
)
