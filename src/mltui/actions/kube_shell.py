"""A shell in a container of a pod."""

from __future__ import annotations

import os
import sys

from mltui.actions._kube import kube_action
from mltui.actions.context import Context

_NO_SHELL = (126, 127)


async def _run(context: Context, argument: str) -> None:
    row = context.selection.things[0]
    if not row.is_running:
        context.notice(f"no shell: pod {row.name} is {row.status}", bad=True)
        return
    names = row.containers
    container = argument or (names[0] if names else "")
    if not argument and len(names) > 1:
        index = await context.choose(f"A shell in which container of {row.name}?", names)
        if index is None:
            return
        container = names[index]
    argv = [
        sys.executable, "-m", "mltui", "exec", f"pod/{row.name}", "--context", row.context,
        "-n", row.namespace, "-c", container,
    ]  # fmt: skip
    code = await context.outside(argv, cwd=context.selection.project.root, env=os.environ)
    if code in _NO_SHELL:
        context.notice(f"container {container} of pod {row.name} has no shell", bad=True)


ACTION = kube_action(
    "shell", "Shell", "A shell in a container; the screen comes back when it ends.", _run,
    keys=("s",), argument="CONTAINER", rank=14, only_one=True, command="exec",
)  # fmt: skip
