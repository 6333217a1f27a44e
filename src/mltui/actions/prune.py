"""Remove what nothing uses: a preview first, with what it frees, then exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.listed import DOCKER
from mltui.actions.selection import Selection

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.verbs.prune import Preview

_ALL = "all"
_KINDS = ("containers", "images", "volumes", "networks", "build-cache")


def _why_not(selection: Selection) -> str | None:
    return f"{selection.host} does not answer" if selection.is_stale else None


async def _run(context: Context, argument: str) -> None:
    from mltui.live.verbs import prune

    selection = context.selection
    words = argument.split()
    everything = _ALL in words
    kind = next((word for word in words if word != _ALL), selection.kind).replace("-", " ")
    if kind not in prune.KINDS:
        context.notice(f"prune what? One of {', '.join(_KINDS)}", bad=True)
        return

    async def look(daemon: Daemon) -> Preview:
        return await prune.preview(daemon, kind, everything=everything)

    context.notice(f"looking for {kind} that nothing uses…")
    shown = await context.on_host(look)
    if shown is None:
        return
    if not shown.items:
        more = f"; {shown.note}" if shown.note else ""
        context.notice(f"nothing to prune: every one of the {kind} is used{more}")
        return
    asked = shown.question(selection.host)
    if not await context.confirm(Question(asked.sentence, asked.yes, asked.no, asked.detail)):
        return
    context.mark([item.ref.key for item in shown.items], "removing…")
    found = shown

    async def act(daemon: Daemon) -> str:
        return await prune.prune(daemon, found)

    said = await context.on_host(act)
    context.mark([item.ref.key for item in shown.items], "", soon=said is not None)
    if said is not None:
        context.notice(said)


ACTION = Action(
    id="docker.prune",
    title="Prune",
    help="Remove what nothing uses, after showing what goes and how much that frees; `all` takes "
    "what has a name, too.",
    group="Docker",
    run=_run,
    keys=("X",),
    command="prune",
    argument="KIND all",
    places=DOCKER,
    why_not=_why_not,
    danger=True,
    rank=49,
    complete=lambda known: (*_KINDS, _ALL),
)
