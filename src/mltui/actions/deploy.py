"""Serve what the newest run accepted, after showing what would change."""

from __future__ import annotations

from mltui.actions._serving import confirm_change, on_service
from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _why_not(selection: Selection) -> str | None:
    return None if selection.service else "select a service first"


async def _run(context: Context, argument: str) -> None:
    await deploy(context, context.selection.service, argument)


async def deploy(context: Context, name: str, argument: str) -> None:
    """Deploy a service; `argument` may name a run, a target or both."""
    from mltui.serving import client

    selection = context.selection
    project = selection.project
    words = argument.split()
    numbers = [int(word) for word in words if word.isdigit()]
    targets = [word for word in words if not word.isdigit()]
    of_it = selection.deployments if name == selection.service else ()
    served = [one.target for one in of_it if one.is_wanted]
    target = targets[0] if targets else served[0] if len(served) == 1 else None
    run = numbers[0] if numbers else None
    change = await confirm_change(
        context,
        lambda: client.preview_deploy(project, name, target=target, run=run),
        "Deploy",
        f"Deploy {name}? Replicas are replaced one after the other, no request fails.",
    )
    if change is None:
        return
    context.expect_served(name, "deploying…")
    number = await context.send(lambda: client.apply(project, change))
    if number is None:
        context.expect_served(name, "")


ACTION = Action(
    id="serve.deploy",
    title="Deploy",
    help="Serve what the newest run accepted, or run N; it shows what would change first.",
    group="Serve",
    run=_run,
    keys=("D",),
    command="serve",
    argument="RUN",
    applies=on_service,
    why_not=_why_not,
    rank=9,
)
