"""Scale what keeps pods running."""

from __future__ import annotations

from mltui.actions._kube import do, kube_action
from mltui.actions.context import Context
from mltui.errors import UsageError


async def _run(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs._objects import whom
    from mltui.live.kube.verbs.scale import read_count, scale

    rows, refs = context.selection.things, context.refs()
    now = rows[0].wanted
    text = argument or await context.ask_text(
        f"How many pods for {whom(refs)}? Now {now}; +1 and -1 count too.",
        str(now),
    )
    if text is None:
        return
    try:
        count = read_count(text, now)
    except UsageError as error:
        context.notice(str(error), bad=True)
        return
    await do(
        context, refs, f"scaling {now} → {count}…",
        lambda cluster, ref: scale(cluster, ref, count),
    )  # fmt: skip


ACTION = kube_action(
    "scale", "Scale", "Say how many pods there should be.", _run, keys=("s",), argument="COUNT",
    rank=16,
)  # fmt: skip
