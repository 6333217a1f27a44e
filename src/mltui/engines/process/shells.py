"""Shells in the place of a stage that ran as a process: its virtual environment and variables.

Called by the process engine. The working folder is whatever the attempt says; `runs.shells` makes
it a copy, so that nothing a person does there reaches what is kept.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping

from mltui.engines.process.procs import MARK
from mltui.engines.protocol import Attempt, Built
from mltui.engines.shells import AGAIN, Shell, Wanted, again_script


class Shells:
    """Shells of one engine. `environ`: the variables an attempt sees; `built`: an environment."""

    def __init__(
        self,
        environ: Callable[[Attempt], Mapping[str, str]],
        built: Callable[[str], Built | None],
    ) -> None:
        self._environ = environ
        self._built = built

    async def shell(self, attempt: Attempt, wanted: Wanted) -> Shell:
        """See `ShellEngine`."""
        env = {name: text for name, text in self._environ(attempt).items() if name != MARK}
        bash = shutil.which("bash", path=env.get("PATH"))
        label = "".join(char for char in wanted.label if char.isprintable() and char not in "\\$`")
        env["PS1"] = f"({label}) \\W \\$ " if bash else f"({label}) $ "
        env["PATH"] = f"{env.get('PATH', os.defpath)}{os.pathsep}{attempt.folder}"
        await asyncio.to_thread(_write, attempt)
        # Without the person's startup files: they may put another Python first.
        argv = [bash, "--noprofile", "--norc"] if bash else ["/bin/sh"]
        if wanted.command:
            argv += ["-c", wanted.command]
        return Shell(tuple(argv), env, attempt.work, again=AGAIN)

    async def shell_inside(self, obj: str, wanted: Wanted) -> Shell | None:
        """See `ShellEngine`: a process is not a place, so there is none."""
        return None

    def built_as(self, key: str) -> Built | None:
        """See `ShellEngine`."""
        return self._built(key)

    async def end_shell(self, shell: Shell) -> None:
        """See `ShellEngine`: the attempt's folders are not the engine's."""


def _write(attempt: Attempt) -> None:
    path = attempt.folder / AGAIN
    path.write_text(again_script(attempt.argv, "/bin/sh", str(attempt.work)), encoding="utf-8")
    path.chmod(0o755)
