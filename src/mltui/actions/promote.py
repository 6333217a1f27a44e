"""Serve on another target exactly what the selected service serves on this one."""

from __future__ import annotations

from mltui.actions._serving import choose, confirm_change, is_deployed, why_not_served
from mltui.actions.action import Action
from mltui.actions.context import Context


async def _run(context: Context, argument: str) -> None:
    if not argument:
        text = await context.ask_text("Promote to which target?", "")
        if not text:
            return
        argument = text.strip()
    from mltui.serving import client

    words = argument.split()
    deployment = choose(context, words[1] if len(words) > 1 else "")
    if deployment is None:
        return
    project, target = context.selection.project, words[0]
    change = await confirm_change(
        context,
        lambda: client.preview_promote(project, deployment, target),
        "Promote",
        f"Promote {deployment.name} to {target}? The same artifacts move, nothing is rebuilt.",
    )
    if change is None:
        return
    context.expect_served(deployment.service, f"promoting to {target}…")
    if await context.send(lambda: client.apply(project, change)) is None:
        context.expect_served(deployment.service, "")


ACTION = Action(
    id="serve.promote",
    title="Promote",
    help="Serve on another target what is served here: the same artifacts, nothing rebuilt.",
    group="Serve",
    run=_run,
    keys=("o",),
    command="promote",
    argument="TARGET",
    applies=is_deployed,
    why_not=why_not_served,
    rank=17,
)
