"""`mltui build`: make an environment by itself, without a run."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mltui import text
from mltui.cli import diagnostics
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.pipeline.rows import State
from mltui.runs import building
from mltui.runs.planning import find_target
from mltui.runs.project import Project
from mltui.runs.rows import BuildRow

EPILOG = """\
examples:
  mltui build train --target dev
  mltui build train --target dev --no-cache     every step of its Dockerfile anew
"""
_TAIL = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("environment", metavar="ENVIRONMENT", help="which one")
    parser.add_argument("--target", default="local", metavar="NAME", help="where (local)")
    parser.add_argument("--no-cache", action="store_true", help="take no step from the cache")


def run(args: argparse.Namespace, out: Output) -> int:
    """Build it; 1 when that failed, 130 when it was interrupted."""
    project = Project.find(Path.cwd())
    if args.no_cache:
        engine = find_target(project.read_spec(), args.target).engine
        reason = building.why_not_cached(engine)
        if reason is not None:
            raise UsageError(reason)

    def began(row: BuildRow) -> None:
        out.status(f"building {row.environment}: {project.folder / row.log}")

    row = building.build_now(
        project, args.environment, args.target, no_cache=args.no_cache, began=began
    )
    out.status("")
    took = text.format_duration((row.ended_at or time.time()) - row.started_at)
    if row.state.is_done:
        out.line(f"{row.id} built in {took}")
        return diagnostics.DONE
    if row.state is State.CANCELLED:
        out.line(f"{row.id} cancelled after {took}")
        return diagnostics.INTERRUPTED
    diagnostics.fail(f"{row.id} failed after {took}: {row.reason}")
    for each in _last_lines(project.folder / row.log):
        diagnostics.note(each)
    return diagnostics.FAILED


def _last_lines(log: Path) -> list[str]:
    from mltui.logs.errors import last_lines
    from mltui.logs.sanitize import plain

    try:
        return [plain(each) for each in last_lines(log, _TAIL)]
    except OSError:
        return []
