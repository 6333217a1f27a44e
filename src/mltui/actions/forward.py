"""Forward a port of this machine to a pod or service; end one."""

from __future__ import annotations

from mltui.actions._kube import kube_action
from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


async def _forward(context: Context, argument: str) -> None:
    from mltui.live.kube.describe import ports_of

    ref = context.refs()[0]
    text: str | None = argument
    if not argument:
        ports = await context.on_cluster(ref.context, lambda cluster: ports_of(cluster, ref))
        if ports is None:
            return
        local = ports[0] if ports else 8080
        local = local + 8000 if local < 1024 else local
        text = await context.ask_text(
            f"Which port of this machine should lead to {ref.text} in {ref.context}? LOCAL:REMOTE",
            f"{local}:{ports[0] if ports else 80}",
        )
    if text:
        await context.forward(ref, text)


async def _end(context: Context, argument: str) -> None:
    for ref in context.refs():
        context.end_forward(ref.key)


async def _list(context: Context, argument: str) -> None:
    context.show_list("forwards")


FORWARD = kube_action(
    "port-forward", "Forward", "Lead a port of this machine to it, as long as the screen is open.",
    _forward, keys=("F",), argument="LOCAL:REMOTE", rank=26, changes=False, only_one=True,
)  # fmt: skip
END = kube_action(
    "end-forward", "End", "Close the port.", _end, keys=("ctrl+d",), rank=16, changes=False,
)  # fmt: skip
LIST = Action(
    id="list.forwards",
    title="Port-forwards",
    help="Ports of this machine that lead into clusters.",
    group="Kubernetes",
    run=_list,
    command="forwards",
    places=EVERYWHERE,
    rank=60,
)
