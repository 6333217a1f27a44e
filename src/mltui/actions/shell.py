"""A shell where the selected stage stood: its image or environment, inputs, folder, variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection
from mltui.spec.choices import FailureClass

if TYPE_CHECKING:
    from mltui.runs.shells import Opened


def _why_not(selection: Selection) -> str | None:
    row = selection.row
    if selection.name is not None and row is None:
        return f"{selection.name} is not part of a run: there is nothing to stand in"
    if row is None or row.run == 0:
        return "nothing has run yet: `n` starts a run"
    from mltui.runs.standing import why_not

    return why_not(row)


def _fix(selection: Selection) -> str | None:
    row = selection.row
    if row is None or _why_not(selection) is not None:
        return None
    if row.failure is FailureClass.BUILD:
        return "shell before the step that failed"
    return "shell in this image with these inputs" if row.image else "shell with these inputs"


async def _run(context: Context, argument: str) -> None:
    from mltui.runs.shells import open_shell

    if argument and not context.select_stage(argument):
        return
    selection = context.selection
    row = selection.row
    reason = _why_not(selection)
    if row is None or reason is not None:
        context.notice(reason or "nothing is selected", bad=True)
        return
    label = row.instance.label
    context.notice(f"making a shell for {label} ready…")
    opened = await context.send(lambda: open_shell(selection.project, row))
    if opened is None:
        return
    await give_terminal(context, opened, label)


async def give_terminal(context: Context, opened: Opened, label: str) -> None:
    """Let the person into a shell that is ready; what was made for it goes."""
    from mltui.runs.shells import close_shell

    shell = opened.shell
    try:
        code = await context.outside(shell.argv, cwd=shell.cwd, env=shell.env, say=opened.notes)
    finally:
        await context.send(lambda: close_shell(opened))
    context.notice(f"the shell of {label} ended" + (f" with {code}" if code else ""))


ACTION = Action(
    id="stage.shell",
    title="Shell",
    help="A shell in the stage's very image or environment, with a copy of its inputs, code and "
    "variables; of a stage that runs in a container, in that one; where its environment could "
    "not be built, in the state before the step that failed.",
    group="Stage",
    run=_run,
    keys=("S",),
    command="shell",
    argument="STAGE",
    applies=lambda selection: selection.row is not None and selection.row.run > 0,
    why_not=_why_not,
    fix=_fix,
    rank=17,
    complete=lambda known: known.stage_names,
)
