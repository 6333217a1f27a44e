"""`mltui measure`: run a monitor now, whatever its schedule."""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.errors import JournalError
from mltui.runs.project import Project
from mltui.serving import client, watching
from mltui.serving.rows import Measurement, MonitorRow

EPILOG = """\
examples:
  mltui measure drift                  and wait for what it says
  mltui measure drift --follow         and for the run that it starts, and the contest after it
  mltui ls measurements                what monitors said, and what came of it

Exit code 4: its gate was not passed. A monitor is switched on by deploying a service that it reads.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("monitor", metavar="MONITOR", help="`drift` or `drift@prod`")
    parser.add_argument(
        "--follow", "-f", action="store_true", help="wait for what comes of a run that it starts"
    )
    parser.add_argument("--on", action="store_true", help="switch it on first, if it is off")
    parser.add_argument("--target", default="local", metavar="NAME", help="with --on: where")


def run(args: argparse.Namespace, out: Output) -> int:
    """Ask for it and say what was measured."""
    project = Project.find(Path.cwd())
    if args.on:
        watching.switch_monitor(project, args.monitor, args.target, on=True)
    monitor = watching.find_monitor(project, args.monitor)
    asked = watching.measure_now(project, monitor)
    found = _await(project, monitor, asked)
    text = serving.metrics_text(dict(found.metrics))
    out.line(out.say("  ".join(filter(None, (found.verdict, text, found.reason)))))
    if found.run is not None:
        out.line(f"run {found.run} starts: `mltui attach {found.run}` follows it", flush=True)
        if args.follow:
            out.line(out.say(_await_outcome(project, found)))
            return diagnostics.DONE
    return {"passed": diagnostics.DONE, "unmeasured": diagnostics.DONE}.get(
        found.verdict, diagnostics.GATE if found.verdict == "not-passed" else diagnostics.FAILED
    )


def _await_outcome(project: Project, begun: Measurement) -> str:
    """Wait, however long training takes."""
    with closing(client.read(project)) as ledger:
        while True:
            for found in ledger.measurements(begun.monitor, begun.target):
                if found.id == begun.id and found.outcome:
                    return found.outcome
            if not client.supervisor_status(project).alive:
                raise JournalError(
                    "the supervisor is gone: `mltui resume`, then `mltui ls monitors`"
                )
            time.sleep(0.2)


def _await(project: Project, monitor: MonitorRow, asked: float) -> Measurement:
    until = time.monotonic() + serving.WAIT_S
    with closing(client.read(project)) as ledger:
        while time.monotonic() < until:
            for found in ledger.measurements(monitor.name, monitor.target, limit=3):
                if found.at >= asked and found.ended_at is not None and not found.object:
                    return found
            time.sleep(0.05)
    raise JournalError(
        f"the monitor {monitor.name} has not answered for {serving.WAIT_S:.0f} s "
        f"(see {project.folder / client.LOG})"
    )
