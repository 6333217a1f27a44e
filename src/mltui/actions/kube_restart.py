"""Restart what keeps pods running; it asks first."""

from __future__ import annotations

from mltui.actions._kube import confirmed, do, kube_action
from mltui.actions.context import Context


async def _run(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.restart import question, restart

    refs = context.refs()
    if await confirmed(context, question(refs)):
        await do(context, refs, "restarting…", restart)


ACTION = kube_action(
    "restart", "Restart", "Replace its pods by new ones, one after the other; it asks first.", _run,
    keys=("r",), rank=18, danger=True,
)  # fmt: skip
