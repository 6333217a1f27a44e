"""The list of what is wrong, in place of the pipeline."""

from __future__ import annotations

from mltui.actions.action import EVERYWHERE, Action, Context


async def _run(context: Context, argument: str) -> None:
    context.show_triage()


ACTION = Action(
    id="look.triage",
    title="Triage",
    help="What is wrong in the project and on the Docker host, why, and the key that fixes it.",
    group="Look",
    run=_run,
    keys=("t",),
    command="triage",
    places=EVERYWHERE,
    applies=lambda selection: selection.place != "triage",
    rank=75,
)
