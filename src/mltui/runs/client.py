"""Asking for runs: what the app's actions and the CLI's commands call.

Nothing here acts on a stage. A run or a request is written to the journal and a detached runner is
made sure of; the runner does the rest and answers. Imports no engine and no screen.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mltui.errors import JournalError, UsageError
from mltui.pipeline.rows import Instance, State
from mltui.runs.lock import RunnerStatus, runner_status
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest, RunRow

LOG = "runner.log"
_LOG_BYTES = 1 << 20
CHOICES = ("accept", "again", "fail")


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run that was queued."""

    run: int
    notes: tuple[str, ...] = ()
    """What the person should know of what was asked: "`--set c` replaces `try` of evaluate"."""
    behind: int | None = None
    """It waits for this run to end; None: it starts at once."""
    repeats: int | None = None
    """Nothing has changed since this run, so it ended at once like that one."""


class Effective(NamedTuple):
    """What to show of a run: its state as far as it can be known now."""

    state: State
    reason: str


def submit(project: Project, request: RunRequest) -> Submitted:
    """Check what is asked for, queue it, and make sure that a runner sees to it.

    SpecError when `mltui.yaml` is wrong, UsageError for an unknown target, stage or param,
    JournalError when `.mltui` can't be used: nothing has been queued then.
    """
    from mltui.runs.unchanged import repeat

    repeated = repeat(project, request, time.time())
    if repeated is not None:
        return Submitted(repeated[0], repeats=repeated[1])
    from mltui.runs.warm import WarmRunner

    is_there = runner_status(project).alive
    with nullcontext() if is_there else WarmRunner(project.root) as runner:
        notes = check(project, request)
        project.prepare()
        with closing(project.journal(write=True)) as journal:
            run = journal.queue_run(request, time.time())
            ahead = [row.number for row in journal.unfinished() if row.number < run]
        with suppress(OSError):
            _turn_log(project.folder / LOG)
        if runner is None or not runner.begin():
            ensure_runner(project)
    return Submitted(run, notes, max(ahead, default=None))


def check(project: Project, request: RunRequest) -> tuple[str, ...]:
    """Whether the project as it is now can be run so; notes on what was asked. Writes nothing."""
    from mltui.runs.planning import plan_of

    return plan_of(project.read_spec(), request).notes


def retry(project: Project, run: int, instances: tuple[Instance, ...] | None) -> int:
    """Ask for another attempt at these, or at all that failed (None). The request's id."""
    data = {} if instances is None else {"instances": [_plain(i) for i in instances]}
    return _ask(project, run, "retry", data)


def cancel(project: Project, run: int, instance: Instance | None = None) -> int:
    """Ask to end a run, or one instance of it. The request's id."""
    return _ask(project, run, "cancel", {} if instance is None else {"instance": _plain(instance)})


def cancel_build(project: Project, run: int, build: str) -> int:
    """Ask to end a build that a run makes; the stages that wait for it fail. The request's id."""
    return _ask(project, run, "cancel-build", {"build": build})


def decide(
    project: Project,
    run: int,
    gate: Instance,
    choice: str,
    *,
    round: int | None = None,  # noqa: A002 - the vocabulary's word
    more: int = 0,
) -> int:
    """Decide a gate that was not passed. The request's id.

    choice: `accept` (with `round`), `again` (`more` rounds), `fail`. UsageError on another one.
    """
    if choice not in CHOICES:
        raise UsageError(f"a gate can be decided as {', '.join(CHOICES)}; not as {choice!r}")
    if choice == "accept" and round is None:
        raise UsageError(f"which round of {gate.stage} should be accepted?")
    data = {"instance": _plain(gate), "choice": choice, "round": round, "more": more}
    return _ask(project, run, "decide", data)


def resume(project: Project) -> list[int]:
    """Give runs that a runner left behind to a new one; their numbers, oldest first.

    It died (then what it began is taken over) or could not go on (then it is tried again).
    """
    with closing(project.journal()) as journal:
        stuck = [row.number for row in journal.runs() if row.state is State.UNKNOWN]
        for run in stuck:
            journal.ask(run, "resume", {}, person(), time.time())
        if runner_status(project).alive:
            return sorted(stuck)
        left = [row.number for row in journal.unfinished()]
        asked = bool(journal.open_requests())
    if left or asked:
        ensure_runner(project)
    return sorted({*left, *stuck})


def ensure_runner(project: Project) -> None:
    """Start a runner unless one is at work. Two started at once are harmless: one goes at once.

    It has its own session and no terminal, so nothing that happens to ours reaches it. Its output
    goes to `.mltui/runner.log`.
    """
    if not runner_status(project).alive:
        start_detached(project, "mltui.runs.runner", LOG, "runner")


def start_detached(project: Project, module: str, log_name: str, what: str) -> None:
    """Start `python -m module ROOT` in a session of its own, its output in `.mltui/log_name`.

    JournalError when it can't be started; `what` it is called then.
    """
    log = project.folder / log_name
    try:
        _turn_log(log)
        with log.open("ab") as output:
            process = subprocess.Popen(
                # -P: a file of the project named like a module must not be imported in its place.
                [sys.executable, "-P", "-m", module, str(project.root)],
                cwd=project.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise JournalError(f"the {what} could not be started: {error}") from error
    # Whoever outlives it has to collect it, or it stays in the process table.
    threading.Thread(target=process.wait, name=f"mltui-{what}", daemon=True).start()


def _turn_log(log: Path) -> None:
    """Put a long log aside. OSError."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))


def wait_answer(project: Project, request: int, timeout_s: float) -> str | None:
    """What became of a request: "" done, a sentence why not, None when nobody answered in time.

    UsageError when there is no such request.
    """
    until = time.monotonic() + timeout_s
    seen = -1
    with closing(project.journal()) as journal:
        while True:
            version = journal.data_version()
            if version != seen:
                seen = version
                found = journal.request(request)
                if found is None:
                    raise UsageError(f"there is no request {request}")
                if found.handled_at is not None:
                    return found.answer
            if time.monotonic() >= until:
                return None
            time.sleep(0.02)


def effective_state(run: RunRow, status: RunnerStatus) -> Effective:
    """What to show of a run, given who holds the runner's lock."""
    if status.alive or run.state not in (State.RUNNING, State.PENDING):
        return Effective(run.state, run.reason)
    if run.state is State.RUNNING:
        return Effective(State.UNKNOWN, "its runner is gone: `mltui resume`")
    return Effective(State.PENDING, "no runner is there to start it: `mltui resume`")


def instance_of(data: Any) -> Instance:
    """An instance as a request carries it; the reverse of what is written here."""
    return Instance(data[0], tuple(data[1]), data[2])


def _plain(instance: Instance) -> list[Any]:
    return [instance.stage, list(instance.path), instance.item]


def _ask(project: Project, run: int, kind: str, data: dict[str, Any]) -> int:
    with closing(project.journal()) as journal:
        if journal.run(run) is None:
            newest = journal.latest()
            known = f"the newest is {newest}" if newest else "there is none yet"
            raise UsageError(f"there is no run {run}: {known}")
        request = journal.ask(run, kind, data, person(), time.time())
    ensure_runner(project)
    return request


def person() -> str:
    """Who asks, for the journal: `name@host`."""
    name = os.environ.get("LOGNAME") or os.environ.get("USER")
    if not name:
        import pwd

        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
