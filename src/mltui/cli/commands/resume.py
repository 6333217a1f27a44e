"""`mltui resume`: a new runner for runs that a dead one left behind."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.follow import follow
from mltui.cli.interrupts import Interrupts
from mltui.cli.output import Output
from mltui.runs import client
from mltui.runs.project import Project
from mltui.serving import client as serving


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "--detach", "-d", action="store_true", help="come back at once; the run goes on"
    )
    parser.add_argument("--json", action="store_true", help="stream the events, then the run")


def run(args: argparse.Namespace, out: Output) -> int:
    """Start a runner and follow the oldest run; its exit code, 0 when there is nothing to do."""
    project = Project.find(Path.cwd())
    if serving.resume(project):
        diagnostics.note("a new supervisor keeps the services and monitors")
    with Interrupts() as interrupts:
        left = client.resume(project)
        if not left:
            diagnostics.note("nothing to resume: no run is without a runner")
            return diagnostics.DONE
        if args.detach:
            names = ", ".join(map(str, left))
            out.line(f"run {names} goes on: `mltui attach {left[0]}` follows it")
            return diagnostics.DONE
        return follow(project, left[0], out, interrupts, is_json=args.json)
