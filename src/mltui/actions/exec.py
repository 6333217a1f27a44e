"""A shell in a container that runs, also in one that has none, and beside one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mltui.actions._docker import no_host
from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.selection import PAGE, Selection

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.verbs import Ref
    from mltui.live.verbs.shell import Entered

NO_CLI = "a shell needs the docker command here: it is not on your PATH"


def _applies(selection: Selection) -> bool:
    return selection.kind == "containers"


def _why_not(selection: Selection) -> str | None:
    missing = no_host(selection)
    if missing is not None:
        return missing
    if not _applies(selection):
        return "a shell is for containers: `:containers` lists them"
    row = selection.things[0]
    if row.state != "running":
        return f"no shell: container {row.name} does not run"
    return None if shutil.which("docker") else NO_CLI


async def _run(context: Context, argument: str) -> None:
    from mltui.live.verbs import shell

    ref = context.refs()[0]
    asked: list[Entered | None] = []

    async def look(daemon: Daemon) -> bool:
        asked.append(await shell.enter(daemon, ref))
        return True

    if not await context.on_host(look):
        return
    entered = asked[0]
    if entered is None:
        question = Question(
            f"Container {ref.name} has no shell. Put one in?",
            "Put one in",
            detail=(
                "a static busybox in /mltui-tools, taken out when you leave",
                "`:debug` opens a container beside it instead",
            ),
        )
        if not await context.confirm(question):
            return
        entered = await context.on_host(lambda daemon: shell.enter_with_tools(daemon, ref))
    await _give(context, ref, entered)


async def _debug(context: Context, argument: str) -> None:
    from mltui.live.verbs import shell

    ref = context.refs()[0]
    context.notice(f"making a container beside {ref.name}…")
    await _give(context, ref, await context.on_host(lambda d: shell.enter_beside(d, ref)))


async def _give(context: Context, ref: Ref, entered: Entered | None) -> None:
    """Give it the terminal; what was made for it goes."""
    from mltui.live.verbs import shell

    if entered is None:
        return
    found = entered
    program = found.shell
    try:
        code = await context.outside(
            program.argv, cwd=program.cwd, env=program.env, say=program.notes
        )
    finally:
        await context.on_host(lambda daemon: shell.leave(daemon, found))
    context.notice(f"the shell of {ref.name} ended" + (f" with {code}" if code else ""))


ACTION = Action(
    id="docker.shell",
    title="Shell",
    help="A shell in the container, also in one that has none: then a static busybox is put in, "
    "and taken out when it ends.",
    group="Docker",
    run=_run,
    keys=("s",),
    command="shell",
    places=("containers", PAGE),
    applies=_applies,
    why_not=_why_not,
    rank=14,
)
DEBUG = Action(
    id="docker.debug",
    title="Debug",
    help="A container beside the container: its processes, network and volumes, with a busybox.",
    group="Docker",
    run=_debug,
    keys=("D",),
    command="debug",
    places=("containers", PAGE),
    applies=_applies,
    why_not=_why_not,
    rank=48,
)
