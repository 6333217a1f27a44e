"""Another number of replicas of the selected service."""

from __future__ import annotations

from mltui.actions._serving import choose, is_deployed, why_not_served
from mltui.actions.action import Action
from mltui.actions.context import Context, Question


async def _run(context: Context, argument: str) -> None:
    if not argument:
        now = ", ".join(str(one.replicas) for one in context.selection.deployments)
        text = await context.ask_text(f"How many replicas? Now {now}.", now)
        if text is None:
            return
        argument = text.strip()
    count, _, target = argument.partition(" ")
    deployment = choose(context, target)
    if deployment is None:
        return
    if not count.isdigit():
        context.notice(f"{count!r} is not a number of replicas: write `:scale 3`", bad=True)
        return
    from mltui.serving import client

    project, replicas = context.selection.project, int(count)
    why = await context.send(lambda: client.why_confirm(project, deployment.target))
    if why is None:
        return
    step = f"{deployment.replicas} → {replicas}"
    sentence = f"Scale {deployment.name} {step}? {why[:1].upper()}{why[1:]}".strip()
    if (replicas == 0 or why) and not await context.confirm(Question(f"{sentence}.", yes="Scale")):
        return
    context.expect_served(deployment.service, f"scaling {step}…")

    def ask() -> bool:
        client.scale(project, deployment, replicas)
        return True

    if await context.send(ask) is None:
        context.expect_served(deployment.service, "")


ACTION = Action(
    id="serve.scale",
    title="Scale",
    help="Another number of replicas of the selected service; type it after `scale`.",
    group="Serve",
    run=_run,
    keys=("s",),
    command="scale",
    argument="REPLICAS",
    applies=is_deployed,
    why_not=why_not_served,
    rank=8,
)
