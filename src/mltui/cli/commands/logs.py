"""`mltui logs`: what stages, builds, containers and pods printed, one or several as one.

Safe on a terminal; byte for byte with `-o raw`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.choose import Label, check_stage, choose_rows, choose_run, read_label
from mltui.cli.logprint import POLL_S, Look, Printed, Printer
from mltui.cli.output import Output
from mltui.cli.places import LogPlace, log_of, whole_without_log
from mltui.errors import UsageError
from mltui.logs.filters import Filter, level_filter, read_filter
from mltui.logs.index import LogIndex
from mltui.logs.search import PatternError, compile_pattern
from mltui.logs.times import read_when
from mltui.pipeline.rows import StageRow, State
from mltui.runs.journal import Journal
from mltui.runs.project import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mltui.serving.readings import Readings as ServingReadings

EPILOG = """\
examples:
  mltui logs train                 the newest round, its last attempt
  mltui logs train~3.2             round 3, second attempt
  mltui logs 'translate[en-es]'    one item of a for_each stage
  mltui logs                       all stages of the newest run, by time
  mltui logs train -f              and what it prints from now on
  mltui logs train --grep 'loss nan|Error' --level warning
  mltui logs train -o raw > train.log
  mltui logs service/classifier -f the replicas of a service; `service/classifier/3`: one
  mltui logs container/db deploy/classifier -f --since 10m
  mltui logs -l app=classifier --previous
  mltui logs 'web-*' --namespace shop -f   all pods with such names, and those to come
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="STAGE[~ROUND[.ATTEMPT]], build/ID, service/NAME, container/NAME, pod/NAME, "
        "deploy/NAME, …; none: all stages of the run",
    )
    parser.add_argument("--run", type=int, metavar="N", help="stages of run N (the newest)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it has ended")
    parser.add_argument("-n", "--tail", type=int, metavar="N", help="only the last N lines")
    parser.add_argument("--since", metavar="TIME", help="only from then on: 10m, 14:02, a date")
    parser.add_argument("--until", metavar="TIME", help="only up to then")
    parser.add_argument(
        "--previous", action="store_true", help="of the container before the restart"
    )
    parser.add_argument(
        "--grep", action="append", default=[], metavar="PATTERN", help="only lines that match"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN", help="without these lines"
    )
    parser.add_argument("--level", metavar="LEVEL", help="only lines as bad as this: warning, …")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD>VALUE",
        help="only objects with such a field (also = != < ~)",
    )
    parser.add_argument("-l", "--selector", metavar="LABELS", help="pods with these labels")
    parser.add_argument("-c", "--container", metavar="NAME", help="this container of pods")
    parser.add_argument(
        "--namespace", action="append", default=[], metavar="NS", help="where the pods are"
    )
    parser.add_argument("--context", metavar="NAME", help="in which cluster they are")
    parser.add_argument("-o", dest="output", choices=["json", "raw"], help="objects, or the bytes")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print it."""
    if args.tail is not None and args.tail < 0:
        raise UsageError(f"--tail {args.tail}: a number of lines")
    look = Look(
        filters=_filters(args),
        since=_when(args.since, "--since"),
        until=_when(args.until, "--until"),
        tail=args.tail,
        output=args.output or "",
        follow=args.follow,
        offset_s=float(-time.timezone),
    )
    printer = Printer(look, out, diagnostics.note)
    targets = args.targets
    if args.namespace or args.context or args.container:  # only pods have these
        targets = [each if "/" in each else f"pod/{each}" for each in targets]
    outside = [each for each in targets if _is_outside(each)]
    if outside or args.selector:
        if len(outside) != len(targets):
            raise UsageError("stages and things outside of the project can't be shown together")
        from mltui.cli.logsoutside import print_outside

        print_outside(args, outside, look, printer)
    else:
        with ExitStack() as stack:
            project = Project.find(Path.cwd())
            journal = stack.enter_context(closing(project.journal()))
            _Stages(args, out, project, journal, printer, stack).print()
    printer.end()
    return diagnostics.DONE


def _is_outside(target: str) -> bool:
    word, slash, name = target.partition("/")
    return bool(slash and name) and "[" not in word and word not in ("build", "service")


def _when(text: str | None, option: str) -> float | None:
    if text is None:
        return None
    found = read_when(text, time.time(), float(-time.timezone))
    if found is None:
        raise UsageError(f"{option} {text}: write 10m, 14:02, 14:02:09 or 2026-11-25T14:02")
    return found


def _filters(args: argparse.Namespace) -> list[Filter]:
    found: list[Filter] = []
    try:
        for option, patterns in (("--grep", args.grep), ("--exclude", args.exclude)):
            for each in patterns:
                inverse = option == "--exclude"
                found.append(Filter(each, compile_pattern(each), is_inverse=inverse))
    except PatternError as error:
        raise UsageError(f"{option}: {error}") from None
    try:
        if args.level is not None:
            found.append(level_filter(args.level))
    except PatternError as error:
        raise UsageError(f"--level: {error}") from None
    for each in args.where:
        condition = read_filter(each)
        if condition.condition is None and condition.level is None:
            raise UsageError(f"--where {each}: write FIELD=VALUE, FIELD>VALUE or FIELD~PATTERN")
        found.append(condition)
    return found


class _Stages:
    """Stages of one run, and builds."""

    def __init__(
        self,
        args: argparse.Namespace,
        out: Output,
        project: Project,
        journal: Journal,
        printer: Printer,
        stack: ExitStack,
    ) -> None:
        self._args = args
        self._out = out
        self._project = project
        self._journal = journal
        self._printer = printer
        self._stack = stack
        self._number = choose_run(journal, args.run).number
        self._shown: set[Path] = set()
        self._ledger: ServingReadings | None = None

    def print(self) -> None:
        """All that was asked, as long as more may come."""
        targets = self._args.targets
        if len(targets) == 1 and not targets[0].startswith(("build/", "service/")):
            self._wait_for(targets[0])
        else:
            self._join()
            if not self._shown and not self._args.follow:
                raise UsageError(f"run {self._number} has no logs yet")
        while True:
            is_over = not self._args.follow or self._is_over()
            self._printer.step()
            if is_over:
                return
            time.sleep(POLL_S)
            if len(targets) != 1:
                self._join()

    def _is_over(self) -> bool:
        if not self._printer.is_over:
            return False
        return bool(self._args.targets) or choose_run(self._journal, self._number).state.is_final

    # --- one ------------------------------------------------------------------------------------

    def _wait_for(self, target: str) -> None:
        """The log of one stage, once there is one."""
        label = read_label(target)
        row, place = self._look(target, label)
        if row is None or place is None:
            diagnostics.note(f"{target} has not started yet")
            while row is None or place is None:
                time.sleep(POLL_S)
                row, place = self._look(target, label)
        if not place.path.exists() and row.state.is_final:
            raise UsageError(f"the log of {place.title} is no longer kept")
        if not place.attempt or self._out.is_terminal:
            diagnostics.note(self._out.say(f"run {self._number} · {place.title}"))
        self._add(row, place, lambda: self._has_ended(target, label, place))

    def _look(self, target: str, label: Label) -> tuple[StageRow | None, LogPlace | None]:
        """The row as it is now, and its log once there is one."""
        follow, number = self._args.follow, self._number
        _, rows = self._journal.stages(number)
        if not rows and follow and not choose_run(self._journal, number).state.is_final:
            check_stage(self._project, label.stage)
            return None, None
        row = _shown(choose_rows(rows, label, target, number))
        wrong = whole_without_log(row, rows)
        if wrong is not None:
            raise wrong
        if follow and not row.state.is_final and not row.attempt and row.build is None:
            return row, None
        return row, log_of(self._project, self._journal, row, label.attempt)

    def _has_ended(self, target: str, label: Label, place: LogPlace) -> bool:
        """Whether nothing will be written to it any more."""
        now, _ = self._look(target, label)
        return (
            now is None
            or now.state.is_final
            or (place.attempt != 0 and now.attempt > place.attempt)
        )

    # --- several --------------------------------------------------------------------------------

    def _join(self) -> None:
        """Add the logs that are there now and were not before."""
        _, rows = self._journal.stages(self._number)
        targets = self._args.targets
        wanted: list[tuple[StageRow, int]] = []
        for target in targets:
            if target.startswith("build/"):
                self._add_build(target.partition("/")[2])
                continue
            if target.startswith("service/"):
                self._add_service(target.partition("/")[2])
                continue
            label = read_label(target)
            if rows:
                found = choose_rows(rows, label, target, self._number)
                wanted.append((_shown(found), label.attempt))
        if not targets:
            wanted = [(row, 0) for row in rows]
        for row, attempt in wanted:
            if row.attempt or row.state is State.CACHED:
                try:
                    place = log_of(self._project, self._journal, row, attempt)
                except UsageError:
                    continue
                if place.path.exists():
                    instance = row.instance
                    self._add(row, place, lambda i=instance: self._is_final(i))  # type: ignore[misc]

    def _is_final(self, instance: Any) -> bool:
        _, rows = self._journal.stages(self._number)
        return all(row.state.is_final for row in rows if row.instance == instance)

    def _add_build(self, key: str) -> None:
        build = self._journal.build(key)
        if build is None or not build.log:
            raise UsageError(f"there is no build {key!r} with a log: `mltui ls builds` lists them")
        path = self._project.folder / build.log
        if path in self._shown:
            return
        self._shown.add(path)
        index = self._stack.enter_context(closing(LogIndex(path)))
        about = {"build": key, "line": 0}

        def is_over() -> bool:
            now = self._journal.build(key)
            return now is None or now.state.is_final

        label = f"build of {build.environment}"
        self._printer.add(Printed(label, index, is_over, about=about))

    def _add_service(self, key: str) -> None:
        """The logs of the replicas there are, or of one by its number."""
        from mltui.serving import client
        from mltui.serving.replicas import folder_of
        from mltui.serving.rows import Health

        name, _, number = key.partition("/")
        deployment = client.find(self._project, name).name
        if self._ledger is None:
            self._ledger = self._stack.enter_context(closing(client.read(self._project)))
        ledger = self._ledger
        found = ledger.replicas(deployment, gone=bool(number))
        if number:
            found = [one for one in found if str(one.number) == number]
        if not found and not self._shown:
            raise UsageError(f"there is no replica {key}: `mltui ls replicas --all` lists them")
        for one in found:
            path = folder_of(self._project, deployment) / str(one.number) / "log"
            if path in self._shown or not path.exists():
                continue
            self._shown.add(path)
            index = self._stack.enter_context(closing(LogIndex(path)))

            def is_over(wanted: int = one.number) -> bool:
                now = {each.number: each for each in ledger.replicas(deployment)}
                return wanted not in now or now[wanted].health is Health.GONE

            about = {"service": deployment, "replica": one.number, "line": 0}
            label = f"{deployment}/{one.number}"
            self._printer.add(Printed(label, index, is_over, begun_at=one.made_at, about=about))

    def _add(self, row: StageRow, place: LogPlace, is_over: Callable[[], bool]) -> None:
        if place.path in self._shown:
            return
        if self._args.follow and len(self._args.targets) != 1 and self._printer.logs:
            diagnostics.note(self._out.say(f"{place.title} joined"))
        self._shown.add(place.path)
        index = self._stack.enter_context(closing(LogIndex(place.path)))
        about = {
            "run": row.run,
            "stage": row.stage,
            "item": row.item,
            "round": row.round,
            "round_path": list(row.path),
            "attempt": place.attempt,
            "line": 0,
        }
        begun_at = row.started_at or 0.0
        self._printer.add(Printed(place.title, index, is_over, begun_at=begun_at, about=about))


def _shown(rows: list[StageRow]) -> StageRow:
    """Of all rows a label names: what runs, else what failed last, else the newest with a log."""
    wholes = [row for row in rows if row.item is None] or rows
    for wanted in (State.RUNNING, State.UNKNOWN):
        if found := [row for row in wholes if row.state is wanted]:
            return found[-1]
    begun = [row for row in wholes if row.attempt or row.state is State.CACHED]
    return (begun or wholes)[-1]
