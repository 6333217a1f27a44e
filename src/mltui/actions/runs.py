"""The list of runs."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _why_not(selection: Selection) -> str | None:
    if not selection.has_project:
        return "there are no runs: there is no mltui.yaml here, `mltui init` writes one"
    return None if selection.newest is not None else "there are no runs yet: `n` starts one"


async def _run(context: Context, argument: str) -> None:
    if argument.strip().isdigit():
        context.open_run(int(argument))
        return
    context.show_runs()


ACTION = Action(
    id="look.runs",
    title="Runs",
    help="Every run with its commit, metrics and params; Enter opens one.",
    group="Look",
    run=_run,
    keys=("R",),
    command="runs",
    argument="NUMBER",
    why_not=_why_not,
    rank=44,
    complete=lambda known: tuple(map(str, known.run_numbers)),
)
