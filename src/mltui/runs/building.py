"""A build that no run asked for: an environment made (again) because a person wants it.

Called by `mltui build`, and by the screen through a process of its own, so that closing the screen
ends no build. It is journalled like a run's builds, without a run; a file beside its log says which
process makes it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from mltui.engines.process.procs import Identity
from mltui.errors import MltuiError, UsageError
from mltui.pipeline.rows import State
from mltui.runs import client
from mltui.runs.builds import FOLDER, Environments
from mltui.runs.engines import Engines
from mltui.runs.journal import Journal
from mltui.runs.outcomes import Outcome
from mltui.runs.planning import find_target
from mltui.runs.project import Project
from mltui.runs.rows import BuildRow
from mltui.spec.environments import match_environment
from mltui.spec.model import Environment, Spec
from mltui.spec.spelling import did_you_mean

MAKER = "maker"
"""File beside a build's log: the process that makes it."""


def environment_named(spec: Spec, name: str) -> Environment:
    """An environment as it is declared. UsageError with the nearest name when there is none."""
    found = match_environment(spec, name)
    if found is None:
        hint = did_you_mean(name, spec.environments)
        raise UsageError(f"there is no environment `{name}`" + (f": {hint}" if hint else ""))
    return found


def target_for(project: Project, build: BuildRow) -> str:
    """The target whose engine made a build: its run's, else the first with that engine.

    UsageError when the project has none any more.
    """
    spec = project.read_spec()
    names = list(spec.targets) or ["local"]
    with closing(project.journal()) as journal:
        run = journal.run(build.run) if build.run is not None else None
    if run is not None:
        names.insert(0, run.target)
    for name in names:
        with suppress(UsageError):
            if find_target(spec, name).engine == build.engine:
                return name
    raise UsageError(f"no target of this project has the engine {build.engine} any more")


def build_now(
    project: Project,
    name: str,
    target: str,
    *,
    no_cache: bool = False,
    began: Callable[[BuildRow], None] = lambda row: None,
) -> BuildRow:
    """Build an environment and wait for it; ^C and SIGTERM end it. Its row, as journalled.

    began: told once it is in the journal. UsageError; Unreachable. A failed build is a row, too.
    """
    spec = project.read_spec()
    environment = environment_named(spec, name)
    found = find_target(spec, target)
    project.prepare()
    with closing(project.journal(write=True)) as journal:
        _sweep(project, journal)

        async def go() -> BuildRow:
            engines = Engines()
            try:
                rows: list[BuildRow] = []

                def emit(outcome: Outcome) -> None:
                    for row in outcome.builds:
                        if not rows:
                            _note_maker(project, row)
                        journal.put_build(row)
                        rows.append(row)
                    if len(rows) == 1:
                        began(rows[0])
                    if outcome.after is not None:
                        outcome.after()

                environments = Environments(project, project.store(), journal, None, emit)
                _, task = environments.build(engines.of(found), environment, no_cache=no_cache)
                loop = asyncio.get_running_loop()
                with suppress(ValueError, RuntimeError):  # only a main thread hears signals
                    for number in (signal.SIGTERM, signal.SIGINT):
                        loop.add_signal_handler(number, task.cancel)
                with suppress(MltuiError, asyncio.CancelledError):
                    await task
                return rows[-1]
            finally:
                await engines.close()

        return asyncio.run(go())


def start(project: Project, name: str, target: str, *, no_cache: bool = False) -> None:
    """Have it built by a process of its own. UsageError when it can't be."""
    spec = project.read_spec()
    environment_named(spec, name)
    find_target(spec, target)
    log = project.folder / client.LOG
    argv = [sys.executable, "-P", "-m", "mltui", "build", name, "--target", target]
    if no_cache:
        argv.append("--no-cache")
    try:
        project.prepare()
        with log.open("ab") as output:
            process = subprocess.Popen(
                argv, cwd=project.root, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise UsageError(f"the build could not be started: {error}") from error
    threading.Thread(target=process.wait, name="mltui-build", daemon=True).start()


def cancel(project: Project, build: BuildRow) -> int | None:
    """End a build. The request's id when a runner makes it; None: it was told directly.

    UsageError when there is nothing to end.
    """
    if build.state is not State.BUILDING:
        raise UsageError(f"{build.id} has ended already: {build.state.value}")
    if build.run is not None:
        return client.cancel_build(project, build.run, build.id)
    maker = _maker(project, build)
    if maker is None or not maker.is_there:
        raise UsageError(f"the process that made {build.id} is gone: nothing is left to end")
    with suppress(ProcessLookupError):
        os.kill(maker.pid, signal.SIGTERM)
    return None


def _note_maker(project: Project, row: BuildRow) -> None:
    file = _folder(project, row) / MAKER
    file.write_text(str(Identity.of(os.getpid())), encoding="ascii")


def _maker(project: Project, row: BuildRow) -> Identity | None:
    try:
        return Identity.parse((_folder(project, row) / MAKER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _folder(project: Project, row: BuildRow) -> Path:
    return project.folder / FOLDER / row.id


def _sweep(project: Project, journal: Journal) -> None:
    """Say of builds whose process died that they are over."""
    for row in journal.builds(limit=-1):
        if row.run is None and row.state is State.BUILDING:
            maker = _maker(project, row)
            if maker is None or not maker.is_there:
                reason = "the process that made it is gone"
                journal.put_build(
                    replace(row, state=State.FAILED, ended_at=time.time(), reason=reason)
                )


def why_not_cached(engine: str) -> str | None:
    """Why a build without the cache makes no sense on an engine; None: it does."""
    if engine == "process":
        return "a virtual environment is built whole: there is no cache of steps to leave out"
    return None
