"""`mltui logs`: what stages, builds, containers and pods printed, one or several as one.

Safe on a terminal; byte for byte with `-o raw`.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.cli import diagnostics
from mltui.cli.logprint import Look, Printer
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.logs.filters import Filter, level_filter, read_filter
from mltui.logs.search import Pattern, PatternError, compile_pattern
from mltui.logs.times import local_offset_s, read_when
from mltui.runs.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

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
  mltui logs 'web-*' -n shop -f    all pods with such names, and those to come
  mltui logs -n shop -c web -t     the containers `web` of all pods there, with times
  mltui logs pod/web-1/proxy       one container of a pod
  mltui logs deploy/web -A -f --exclude-container 'istio-*' --highlight timeout
"""
_PLAIN = ("build", "service")
"""What is named `WORD/NAME` and is the project's own."""


class _Namespace(argparse.Action):
    """`-n NS`. `-n 20` is what `tail` and `docker logs` mean by it: so many lines."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        if option_string == "-n" and str(values).isdigit():
            namespace.tail = int(str(values))
        else:
            namespace.namespace = [*namespace.namespace, str(values)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    many = {"action": "append", "default": [], "metavar": "PATTERN"}
    add = parser.add_argument
    add(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="STAGE[~ROUND[.ATTEMPT]], build/ID, service/NAME, container/NAME, pod/NAME, "
        "pod/NAME/CONTAINER, deploy/NAME, …; none: all stages of the run",
    )
    add("--run", type=int, metavar="N", help="stages of run N (the newest)")
    add("-f", "--follow", action="store_true", help="go on until it has ended")
    add(
        "--tail",
        type=int,
        metavar="N",
        help="only the last N lines of each (with -f those of them that pass); also `-n N`",
    )
    add("--since", metavar="TIME", help="only from then on: 10m, 14:02, a date")
    add("--until", metavar="TIME", help="only up to then")
    add("--previous", action="store_true", help="of the container before the restart")
    add("--grep", help="only lines that match; several: all of them", **many)  # type: ignore[arg-type]
    add("--exclude", help="without these lines", **many)  # type: ignore[arg-type]
    add("--highlight", help="make what matches stand out", **many)  # type: ignore[arg-type]
    add("--level", metavar="LEVEL", help="only lines as bad as this: warning, …")
    add(
        "--where",
        action="append",
        default=[],
        metavar="FIELD>VALUE",
        help="only objects with such a field (also = != < ~)",
    )
    add(
        "--around",
        type=int,
        default=0,
        metavar="N",
        help="N lines before and after each that passes",
    )
    add(
        "--fields",
        choices=["json", "all"],
        help="objects (json: not logfmt) as fields: the message, then the others",
    )
    add("--columns", metavar="NAMES", help="these fields of objects, in this order: level,msg")
    add("-t", "--timestamps", action="store_true", help="the time of each line before it")
    add(
        "--times",
        choices=["clock", "elapsed", "since"],
        help="times as a clock, since the first line, since the line above",
    )
    add("-l", "--selector", metavar="LABELS", help="pods with these labels")
    add("--field-selector", metavar="FIELDS", help="pods with these fields: status.phase=Failed")
    add("--node", metavar="NAME", help="pods on this node")
    name = {"action": "append", "default": [], "metavar": "NAME"}
    add("-c", "--container", help="only these containers of pods; `*` and `?` stand for any",
        **name)  # type: ignore[arg-type]  # fmt: skip
    add("--exclude-container", help="without these containers", **name)  # type: ignore[arg-type]
    add("--exclude-pod", help="without these pods", **name)  # type: ignore[arg-type]
    add(
        "-n",
        "--namespace",
        action=_Namespace,
        default=[],
        metavar="NS",
        help="where the pods are (`dev,prod`)",
    )
    add("-A", "--all-namespaces", action="store_true", help="in all namespaces")
    add("--context", action="append", default=[], metavar="NAME", help="in which cluster they are")
    add("--color", choices=["auto", "always", "never"], help="whether colours are written")
    add("-o", dest="output", choices=["json", "raw"], help="objects, or the bytes")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print it."""
    if args.tail is not None and args.tail < 0:
        raise UsageError(f"--tail {args.tail}: a number of lines")
    if args.output and (args.timestamps or args.times):
        said = "objects have their time" if args.output == "json" else "the bytes as they are"
        raise UsageError(f"-t and --times are of lines that are read; -o {args.output} is {said}")
    if args.color is not None and args.color != "auto":
        out.has_colour = args.color == "always"
    filters = _filters(args)
    printer = Printer(
        Look(
            filters=filters,
            since=_when(args.since, "--since"),
            until=_when(args.until, "--until"),
            tail=args.tail,
            output=args.output or "",
            follow=args.follow,
            offset_s=local_offset_s(),
            times="full" if args.timestamps and not args.times else args.times or "",
            highlights=_highlights(args, filters),
            fields="all" if args.columns else args.fields or "",
            around=max(args.around, 0),
            columns=tuple((args.columns or "").replace(",", " ").split()),
        ),
        out,
        diagnostics.note,
    )
    targets = _targets(args)
    code = diagnostics.DONE
    outside = [each for each in targets if _is_outside(each, args)]
    if outside:
        if len(outside) != len(targets):
            raise UsageError("stages and things outside of the project can't be shown together")
        from mltui.cli.logsoutside import print_outside

        code = print_outside(args, outside, printer)
    else:
        from mltui.cli.logstages import Stages

        with ExitStack() as stack:
            project = _project(targets)
            journal = stack.enter_context(closing(project.journal()))
            Stages(args, out, project, journal, printer, stack).print()
    printer.end()
    return code


