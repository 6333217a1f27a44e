"""Set the image of a container."""

from __future__ import annotations

from mltui.actions._kube import do, kube_action
from mltui.actions.context import Context
from mltui.errors import UsageError


async def _run(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs._objects import whom
    from mltui.live.kube.verbs.image import read_image, set_image

    row, refs = context.selection.things[0], context.refs()
    name, image = row.images[0] if row.images else ("", "")
    text = argument or await context.ask_text(
        f"Which image for {whom(refs)}? CONTAINER=IMAGE",
        f"{name}={image}",
    )
    if text is None:
        return
    try:
        container, chosen = read_image(text, row.images)
    except UsageError as error:
        context.notice(str(error), bad=True)
        return
    if dict(row.images)[container] == chosen:
        context.notice(f"{refs[0].text} uses {chosen} for {container} already")
        return
    await do(
        context, refs, "updating…",
        lambda cluster, ref: set_image(cluster, ref, container, chosen),
    )  # fmt: skip


ACTION = kube_action(
    "set-image", "Set image", "Use another image for one of its containers.", _run, keys=("i",),
    argument="CONTAINER=IMAGE", rank=20, only_one=True,
)  # fmt: skip
