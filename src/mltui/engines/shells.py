"""The seam for shells: what an engine that can open one in a stage's place offers.

Called by `runs.shells`, for a person who wants to stand where a stage stood: the same image or
virtual environment, its inputs, its variables. An engine without these methods has no shells.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from mltui.engines.protocol import Attempt, Built

AGAIN = "again"
"""A program beside the working folder that does what the stage does."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shell is wanted."""

    label: str
    """For its prompt: `train~3.2`."""
    command: str = ""
    """Do this and leave; empty: a shell for a person, or what standard input says."""
    is_terminal: bool = True
    """It gets a terminal."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that is ready to be given the terminal: a program of this machine."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    object: str = ""
    """What the engine removes afterwards."""
    again: str = ""
    """What to type in it to do what the stage does."""
    notes: tuple[str, ...] = field(default=())
    """What the person should know of it, a sentence each."""


@runtime_checkable
class ShellEngine(Protocol):
    """An engine that can open a shell in a stage's place."""

    async def shell(self, attempt: Attempt, wanted: Wanted) -> Shell:
        """Make it ready; `attempt` is filled as for a start. StartFailed, Unreachable."""
        ...

    async def shell_inside(self, obj: str, wanted: Wanted) -> Shell | None:
        """A shell beside the command of an attempt that runs; None: this engine can't."""
        ...

    def built_as(self, key: str) -> Built | None:
        """An environment by its build's key, whatever its files say by now; None: not kept so."""
        ...

    async def end_shell(self, shell: Shell) -> None:
        """Remove what was made for it; harmless when it is gone."""
        ...


def again_script(argv: Sequence[str], shebang: str, folder: str) -> str:
    """A script that does what the stage does, in its working folder."""
    words = shlex.join(argv)
    return f"#!{shebang}\ncd {shlex.quote(os.fspath(folder))} && exec {words}\n"
