"""Shells in containers of a Docker host: in one that has a shell, in one that has none, beside one.

What is given the terminal is the docker program, found by the same host; what was put into a
container is taken out again by `leave`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mltui.errors import MltuiError, StartFailed
from mltui.live.daemon import Daemon, message_of, status_of

if TYPE_CHECKING:
    from mltui.engines.shells import Shell
    from mltui.live.verbs._verb import Ref


@dataclass(frozen=True, slots=True)
class Entered:
    """A shell that waits for the terminal. Give it to `leave` afterwards."""

    shell: Shell
    container: str
    has_tools: bool = False
    """A busybox was put into the container for it."""


async def enter(daemon: Daemon, ref: Ref, *, is_terminal: bool = True) -> Entered | None:
    """A shell of the container's own; None: it has none. StartFailed, Unreachable."""
    from mltui.engines.docker import shell
    from mltui.engines.shells import Wanted

    try:
        command = await shell.command_inside(daemon.client, ref.key, Wanted(ref.name))
    except MltuiError as error:
        raise _refused(daemon, ref, error) from error
    if command is None:
        return None
    found = shell.inside(daemon.client, ref.key, command, shell.home(), is_terminal=is_terminal)
    return Entered(found, ref.key)


async def enter_with_tools(daemon: Daemon, ref: Ref, *, is_terminal: bool = True) -> Entered:
    """A static busybox put into the container; beside it where its files are read-only.

    StartFailed when there is no busybox for it. Unreachable.
    """
    from mltui.engines.docker import shell
    from mltui.errors import Conflict

    try:
        command = await shell.put_tools(daemon.client, ref.key)
    except Conflict:
        entered = await enter_beside(daemon, ref, is_terminal=is_terminal)
        notes = ("its file system is read-only, so this is a container beside it",)
        return replace(entered, shell=replace(entered.shell, notes=notes + entered.shell.notes))
    except MltuiError as error:
        raise _refused(daemon, ref, error) from error
    found = shell.inside(daemon.client, ref.key, command, shell.home(), is_terminal=is_terminal)
    return Entered(found, ref.key, has_tools=True)


async def enter_beside(daemon: Daemon, ref: Ref, *, is_terminal: bool = True) -> Entered:
    """A debug container with its processes, its network and its volumes. StartFailed."""
    from mltui.engines.docker import shell

    try:
        made = await shell.beside(daemon.client, ref.key, shell.home(), is_terminal=is_terminal)
    except MltuiError as error:
        raise _refused(daemon, ref, error) from error
    notes = (
        f"beside {ref.name}: the same processes, network and volumes",
        "its files are under /proc/1/root",
    )
    return Entered(replace(made, notes=notes), ref.key)


async def leave(daemon: Daemon, entered: Entered) -> None:
    """Remove what was made for a shell."""
    from mltui.engines.docker import shell

    if entered.has_tools:
        await shell.take_tools(daemon.client, entered.container)
    if entered.shell.object:
        await shell.remove(daemon.client, entered.shell.object)


def _refused(daemon: Daemon, ref: Ref, error: MltuiError) -> MltuiError:
    if not status_of(error):
        return error
    return StartFailed(f"no shell in {ref.text} on {daemon.name}: {message_of(error)}")
