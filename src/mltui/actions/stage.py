"""Go to a stage by its name."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context


async def _run(context: Context, argument: str) -> None:
    name = argument.strip()
    if not name:
        context.begin_command("stage ")
    else:
        context.select_stage(name)


ACTION = Action(
    id="find.stage",
    title="Stage",
    help="Put the cursor on a stage by its name.",
    group="Find",
    run=_run,
    command="stage",
    argument="NAME",
    complete=lambda known: known.stage_names,
)
