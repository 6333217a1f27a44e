"""Follows a run in the journal until it ends: plain lines, one live line, or a stream of JSON.

`mltui run`, `attach`, `retry`, `resume` and `demo` call this. The run is somebody else's (the
runner's): leaving changes nothing about it.
"""

from __future__ import annotations

import time
from contextlib import closing

from mltui.cli import diagnostics, listing
from mltui.cli.events import event_object
from mltui.cli.interrupts import GRACE_S, Interrupts
from mltui.cli.live import LiveLine
from mltui.cli.narrate import Narrator
from mltui.cli.output import Output
from mltui.cli.summary import summarise
from mltui.errors import JournalError
from mltui.pipeline.rows import State
from mltui.runs import client, codec
from mltui.runs.journal import Journal
from mltui.runs.lock import runner_status
from mltui.runs.project import Project
from mltui.runs.rows import RunRow

POLL_S = 0.05
CHECK_S = 0.5
START_S = 20.0
"""A runner that was asked for is there by then, or will not be."""
GONE_S = 3.0
"""One runner may end and another begin within this time."""


def follow(
    project: Project,
    run: int,
    out: Output,
    interrupts: Interrupts,
    *,
    is_json: bool = False,
    after: int = 0,
) -> int:
    """Tell the run until it ends; its exit code, or 130 when the person leaves first.

    `after`: the last event that was told already. JournalError when the run has no runner.
    """
    with closing(project.journal()) as journal:
        narrator = Narrator(project, run, out)
        live = LiveLine(project, journal, run) if out.is_terminal and not is_json else None
        runner = _Runner(project, run)
        seen_version = -1
        while True:
            version = journal.data_version()
            if version != seen_version:
                seen_version = version
                # First the row: what follows a row that says "ended" is all there will be.
                row = _row(journal, run)
                for number, name, data in journal.raw_events(run, after=after):
                    after = number
                    _tell(narrator, out, run, name, data, is_json)
                out.flush()
                if row.state.is_final:
                    return _ended(project, journal, row, out, is_json)
                if live is not None:
                    live.update()
            if interrupts.count:
                out.status("")
                return _leave(project, run, interrupts)
            if live is not None:
                out.status(live.text(out, time.time()))
            runner.check(time.monotonic())
            time.sleep(POLL_S)


class _Runner:
    """Notices when nobody works on a run any more."""

    def __init__(self, project: Project, run: int) -> None:
        self._project = project
        self._run = run
        self._begin = time.monotonic()
        self._alive_at: float | None = None
        self._next = self._begin

    def check(self, now: float) -> None:
        """JournalError when the runner is gone, or did not come."""
        if now < self._next:
            return
        self._next = now + CHECK_S
        if runner_status(self._project).alive:
            self._alive_at = now
            return
        waited = now - (self._begin if self._alive_at is None else self._alive_at)
        if waited > (START_S if self._alive_at is None else GONE_S):
            raise JournalError(
                f"run {self._run} has no runner: `mltui resume` starts one; what the last one said "
                f"is in {self._project.folder / client.LOG}"
            )


def newest_event(project: Project, run: int) -> int:
    """The id of the last event so far, for following only what is new."""
    with closing(project.journal()) as journal:
        return max((number for number, _, _ in journal.raw_events(run)), default=0)


def _row(journal: Journal, run: int) -> RunRow:
    row = journal.run(run)
    if row is None:
        raise JournalError(f"run {run} is no longer in the journal")
    return row


def _tell(narrator: Narrator, out: Output, run: int, name: str, data: str, is_json: bool) -> None:
    if is_json:
        out.json_line(event_object(run, name, data))
        return
    if name in narrator.UNTOLD:
        return
    try:
        event = codec.decode_event(name, data)
    except KeyError:  # written by a newer mltui
        return
    for line in narrator.tell(event):
        out.line(line)


def _ended(project: Project, journal: Journal, row: RunRow, out: Output, is_json: bool) -> int:
    out.status("")
    if is_json:
        with listing.Listing(str(project.root)) as ours:
            found = ours.run(row.number)
        if found is not None:
            out.json_line(listing.run_object(found))
    else:
        for line in summarise(project, journal, row, out):
            out.line(line)
        out.flush()
    return exit_code(row)


def exit_code(run: RunRow) -> int:
    """What a run that ended means for scripts."""
    if run.exit_code is not None:
        return run.exit_code
    if run.state is State.PAUSED:
        return diagnostics.GATE
    return diagnostics.DONE if run.state is State.SUCCEEDED else diagnostics.FAILED


def _leave(project: Project, run: int, interrupts: Interrupts) -> int:
    diagnostics.note(
        f"run {run} goes on without you: `mltui attach {run}` follows it again "
        f"(Ctrl-C again within {GRACE_S:.0f} s cancels it)"
    )
    if interrupts.again():
        client.cancel(project, run)
        diagnostics.note(f"run {run} is being cancelled")
    return diagnostics.INTERRUPTED
