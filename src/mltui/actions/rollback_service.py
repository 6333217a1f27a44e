"""Serve an earlier version of the selected service again."""

from __future__ import annotations

from mltui.actions._serving import choose, confirm_change, is_deployed, why_not_served
from mltui.actions.action import Action
from mltui.actions.context import Context


async def _run(context: Context, argument: str) -> None:
    from mltui.serving import client

    words = argument.split()
    numbers = [int(word) for word in words if word.isdigit()]
    deployment = choose(context, next((word for word in words if not word.isdigit()), ""))
    if deployment is None:
        return
    project = context.selection.project
    number = numbers[0] if numbers else None
    change = await confirm_change(
        context,
        lambda: client.preview_rollback(project, deployment, number),
        "Roll back",
        f"Roll {deployment.name} back? The same artifacts and environment serve again.",
    )
    if change is None:
        return
    context.expect_served(deployment.service, "rolling back…")
    if await context.send(lambda: client.apply(project, change)) is None:
        context.expect_served(deployment.service, "")


ACTION = Action(
    id="serve.rollback",
    title="Roll back",
    help="Serve the version before again, or version N; it shows what would change first.",
    group="Serve",
    run=_run,
    keys=("B",),
    command="rollback",
    argument="VERSION",
    applies=is_deployed,
    why_not=why_not_served,
    rank=16,
)
