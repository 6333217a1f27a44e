"""End the selected service: its replicas go, its versions stay."""

from __future__ import annotations

from mltui.actions._serving import choose, is_deployed, why_not_served
from mltui.actions.action import Action
from mltui.actions.context import Context, Question


async def _run(context: Context, argument: str) -> None:
    from mltui.serving import client

    deployment = choose(context, argument)
    if deployment is None:
        return
    project = context.selection.project
    why = await context.send(lambda: client.why_confirm(project, deployment.target))
    if why is None:
        return
    sentence = (
        f"Stop {deployment.name}? Its {deployment.replicas} replicas end and nothing answers on "
        f"port {deployment.port} any more; its versions stay."
    )
    if why:
        sentence += f" {why[0].upper()}{why[1:]}."
    if not await context.confirm(Question(sentence, yes="Stop")):
        return
    context.expect_served(deployment.service, "stopping…")

    def ask() -> bool:
        client.stop(project, deployment)
        return True

    if await context.send(ask) is None:
        context.expect_served(deployment.service, "")


ACTION = Action(
    id="serve.stop",
    title="Stop",
    help="End the replicas of the selected service; it asks first, and its versions stay.",
    group="Serve",
    run=_run,
    keys=("ctrl+k",),
    applies=is_deployed,
    why_not=why_not_served,
    danger=True,
    rank=18,
)
