"""A shell where the selected stage stood: its image or environment, inputs, folder, variables."""

from __future__ import annotations

from mltui.actions.action import Action, Context, Selection


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
    return "shell in this image with these inputs" if row.image else "shell with these inputs"


async def _run(context: Context, argument: str) -> None:
    from mltui.runs.shells import close_shell, open_shell

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
    "variables; of a stage that runs in a container, in that container.",
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
