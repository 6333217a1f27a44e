"""`mltui logs`: what a stage printed. Safe on a terminal; byte for byte with `-o raw`."""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.choose import check_stage, choose_rows, choose_run, read_label
from mltui.cli.colours import painted
from mltui.cli.output import Output
from mltui.cli.places import LogPlace, log_of, whole_without_log
from mltui.errors import UsageError
from mltui.logs.index import LogIndex
from mltui.logs.sanitize import plain
from mltui.logs.search import Pattern, PatternError, compile_pattern, matching
from mltui.logs.sieve import Sieve
from mltui.pipeline.rows import StageRow, State
from mltui.runs.project import Project

EPILOG = """\
examples:
  mltui logs train                 the newest round, its last attempt
  mltui logs train~3.2             round 3, second attempt
  mltui logs 'translate[en-es]'    one item of a for_each stage
  mltui logs train -f              and what it prints from now on
  mltui logs train --grep 'loss nan|Error'
  mltui logs train -o raw > train.log
"""

POLL_S = 0.1
_STEP_LINES = 2_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("stage", metavar="STAGE[~ROUND[.ATTEMPT]]", help="whose log")
    parser.add_argument("--run", type=int, metavar="N", help="of run N (the newest)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it has ended")
    parser.add_argument("-n", "--tail", type=int, metavar="N", help="only the last N lines")
    parser.add_argument("--grep", metavar="PATTERN", help="only lines that match")
    parser.add_argument("-o", dest="output", choices=["json", "raw"], help="objects, or the bytes")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print it."""
    if args.tail is not None and args.tail < 0:
        raise UsageError(f"--tail {args.tail}: a number of lines")
    pattern = _pattern(args.grep)
    if args.output == "raw" and pattern is not None:
        raise UsageError("-o raw gives the bytes as they are: leave --grep out")
    project = Project.find(Path.cwd())
    label = read_label(args.stage)
    with closing(project.journal()) as journal:
        number = choose_run(journal, args.run).number

        def look() -> tuple[StageRow | None, LogPlace | None]:
            """The row as it is now, and its log once there is one."""
            _, rows = journal.stages(number)
            if not rows and args.follow and not choose_run(journal, number).state.is_final:
                check_stage(project, label.stage)
                return None, None
            row = _shown(choose_rows(rows, label, args.stage, number))
            wrong = whole_without_log(row, rows)
            if wrong is not None:
                raise wrong
            if args.follow and not row.state.is_final and not row.attempt and row.build is None:
                return row, None
            return row, log_of(project, journal, row, label.attempt)

        row, place = look()
        if row is None or place is None:
            diagnostics.note(f"{args.stage} has not started yet")
            while row is None or place is None:
                time.sleep(POLL_S)
                row, place = look()
        if not place.path.exists() and row.state.is_final:
            raise UsageError(f"the log of {place.title} is no longer kept")
        if not place.attempt or out.is_terminal:
            diagnostics.note(out.say(f"run {number} · {place.title}"))

        def has_ended() -> bool:
            """Whether nothing will be written to it any more."""
            now, _ = look()
            return (
                now is None
                or now.state.is_final
                or (place.attempt != 0 and now.attempt > place.attempt)
            )

        writer = _Writer(row, place, out, args)
        follow = has_ended if args.follow else None
        with closing(LogIndex(place.path)) as index:
            if args.output == "raw":
                _copy(index, args.tail, follow, out)
            else:
                writer.write(_lines(index, pattern, args.tail, follow, out))
    return diagnostics.DONE


def _pattern(source: str | None) -> Pattern | None:
    try:
        return compile_pattern(source) if source is not None else None
    except PatternError as error:
        raise UsageError(f"--grep: {error}") from None


def _shown(rows: list[StageRow]) -> StageRow:
    """Of all rows a label names: what runs, else what failed last, else the newest with a log."""
    wholes = [row for row in rows if row.item is None] or rows
    for wanted in (State.RUNNING, State.UNKNOWN):
        if found := [row for row in wholes if row.state is wanted]:
            return found[-1]
    begun = [row for row in wholes if row.attempt or row.state is State.CACHED]
    return (begun or wholes)[-1]


def _lines(
    index: LogIndex,
    pattern: Pattern | None,
    tail: int | None,
    has_ended: Callable[[], bool] | None,
    out: Output,
) -> Iterator[tuple[int, bytes]]:
    """Line numbers (from 0) and bytes, to the end or as long as more may come."""
    _read_all(index)
    sieve = Sieve(index, matching(index, pattern)) if pattern is not None else None
    shown, generation = 0, index.generation
    if tail is not None and sieve is None:
        shown = max(0, index.line_count - tail)
    is_first = True
    while True:
        is_over = has_ended is None or has_ended()
        _read_all(index)
        if index.generation != generation:
            generation, shown = index.generation, 0
            diagnostics.note(index.notice)
        # A last line that is not finished yet waits, as long as it can be.
        end = index.line_count - (index.is_open_ended and not is_over)
        if sieve is None:
            while shown < end:
                step = min(end, shown + _STEP_LINES)
                yield from zip(range(shown, step), index.lines(shown, step), strict=True)
                shown = step
        elif shown < end:
            begin = index.position(shown)
            found = (
                (number, position)
                for block in range(index.block_of(begin), index.block_count)
                for position in sieve.at(block)
                if position >= begin and (number := index.number(position)) is not None
            )
            wanted: Iterable[tuple[int, int]] = (each for each in found if each[0] < end)
            if is_first and tail is not None:
                wanted = deque(wanted, maxlen=tail)
            for number, position in wanted:
                yield number, index.read([position])[0]
            shown = end
        is_first = False
        if is_over:
            return
        out.flush()
        time.sleep(POLL_S)


def _read_all(index: LogIndex) -> None:
    index.refresh()
    while index.behind_bytes:
        index.refresh()


def _copy(
    index: LogIndex, tail: int | None, has_ended: Callable[[], bool] | None, out: Output
) -> None:
    """The bytes of the file."""
    _read_all(index)
    offset = 0
    if tail is not None:
        first = max(0, index.line_count - tail)
        offset = index.position(first) if first < index.line_count else index.scanned_bytes
    while True:
        is_over = has_ended is None or has_ended()
        _read_all(index)
        while data := index.pread(1 << 18, offset):
            out.raw(data)
            offset += len(data)
        if is_over:
            return
        out.flush()
        time.sleep(POLL_S)


class _Writer:
    """Lines as text or as objects."""

    def __init__(
        self, row: StageRow, place: LogPlace, out: Output, args: argparse.Namespace
    ) -> None:
        self._row = row
        self._place = place
        self._out = out
        self._is_json = args.output == "json"
        self._is_stream = args.follow

    def write(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """All of them, as they come."""
        objects = (self._object(number, line) for number, line in lines)
        if not self._is_json:
            show = painted if self._out.has_colour else plain
            for _, line in lines:
                self._out.line(show(line))
        elif self._is_stream:
            for found in objects:
                self._out.json_line(found)
        else:
            self._out.json_list(objects)

    def _object(self, number: int, line: bytes) -> dict[str, Any]:
        row = self._row
        return {
            "run": row.run,
            "stage": row.stage,
            "item": row.item,
            "round": row.round,
            "round_path": list(row.path),
            "attempt": self._place.attempt,
            "line": number + 1,
            "text": plain(line),
        }
