"""Delete Kubernetes objects; it asks first. Kill a pod: the same without time to end."""

from __future__ import annotations

from mltui.actions._kube import confirmed, do, kube_action
from mltui.actions.context import Context


async def _delete(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.delete import delete, question

    refs = context.refs()
    if await confirmed(context, question(refs)):
        await do(context, refs, "deleting…", delete)


async def _kill(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.delete import delete, question

    refs = context.refs()
    if await confirmed(context, question(refs, now=True)):
        await do(context, refs, "killing…", lambda cluster, ref: delete(cluster, ref, now=True))


DELETE = kube_action(
    "delete", "Delete", "Delete an object and what it owns; it asks first.", _delete,
    keys=("ctrl+d",), rank=40, danger=True,
)  # fmt: skip
KILL = kube_action(
    "kill", "Kill", "End a pod at once, without time to clean up; it asks first.", _kill,
    keys=("ctrl+k",), rank=42, danger=True,
)  # fmt: skip
