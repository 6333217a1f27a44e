"""The log of an earlier attempt at the selected stage."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import PAGE, Selection


def _why_not(selection: Selection) -> str | None:
    row = selection.row
    if row is None or row.attempt == 0:
        return f"{selection.name or 'nothing'} has no attempts"
    return None if row.attempt > 1 else f"{row.instance.label} had one attempt only"


async def _run(context: Context, argument: str) -> None:
    context.previous_attempt()


ACTION = Action(
    id="look.previous",
    title="Previous",
    help="The log of the attempt before; after the first, the newest again.",
    group="Look",
    run=_run,
    keys=("p",),
    command="previous",
    applies=lambda selection: selection.row is not None and selection.row.attempt > 1,
    why_not=_why_not,
    rank=15,
)


def _is_pod(selection: Selection) -> bool:
    return selection.kind == "pods"


def _why_no_log(selection: Selection) -> str | None:
    if not selection.things:
        return "there are no pods"
    row = selection.things[0]
    return None if row.restarts else f"pod {row.name} was not restarted: it has one log only"


async def _before(context: Context, argument: str) -> None:
    context.show_thing("previous")


async def _choose(context: Context, argument: str) -> None:
    row = context.selection.things[0]
    names = [*row.containers, *row.init_containers, "*"]
    if argument in names:
        context.show_thing(f"container:{argument}")
        return
    words = [*names[:-1], "all of them, as one by time"]
    index = await context.choose(f"The log of which container of {row.name}?", words)
    if index is not None:
        context.show_thing(f"container:{names[index]}")


def _why_one(selection: Selection) -> str | None:
    if not selection.things:
        return "there are no pods"
    row = selection.things[0]
    count = len(row.containers) + len(row.init_containers)
    return None if count > 1 else f"pod {row.name} has one container only"


CHOOSE = Action(
    id="thing.container",
    title="Container",
    help="The log of another container of the pod, or of all as one.",
    group="Kubernetes",
    run=_choose,
    keys=("c",),
    command="container",
    argument="NAME",
    places=("pods", PAGE),
    applies=lambda selection: _is_pod(selection) and _why_one(selection) is None,
    why_not=_why_one,
    rank=13,
)
CONTAINER = Action(
    id="thing.previous",
    title="Previous",
    help="The log of a pod's container before its last restart.",
    group="Kubernetes",
    run=_before,
    keys=("p",),
    command="previous",
    places=("pods", PAGE),
    applies=_is_pod,
    why_not=_why_no_log,
    rank=11,
)
