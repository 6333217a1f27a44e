"""Compare runs side by side: the marked ones, or the selected one with the run before it."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection
from mltui.errors import UsageError


def _numbers(selection: Selection, argument: str = "") -> list[int]:
    """Which runs are meant, oldest first. UsageError when that is not two or more."""
    words = argument.split()
    if words:
        if not all(word.isdigit() for word in words):
            raise UsageError(f"`:diff {argument}`: write numbers of runs, `:diff 12 14`")
        found = [int(word) for word in words]
        if len(found) == 1 and selection.run is not None:
            found.append(selection.run.number)
    elif len(selection.marked_runs) > 1:
        return list(selection.marked_runs)
    elif selection.listed is not None:
        found = [selection.listed.number - 1, selection.listed.number]
        if selection.marked_runs and selection.marked_runs[0] != selection.listed.number:
            found = [selection.marked_runs[0], selection.listed.number]
    elif selection.run is not None:
        found = [selection.run.number - 1, selection.run.number]
    else:
        found = []
    if len(found) < 2 or found[0] < 1:
        raise UsageError("mark two runs with Space, then compare them")
    return found


def _why_not(selection: Selection) -> str | None:
    return None if selection.newest is not None else "there are no runs to compare"


async def _run(context: Context, argument: str) -> None:
    try:
        numbers = _numbers(context.selection, argument)
    except UsageError as error:
        context.notice(str(error), bad=True)
        return
    context.show_comparison(numbers)


ACTION = Action(
    id="run.compare",
    title="Compare",
    help="The marked runs side by side (Space marks), else the selected one with the one before.",
    group="Look",
    run=_run,
    keys=("c",),
    command="diff",
    argument="RUN RUN",
    places=("runs", "pipeline"),
    applies=lambda selection: selection.place == "runs",
    why_not=_why_not,
    rank=15,
)