def _in_cluster(args: argparse.Namespace) -> bool:
    """Whether something was said that only pods have."""
    return bool(
        args.namespace
        or args.all_namespaces
        or args.context
        or args.container
        or args.exclude_container
        or args.exclude_pod
        or args.field_selector
        or args.node
    )


def _targets(args: argparse.Namespace) -> list[str]:
    """As they are to be understood: a name alone is a stage's, or a pod's."""
    if not _in_cluster(args) and not args.selector:
        return list(args.targets)
    if args.selector and args.targets:
        raise UsageError(f"-l {args.selector} and {args.targets[0]}: one or the other")
    return [each if "/" in each else f"pod/{each}" for each in args.targets] or ["pod/*"]


def _is_outside(target: str, args: argparse.Namespace) -> bool:
    word, slash, name = target.partition("/")
    if word == "service" and _in_cluster(args):  # Kubernetes' own
        return True
    return bool(slash and name) and word not in _PLAIN and "[" not in word


def _project(targets: list[str]) -> Project:
    try:
        return Project.find(Path.cwd())
    except UsageError as error:
        if not targets:
            raise UsageError(f"{error}; of a cluster: `-n NS`, `-l LABELS`, `pod/NAME`") from None
        words = f"`pod/{targets[0]}`, `container/{targets[0]}` or `{targets[0]} -n NS`"
        raise UsageError(
            f"there is no project here, so {targets[0]} is no stage: {words} names one out there"
        ) from None


def _when(text: str | None, option: str) -> float | None:
    if text is None:
        return None
    found = read_when(text, time.time(), local_offset_s())
    if found is None:
        raise UsageError(f"{option} {text}: write 10m, 14:02, 14:02:09 or 2026-11-25T14:02")
    return found


def _filters(args: argparse.Namespace) -> list[Filter]:
    found: list[Filter] = []
    for option, patterns in (("--grep", args.grep), ("--exclude", args.exclude)):
        inverse = option == "--exclude"
        found += [Filter(each, _pattern(each, option), is_inverse=inverse) for each in patterns]
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


def _pattern(text: str, option: str) -> Pattern:
    try:
        return compile_pattern(text)
    except PatternError as error:
        raise UsageError(f"{option}: {error}") from None


def _highlights(args: argparse.Namespace, filters: Sequence[Filter]) -> list[Pattern]:
    """What is to stand out: what was asked for, and what lines were chosen by."""
    chosen = [each.pattern for each in filters if each.pattern is not None and not each.is_inverse]
    return [*chosen, *(_pattern(each, "--highlight") for each in args.highlight)]
