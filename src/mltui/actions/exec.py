"""A shell in a container that runs."""

from __future__ import annotations

import os
import shutil

from mltui.actions._docker import no_host
from mltui.actions.action import PAGE, Action, Context, Selection

_SHELL = "command -v bash >/dev/null 2>&1 && exec bash || exec sh"
NO_CLI = "a shell needs the docker command here: it is not on your PATH"
_NO_SHELL = (126, 127)


def _applies(selection: Selection) -> bool:
    return selection.kind == "containers"


def _why_not(selection: Selection) -> str | None:
    missing = no_host(selection)
    if missing is not None:
        return missing
    row = selection.things[0]
    if row.state != "running":
        return f"no shell: container {row.name} does not run"
    return None if shutil.which("docker") else NO_CLI


async def _run(context: Context, argument: str) -> None:
    selection = context.selection
    row = selection.things[0]
    argv = ["docker", "exec", "-it", row.id, "sh", "-c", _SHELL]
    code = await context.outside(argv, cwd=selection.project.root, env=os.environ)
    if code in _NO_SHELL:
        context.notice(f"container {row.name} has no shell, or its shell ended with {code}")


ACTION = Action(
    id="docker.shell",
    title="Shell",
    help="A shell in the container; the screen comes back when it ends.",
    group="Docker",
    run=_run,
    keys=("s",),
    command="shell",
    places=("containers", PAGE),
    applies=_applies,
    why_not=_why_not,
    rank=14,
)
