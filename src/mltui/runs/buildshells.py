"""A shell in the state before the step at which a build failed.

Called by `mltui shell` and the screen, for a stage whose environment could not be made and in the
list of builds.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Protocol, runtime_checkable

from mltui.engines.shells import Shell, Wanted
from mltui.errors import UsageError
from mltui.pipeline.rows import StageRow, State
from mltui.runs import attempts, building
from mltui.runs.engines import Engines
from mltui.runs.planning import find_target
from mltui.runs.project import Project
from mltui.runs.rows import BuildRow
from mltui.runs.shells import Opened, new_folder
from mltui.spec.model import Environment


@runtime_checkable
class StepShells(Protocol):
    """An engine whose builds have steps, before which one can stand."""

    async def shell_before(
        self,
        environment: Environment,
        project: Path,
        line: int,
        key: str,
        folder: Path,
        wanted: Wanted,
    ) -> Shell:
        """A shell in the state before the step of a line of the environment's Dockerfile."""
        ...


def why_not(build: BuildRow) -> str | None:
    """Why one can't stand before a failed step of this build, as far as its row tells."""
    if build.engine != "docker":
        return f"{build.environment} is made by {build.engine}, whose builds have no steps"
    if build.state is not State.FAILED:
        return f"{build.id} has not failed: it is {build.state.value}"
    return None


def build_of(project: Project, row: StageRow) -> BuildRow:
    """The failed build that a stage waited for. UsageError when the journal has none."""
    with closing(project.journal()) as journal:
        build = journal.build(row.build) if row.build else None
    if build is None:
        raise UsageError(f"the build that {row.instance.label} waited for is not in the journal")
    return build


def open_build_shell(
    project: Project, build: BuildRow, *, command: str = "", is_terminal: bool = True
) -> Opened:
    """Make a shell ready before the failed step. Blocks while the steps before it are made again.

    UsageError, StartFailed, BuildFailed, Unreachable: a sentence why there is none.
    """
    reason = why_not(build)
    if reason is not None:
        raise UsageError(reason)
    return asyncio.run(_open(project, build, command, is_terminal))


async def _open(project: Project, build: BuildRow, command: str, is_terminal: bool) -> Opened:
    line = _failed_line(project, build)
    environment = building.environment_named(project.read_spec(), build.environment)
    target = find_target(project.read_spec(), building.target_for(project, build))
    engines = Engines()
    folder = new_folder(project)
    try:
        engine = engines.of(target)
        if not isinstance(engine, StepShells):
            raise UsageError(f"there is no shell in a build on the engine {target.engine}")
        wanted = Wanted(f"{build.environment} before line {line}", command, is_terminal)
        shell = await engine.shell_before(
            environment, project.root, line, build.key, folder, wanted
        )
    except BaseException:
        attempts.remove_tree(folder)
        raise
    finally:
        await engines.close()
    title = f"{build.environment}, build {build.id}, target {target.name}"
    return Opened(project, target, shell, folder, title)


def _failed_line(project: Project, build: BuildRow) -> int:
    """The line of the Dockerfile whose step failed. UsageError when there is none."""
    from mltui.engines.docker.steps import FILE, StepState, fold

    try:
        text = (project.folder / build.log).with_name(FILE).read_bytes()
    except OSError:
        raise UsageError(f"what {build.id} did is not kept any more: `r` builds it again") from None
    tree = fold(text.splitlines())
    for step in tree.steps:
        if step.state is StepState.FAILED and step.line:
            return step.line
    raise UsageError(f"no step of {build.id} failed: there is no state before one to stand in")
