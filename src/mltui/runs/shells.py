"""A shell in the place of a stage: its image or virtual environment, inputs, folder and variables.

Called by `mltui shell` and by the screen. What the attempt stood in is described again from the
journal, as a runner after a crash would, and laid out in a folder of the shell's own: nothing that
is done there reaches the store, the journal or the attempt's folders.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import uuid
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mltui.engines.protocol import Attempt, Built, Engine
from mltui.engines.shells import Shell, ShellEngine, Wanted
from mltui.errors import MltuiError, StartFailed, UsageError
from mltui.pipeline.rows import Instance, StageRow, State, attempt_label
from mltui.pipeline.scheduler import Scheduler
from mltui.pipeline.values import MissingInput
from mltui.runs import attempts, secretfiles
from mltui.runs.attempts import Place
from mltui.runs.code import materialise_code
from mltui.runs.engines import Engines
from mltui.runs.history import History
from mltui.runs.journal import Journal
from mltui.runs.keys import Key
from mltui.runs.parts import INPUT, RESOLVED
from mltui.runs.planning import NO_CODE, Blueprint
from mltui.runs.project import Project
from mltui.runs.standing import why_not
from mltui.spec.choices import FailureClass
from mltui.spec.model import Environment, Target

FOLDER = "shells"
"""In `.mltui`: a folder for each shell that is open, named after the process that opened it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A shell that waits for the terminal. Give it to `close` afterwards."""

    project: Project
    target: Target
    shell: Shell
    folder: Path | None
    title: str
    """What it stands in: `train~2.3 of run 14, image 0123456789ab on docker`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should read before it starts, a line each."""
        said = [self.title, *self.shell.notes]
        if self.shell.again:
            said.append(f"`{self.shell.again}` does what the stage does")
        if self.folder is not None:
            said.append("this is a copy: what you change is gone when you leave")
        return tuple(said)


def open_shell(
    project: Project, row: StageRow, *, command: str = "", is_terminal: bool = True
) -> Opened:
    """Make a shell ready in a stage's place. Blocks while files are copied and engines asked.

    UsageError, StartFailed, StoreError, Unreachable: a sentence why there is none.
    """
    reason = why_not(row)
    if reason is not None:
        raise UsageError(reason)
    if row.failure is FailureClass.BUILD:
        from mltui.runs.buildshells import build_of, open_build_shell

        build = build_of(project, row)
        return open_build_shell(project, build, command=command, is_terminal=is_terminal)
    return asyncio.run(_open(project, row, command, is_terminal))


def close_shell(opened: Opened) -> None:
    """Remove what was made for it."""

    async def end() -> None:
        engines = Engines()
        try:
            shells = getattr(engines.of(opened.target), "shells", None)
            if isinstance(shells, ShellEngine):
                await shells.end_shell(opened.shell)
        finally:
            await engines.close()

    if opened.folder is not None:
        attempts.remove_tree(opened.folder)
    if opened.shell.object:
        with suppress(MltuiError):  # it removes itself when it ends
            asyncio.run(end())


async def _open(project: Project, row: StageRow, command: str, is_terminal: bool) -> Opened:
    story = _read(project, row)
    number = max(row.attempt, 1)
    wanted = Wanted(attempt_label(row.instance, number), command, is_terminal)
    target = story.blueprint.target_of(story.blueprint.stage(row.stage))
    engines = Engines()
    folder = None
    try:
        engine = engines.of(target)
        shells = getattr(engine, "shells", None)
        if not isinstance(shells, ShellEngine):
            raise UsageError(f"there is no shell in a stage on the engine {target.engine} yet")
        if row.state in (State.RUNNING, State.UNKNOWN) and row.object:
            shell = await shells.shell_inside(row.object, wanted)
            if shell is not None:
                title = f"{wanted.label} of run {row.run}, in its container while it runs"
                return Opened(project, target, shell, None, title)
        folder = new_folder(project)
        notes: list[str] = []
        attempt = await _lay_out(project, story, engine, shells, row, folder, notes)
        shell = await shells.shell(attempt, wanted)
    except BaseException:
        if folder is not None:
            attempts.remove_tree(folder)
        raise
    finally:
        await engines.close()
    title = f"{wanted.label} of run {row.run}, {_where(attempt, target)}"
    return Opened(project, target, replace(shell, notes=(*notes, *shell.notes)), folder, title)


def _where(attempt: Attempt, target: Target) -> str:
    if attempt.built is None:
        return "with the programs on your PATH"
    if target.engine == "process":
        return f"virtual environment {attempt.built.location}"
    return f"image {attempt.built.location.removeprefix('sha256:')[:12]}, target {target.name}"


@dataclass(frozen=True, slots=True)
class _Story:
    """What the journal knows of an attempt."""

    blueprint: Blueprint
    scheduler: Scheduler
    key: Key
    builds: tuple[str, ...]
    """Keys of builds whose outcome was what the attempt ran in."""


def _read(project: Project, row: StageRow) -> _Story:
    history = History(project.store())
    with closing(project.journal()) as journal:
        events = [event for _, event in journal.events(row.run)]
        keys = history.read(events)
        scheduler = Scheduler.replay(row.run, history.plan_for, events)
        key = keys.get(row.instance)
        if key is None:
            raise UsageError(f"{row.instance.label} never got its inputs in run {row.run}")
        builds = _builds(journal, key)
    return _Story(_blueprint(history, row.instance, row.attempt), scheduler, key, builds)


def _builds(journal: Journal, key: Key) -> tuple[str, ...]:
    resolved = key.parts.get(RESOLVED)
    if resolved is None:
        return ()
    return tuple(row.key for row in journal.builds(limit=-1) if row.resolved == resolved)


def _blueprint(history: History, instance: Instance, attempt: int) -> Blueprint:
    try:
        return history.blueprint_of(instance, attempt)
    except KeyError:  # it was taken from the cache
        return history.present


def new_folder(project: Project) -> Path:
    """A folder for this shell; those of shells whose process is gone go."""
    parent = project.folder / FOLDER
    parent.mkdir(mode=0o700, exist_ok=True)
    for left in parent.iterdir():
        pid = left.name.partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            attempts.remove_tree(left)
    folder = parent / f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
    folder.mkdir(mode=0o700)
    return folder


async def _lay_out(
    project: Project,
    story: _Story,
    engine: Engine,
    shells: ShellEngine,
    row: StageRow,
    folder: Path,
    notes: list[str],
) -> Attempt:
    """The attempt again, in folders of the shell's own."""
    blueprint, instance, number = story.blueprint, row.instance, max(row.attempt, 1)
    environment = blueprint.environment_of(instance)
    built = None
    if environment is not None:
        built = await _find_built(project, story, engine, shells, environment, row, notes)
    place = Place(folder / "attempt", folder / "work", folder / "secrets")
    await asyncio.to_thread(_fill, project, story, row, place, notes)
    return attempts.make_attempt(
        project,
        blueprint.spec,
        row.run,
        instance,
        number,
        place=place,
        engine=engine,
        params=blueprint.plan.named_params_at(row.stage, instance.path),
        built=built,
        environment=environment,
    )


