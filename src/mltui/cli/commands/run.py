"""`mltui run`: start a run and follow it, leave it alone, or only say what it would do."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.interrupts import Interrupts
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.runs import client
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest

EPILOG = """\
examples:
  mltui run                        everything, as far as it is not cached
  mltui run train                  train and what it needs
  mltui run --from acquire         acquire itself runs even if cached
  mltui run --set target=0.97      another value of a declared param
  mltui run --dry-run              what would run, why, and for how long
  mltui run --detach               start it and come back at once

Ctrl-C leaves the run alone (`mltui attach` follows it again); a second one cancels it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="only these, and what they need")
    parser.add_argument(
        "--from",
        dest="start_from",
        action="append",
        default=[],
        metavar="STAGE",
        help="this stage itself runs even if cached (repeatable)",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="PARAM=VALUE",
        help="a value for a declared param, read as YAML (repeatable)",
    )
    parser.add_argument("--target", default=None, metavar="NAME", help="where to run (local)")
    parser.add_argument("--jobs", "-j", type=int, metavar="N", help="so many attempts at once")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", "-n", action="store_true", help="only say what would run")
    how.add_argument(
        "--detach", "-d", action="store_true", help="come back at once; the run goes on"
    )
    parser.add_argument("--json", action="store_true", help="stream the events, then the run")


def run(args: argparse.Namespace, out: Output) -> int:
    """Start it; the exit code of the run."""
    project = Project.find(Path.cwd())
    request = request_of(args)
    if args.dry_run:
        from mltui.cli.dry import show_dry_run

        return show_dry_run(project, request, out, is_json=args.json)
    with Interrupts() as interrupts:
        submitted = client.submit(project, request)
        for sentence in submitted.notes:
            diagnostics.note(sentence)
        number = submitted.run
        if args.detach:
            _say_detached(project, number, submitted.behind, out, args.json)
            return diagnostics.DONE
        if submitted.behind is not None:
            diagnostics.note(f"run {number} waits for run {submitted.behind} to end")
        if submitted.repeats is not None and not args.json:
            return _say_unchanged(project, submitted, out)
        from mltui.cli.follow import follow

        return follow(project, number, out, interrupts, is_json=args.json)


def request_of(args: argparse.Namespace) -> RunRequest:
    """What is asked for. UsageError on a `--set` that is no assignment."""
    overrides = {}
    for assignment in args.overrides:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {assignment}: write it as `--set param=value`")
        overrides[name] = value
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: at least one attempt has to run")
    return RunRequest(
        target=args.target or RunRequest().target,
        stages=tuple(args.stages),
        start_from=tuple(args.start_from),
        overrides=overrides,
        jobs=args.jobs,
    )


def _say_unchanged(project: Project, submitted: client.Submitted, out: Output) -> int:
    """It ended when it was asked for: what it repeats is said, not told again stage by stage."""
    from mltui.cli.summary import metric_lines

    with closing(project.journal()) as journal:
        run = journal.run(submitted.run)
        results = journal.results_of(submitted.run)
    if run is None:
        return diagnostics.DONE
    out.line(f"nothing has changed since run {submitted.repeats}")
    out.line(out.say(f"run {run.number}  {out.state(run.state)}  ({results:,} from the cache)"))
    for line in metric_lines(run, out.width):
        out.line(line)
    return run.exit_code or diagnostics.DONE


def _say_detached(
    project: Project, number: int, behind: int | None, out: Output, is_json: bool
) -> None:
    if is_json:
        from mltui.cli import listing

        with listing.Listing(str(project.root)) as journal:
            found = journal.run(number)
        if found is not None:
            out.json_line(listing.run_object(found))
        return
    after = f" when run {behind} has ended" if behind is not None else ""
    out.line(f"run {number} starts{after}: `mltui attach {number}` follows it")
