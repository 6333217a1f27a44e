"""Open what is under the cursor."""

from __future__ import annotations

from mltui.actions.action import LISTS, TRIAGE, Action, Context


async def _run(context: Context, argument: str) -> None:
    context.enter()


ACTION = Action(
    id="look.open",
    title="Open",
    help="Open what is under the cursor: a stage's pane gets the keys, a list of items unfolds, a "
    "run, a build or a container's log is shown, evidence is followed.",
    group="Look",
    run=_run,
    keys=("enter",),
    places=("pipeline", "runs", TRIAGE, *LISTS),
    rank=32,
)
