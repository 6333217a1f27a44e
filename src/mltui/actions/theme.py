"""Use another theme."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


async def _run(context: Context, argument: str) -> None:
    name = argument.strip()
    if name:
        context.set_theme(name)
    else:
        await context.choose_theme()


ACTION = Action(
    id="mltui.theme",
    title="Theme",
    help="Use another theme, now and from now on; without a name each is shown while you choose.",
    group="mltui",
    run=_run,
    command="theme",
    argument="NAME",
    places=EVERYWHERE,
    complete=lambda known: known.theme_names,
)
