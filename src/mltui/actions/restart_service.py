"""New replicas of the same version, one after the other; a stopped service is started."""

from __future__ import annotations

from mltui.actions._serving import choose, is_deployed, why_not_deployed
from mltui.actions.action import Action
from mltui.actions.context import Context, Question


async def _run(context: Context, argument: str) -> None:
    from mltui.serving import client

    deployment = choose(context, argument)
    if deployment is None:
        return
    project = context.selection.project
    if deployment.is_wanted:
        sentence = (
            f"Restart {deployment.name}? Its {deployment.replicas} replicas are replaced one after "
            "the other, no request fails."
        )
        if not await context.confirm(Question(sentence, yes="Restart")):
            return
    context.expect_served(
        deployment.service, "restarting…" if deployment.is_wanted else "starting…"
    )

    def ask() -> bool:
        (client.restart if deployment.is_wanted else client.start)(project, deployment)
        return True

    if await context.send(ask) is None:
        context.expect_served(deployment.service, "")


ACTION = Action(
    id="serve.restart",
    title="Restart",
    help="Replace the replicas of the selected service one after the other; start a stopped one.",
    group="Serve",
    run=_run,
    keys=("r",),
    applies=is_deployed,
    why_not=why_not_deployed,
    rank=12,
)
