"""The logs of a run's stages, of builds and of services: found, and printed as they grow.

`mltui logs` asks for what is the project's own; files on this machine all of them.
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
from mltui.cli.logprint import POLL_S, Printed, Printer
from mltui.cli.output import Output
from mltui.cli.places import LogPlace, items_of, log_of
from mltui.errors import UsageError
from mltui.logs.index import LogIndex
from mltui.pipeline.rows import StageRow, State
from mltui.runs.journal import Journal
from mltui.runs.project import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mltui.serving.readings import Readings as ServingReadings

_OWN = ("build/", "service/")


class Stages:
    """What was asked for of one run, of builds and of services."""

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
        self._run: int | None = None
        self._shown: set[Path] = set()
        self._ledger: ServingReadings | None = None
        self._is_first = True

    @property
    def _number(self) -> int:
        """The run. UsageError when there is none."""
        if self._run is None:
            self._run = choose_run(self._journal, self._args.run).number
        return self._run

    def print(self) -> None:
        """All that was asked, as long as more may come."""
        targets = self._args.targets
        if self._args.previous:
            raise UsageError("--previous is of containers; of a stage: train~ROUND.ATTEMPT")
        is_one = len(targets) == 1 and not targets[0].startswith(_OWN)
        if is_one:
            is_one = self._wait_for(targets[0])
        if not is_one:
            self._join()
            if not self._printer.logs and not self._args.follow:
                raise UsageError(f"run {self._number} has no logs yet")
        self._is_first = False
        while True:
            is_over = not self._args.follow or self._printer.is_past or self._is_over()
            self._printer.step()
            if is_over:
                return
            time.sleep(POLL_S)
            if not is_one:
                self._join()

    def _is_over(self) -> bool:
        if not self._printer.is_over:
            return False
        targets = self._args.targets
        if any(target.startswith("service/") and self._is_served(target) for target in targets):
            return False
        if targets and not any(self._items(each) for each in targets):
            return True
        return choose_run(self._journal, self._number).state.is_final

    # --- one ------------------------------------------------------------------------------------

    def _wait_for(self, target: str) -> bool:
        """The log of one stage, once there is one; False: it has a log an item."""
        label = read_label(target)
        if self._items(target):
            return False
        row, place = self._look(target, label)
        if row is None or place is None:
            diagnostics.note(f"{target} has not started yet")
            while row is None or place is None:
                time.sleep(POLL_S)
                if self._items(target):
                    return False
                row, place = self._look(target, label)
        if not place.path.exists() and row.state.is_final:
            raise UsageError(f"the log of {place.title} is no longer kept")
        if not place.attempt or self._out.is_terminal:
            diagnostics.note(self._out.say(f"run {self._number} · {place.title}"))
        self._add(row, place, lambda: self._has_ended(target, label, place))
        return True

    def _look(self, target: str, label: Label) -> tuple[StageRow | None, LogPlace | None]:
        """The row as it is now, and its log once there is one."""
        follow, number = self._args.follow, self._number
        _, rows = self._journal.stages(number)
        if not rows and follow and not choose_run(self._journal, number).state.is_final:
            check_stage(self._project, label.stage)
            return None, None
        row = _shown(choose_rows(rows, label, target, number))
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

    def _items(self, target: str) -> list[StageRow]:
        """The items of a `for_each` stage that is named as a whole; none of any other."""
        if target.startswith(_OWN):
            return []
        label = read_label(target)
        _, rows = self._journal.stages(self._number)
        if not rows or label.item is not None:
            return []
        return items_of(_shown(choose_rows(rows, label, target, self._number)), rows)

    def _join(self) -> None:
        """Add the logs that are there now and were not before."""
        targets = self._args.targets
        named = [each for each in targets if not each.startswith(_OWN)]
        for target in targets:
            word, _, name = target.partition("/")
            if word == "build" and name:
                self._add_build(name)
            elif word == "service" and name:
                self._add_service(name)
        if targets and not named:
            return
        _, rows = self._journal.stages(self._number)
        wanted: list[tuple[StageRow, int]] = [] if named else [(row, 0) for row in rows]
        for target in named if rows else ():
            label = read_label(target)
            found = _shown(choose_rows(rows, label, target, self._number))
            items = items_of(found, rows) if label.item is None else []
            wanted += [(row, 0) for row in items] or [(found, label.attempt)]
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

        def is_over() -> bool:
            now = self._journal.build(key)
            return now is None or now.state.is_final

        path = self._project.folder / build.log
        self._print(path, f"build of {build.environment}", is_over, about={"build": key})

    def _add_service(self, key: str) -> None:
        """The logs of the replicas there are, or of one by its number."""
        from mltui.serving.replicas import folder_of
        from mltui.serving.rows import Health

        deployment, number = self._deployment(key)
        ledger = self._serving()
        found = ledger.replicas(deployment, gone=bool(number))
        if number:
            found = [one for one in found if str(one.number) == number]
        if not found and self._is_first and (number or not self._args.follow):
            raise UsageError(f"there is no replica {key}: `mltui ls replicas --all` lists them")
        for one in found:
            path = folder_of(self._project, deployment) / str(one.number) / "log"

            def is_over(wanted: int = one.number) -> bool:
                now = {each.number: each for each in ledger.replicas(deployment)}
                return wanted not in now or now[wanted].health is Health.GONE

            about = {"service": deployment, "replica": one.number}
            if path.exists():
                label = f"{deployment}/{one.number}"
                self._print(path, label, is_over, begun_at=one.made_at, about=about)

    def _deployment(self, key: str) -> tuple[str, str]:
        """The name of a deployment, and the number of one of its replicas. UsageError."""
        from mltui.serving import client

        name, _, number = key.partition("/")
        return client.find(self._project, name).name, number

    def _serving(self) -> ServingReadings:
        from mltui.serving import client

        if self._ledger is None:
            self._ledger = self._stack.enter_context(closing(client.read(self._project)))
        return self._ledger

    def _is_served(self, target: str) -> bool:
        """Whether replicas may come: of a service as a whole, as long as it is wanted."""
        name, number = self._deployment(target.partition("/")[2])
        found = self._serving().deployment(name)
        return not number and found is not None and found.is_wanted

    def _add(self, row: StageRow, place: LogPlace, is_over: Callable[[], bool]) -> None:
        about = {
            "run": row.run,
            "stage": row.stage,
            "item": row.item,
            "round": row.round,
            "round_path": list(row.path),
            "attempt": place.attempt,
        }
        self._print(place.path, place.title, is_over, begun_at=row.started_at or 0.0, about=about)

    def _print(
        self,
        path: Path,
        label: str,
        is_over: Callable[[], bool],
        *,
        begun_at: float = 0.0,
        about: dict[str, Any],
    ) -> None:
        """One more log, unless it is shown."""
        if path in self._shown:
            return
        self._shown.add(path)
        if self._args.follow and not self._is_first:
            diagnostics.note(self._out.say(f"{label} joined"))
        index = self._stack.enter_context(closing(LogIndex(path)))
        self._printer.add(
            Printed(
                label,
                index,
                is_over,
                begun_at=begun_at,
                about={**about, "line": 0},
                says_end=self._args.follow and not is_over(),
            )
        )


def _shown(rows: list[StageRow]) -> StageRow:
    """Of all rows a label names: what runs, else what failed last, else the newest with a log."""
    wholes = [row for row in rows if row.item is None] or rows
    for wanted in (State.RUNNING, State.UNKNOWN):
        if found := [row for row in wholes if row.state is wanted]:
            return found[-1]
    begun = [row for row in wholes if row.attempt or row.state is State.CACHED]
    return (begun or wholes)[-1]