async def _find_built(
    project: Project,
    story: _Story,
    engine: Engine,
    shells: ShellEngine,
    environment: Environment,
    row: StageRow,
    notes: list[str],
) -> Built:
    """What it ran in; what is there now instead is said. StartFailed when there is nothing."""
    if row.image is not None:
        return Built("", "", row.image)
    for key in story.builds:
        found = shells.built_as(key)
        if found is not None:
            return found
    built = await engine.built(environment, project.root)
    if built is None:
        raise StartFailed(
            f"the environment {environment.name} that {row.instance.label} ran in is no longer "
            "there: retry builds it again"
        )
    then = story.key.parts.get(RESOLVED)
    if then is not None and project.store().put_text(built.resolved).digest != then:
        notes.append(f"its environment {environment.name} changed since: this is today's")
    return built


def _fill(project: Project, story: _Story, row: StageRow, place: Place, notes: list[str]) -> None:
    """The working folder: a copy of what the attempt left, else made again from what is kept."""
    blueprint, store = story.blueprint, project.store()
    stage = blueprint.stage(row.stage)
    place.folder.mkdir()
    left = attempts.place_of(project, row.run, row.instance, max(row.attempt, 1)).work
    if row.attempt > 0 and left.is_dir():
        _copy(left, place.work)
    else:
        place.work.mkdir()
        code = blueprint.code[stage.name]
        if code != NO_CODE:
            materialise_code(code, place.work, store)
        try:
            inputs = story.scheduler.inputs_of(row.instance)
        except MissingInput as error:
            raise StartFailed(f"{row.instance.label}: {error}") from error
        digests = _digests(story.key.parts)
        attempts.put_inputs(store, blueprint.spec, stage, inputs, digests, place.work)
    attempts.make_output_parents(place, stage)
    if stage.secrets:
        root = project.root
        for name in stage.secrets:
            try:
                found = secretfiles.read_secrets(blueprint.spec, [name], root, os.environ)
            except StartFailed:
                notes.append(f"secret {name} can't be read here, so its file is missing")
            else:
                place.secrets.mkdir(mode=0o700, exist_ok=True)
                secretfiles.write_file(place.secrets / name, found[name])


def _digests(parts: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(INPUT): digest for name, digest in parts.items() if name.startswith(INPUT)
    }


def _copy(source: Path, target: Path) -> None:
    """A copy that shares the blocks where the file system can, and that may be written to."""
    if sys.platform == "linux" and (program := shutil.which("cp")) is not None:
        import subprocess

        argv = [program, "-a", "--reflink=auto", str(source), str(target)]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise StartFailed(f"its working folder can't be copied: {done.stderr.strip()[:200]}")
    else:
        shutil.copytree(source, target, symlinks=True)
    for folder, _, names in os.walk(target):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o600)
