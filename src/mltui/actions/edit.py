"""Open the person's editor where the selected thing is written."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _where(selection: Selection) -> tuple[str, int]:
    return selection.position or ("mltui.yaml", 1)


def _fix(selection: Selection) -> str | None:
    if selection.position is None:
        return None
    file, line = selection.position
    return f"edit {file}:{line}"


async def _run(context: Context, argument: str) -> None:
    file, line = _where(context.selection)
    await context.edit(file, line)


ACTION = Action(
    id="stage.edit",
    title="Edit",
    help="Open `$EDITOR` where the selected stage, or the first problem, is written in mltui.yaml.",
    group="Stage",
    run=_run,
    keys=("e",),
    command="edit",
    fix=_fix,
    rank=31,
)
