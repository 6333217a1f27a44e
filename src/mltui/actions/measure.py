"""Run the selected monitor now, whatever its schedule."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _on_monitor(selection: Selection) -> bool:
    return bool(selection.monitor)


def _why_not(selection: Selection) -> str | None:
    return None if selection.monitor else "select a monitor first"


async def _run(context: Context, argument: str) -> None:
    from mltui.serving import watching

    name, project = context.selection.monitor, context.selection.project

    def ask() -> float:
        return watching.measure_now(project, watching.find_monitor(project, argument or name))

    context.expect_served(name, "measuring…")
    if await context.send(ask) is None:
        context.expect_served(name, "")


ACTION = Action(
    id="serve.measure",
    title="Measure",
    help="Run the selected monitor now, whatever its schedule.",
    group="Serve",
    run=_run,
    keys=("m",),
    command="measure",
    argument="MONITOR",
    applies=_on_monitor,
    why_not=_why_not,
    rank=8,
)
