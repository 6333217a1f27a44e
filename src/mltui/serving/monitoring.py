"""Monitors on their schedule: measured, judged, and a run started when the gate is not passed.

Made once by the supervisor. A monitor that was due while the machine slept runs once. What a run
that it started has made is put into a contest with what serves, and promoted only if it wins.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Coroutine, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from mltui.errors import MltuiError, UsageError
from mltui.pipeline.rows import State
from mltui.runs import client as runs
from mltui.runs.lock import runner_status
from mltui.runs.rows import RunRow
from mltui.serving import client, contest, records
from mltui.serving.hosted import HOSTED
from mltui.serving.ledger import Ledger
from mltui.serving.lonework import Lone, Measured, abandon, perform
from mltui.serving.making import Maker
from mltui.serving.measuring import Measuring, Unmeasured, too_few
from mltui.serving.releases import service_of
from mltui.serving.replicas import mark_of
from mltui.serving.rows import Measurement, MonitorRow, Version, deployment_name
from mltui.serving.scheduled import Scheduled
from mltui.spec.model import Monitor, Spec

log = logging.getLogger("mltui.supervisor")

_LOOK_S = 0.5
_RUNNER_S = 10.0
_NEVER = 0.0


class Monitors:
    """The monitors of one supervisor."""

    def __init__(self, ledger: Ledger, maker: Maker) -> None:
        self._ledger, self._maker = ledger, maker
        self._project = maker.project
        self._measuring = Measuring(ledger, maker)
        self._scheduled: dict[tuple[str, str], Scheduled] = {}
        """Those that a cluster may measure."""
        self._tasks: dict[tuple[str, ...], asyncio.Task[None]] = {}
        self._is_new = True
        self._noticed: object = None

    def notice(self) -> None:
        """Called often: where anything was written, those that a cluster measures look again."""
        if self._scheduled:
            found = (self._ledger.written(), self._measuring.written_at())
            if found != self._noticed:
                self._noticed = found
                for each in self._scheduled.values():
                    each.wake()

    async def keep(self) -> None:
        """Keep to the schedule until cancelled."""
        while True:
            if self._is_new:
                await self._tidy()
                self._is_new = False
            now = time.time()
            for row in self._ledger.monitors():
                key = (row.name, row.target)
                is_here = self._is_here(row)
                is_due = row.is_wanted and row.next_at <= now and is_here
                if (is_due or row.asked_at is not None) and key not in self._tasks:
                    self._spawn(key, self._measure(row, now))
            for found in self._ledger.open_outcomes():
                key = ("outcome", str(found.id))
                if key not in self._tasks:
                    self._spawn(key, self._follow(found))
            await asyncio.sleep(_LOOK_S)

    def _is_here(self, row: MonitorRow) -> bool:
        """Whether the supervisor keeps a monitor's times; else a cluster does."""
        key = (row.name, row.target)
        if key not in self._scheduled:
            may_be_there = row.is_wanted and self._ledger.has_engine(row.target, HOSTED)
            if not (row.cronjob or may_be_there):
                return True
            made = Scheduled(row, self._ledger, self._maker, self._measuring)
            self._scheduled[key] = made
            self._spawn(("scheduled", *key), made.keep())
        return self._scheduled[key].is_here

    def let_go(self) -> list[asyncio.Task[None]]:
        """Drop what is under way; wait for these."""
        for task in self._tasks.values():
            task.cancel()
        return list(self._tasks.values())

    def _spawn(self, key: tuple[str, ...], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._tasks.pop(key, None))

    async def _tidy(self) -> None:
        """What an earlier supervisor was measuring is ended and measured again."""
        for row in self._ledger.monitors():
            if row.running_since is None:
                continue
            for found in self._ledger.measurements(row.name, row.target):
                if found.ended_at is None and not found.object:
                    with suppress(MltuiError):
                        spec = self._project.read_spec()
                        own = (
                            spec.monitors[row.name].stage.target
                            if row.name in spec.monitors
                            else None
                        )
                        engine = self._maker.engine_of(spec, own or row.target)
                        folder = self._measuring.folder(row, found.id)
                        await abandon(engine, self._name(row, found.id), folder)
                    why = "the supervisor ended meanwhile; it is measured again"
                    self._ledger.end_measurement(row, found.id, verdict="failed", reason=why)
            self._ledger.change_monitor(row, "", "", running_since=None, next_at=time.time())

    def _name(self, row: MonitorRow, number: int) -> str:
        return (
            f"{self._project.root.name}-{mark_of(self._project)}-{row.name}-{row.target}-{number}"
        )

    # --- measuring ------------------------------------------------------------------------------

    async def _measure(self, row: MonitorRow, now: float) -> None:
        number = self._ledger.begin_measurement(row, now, next_due(row, now))
        verdict, rows, run = "failed", 0, None
        measured = Measured({})
        reason = ""
        try:
            spec = await asyncio.to_thread(self._project.read_spec)
            monitor = spec.monitors.get(row.name)
            if monitor is None:
                self._ledger.change_monitor(
                    row,
                    client.AUTOMATIC,
                    "switched off: it is not in mltui.yaml any more",
                    wanted=0,
                )
                raise UsageError(f"there is no monitor `{row.name}` in mltui.yaml any more")
            lone, rows = await asyncio.to_thread(self._prepare, spec, monitor, row, number, now)
            if rows < monitor.min_rows:
                verdict, reason = "unmeasured", too_few(rows, monitor)
            else:
                measured = await perform(
                    self._maker, lone, partial(self._ledger.say_meanwhile, number)
                )
                reason = measured.problem
                if not reason:
                    verdict, reason, run = self._measuring.judge(
                        spec, monitor, row, measured.metrics, now
                    )
        except Unmeasured as error:
            verdict, reason = "unmeasured", str(error)
        except MltuiError as error:
            verdict, reason = "failed", str(error)
        except Exception as error:
            log.exception("monitor %s", row.name)
            reason = f"the supervisor could not measure it ({type(error).__name__}: {error})"
        finally:
            await asyncio.to_thread(self._measuring.tidy_up, row, number)
        log.info("monitor %s@%s: %s %s", row.name, row.target, verdict, reason)
        self._ledger.end_measurement(
            row,
            number,
            verdict=verdict,
            rows=rows,
            metrics=measured.metrics,
            reason=reason,
            run=run,
        )

    def _prepare(
        self, spec: Spec, monitor: Monitor, row: MonitorRow, number: int, now: float
    ) -> tuple[Lone, int]:
        """Everything that the monitor's stage needs, and how many records there are. Blocks."""
        stage = monitor.stage
        made = self._measuring.outline(spec, monitor, row)
        folder = self._measuring.folder(row, number)
        since = now - (monitor.window_s or math.inf)
        rows = 0
        files: dict[str, Path] = {}
        with closing(Ledger.open(self._ledger.folder, write=True)) as ledger:
            for name, one in stage.inputs.items():
                if one.service is not None:
                    files[name] = folder.with_name(f"{folder.name}.{name}")
                    deployment = deployment_name(one.service, row.target)
                    records.note_sizes(self._project, ledger, deployment)
                    window = records.write_window(
                        self._project, ledger, deployment, since, files[name]
                    )
                    rows += window.rows

        def fill(work: Path, paths: Mapping[str, str]) -> None:
            for name, file in files.items():
                (work / "inputs").mkdir(exist_ok=True)
                file.replace(paths[name])

        age_s = 0 if made.version is None else max(0, int(now - made.version.at))
        return (
            Lone(
                self._name(row, number),
                folder,
                spec,
                stage,
                row.target,
                made.code,
                made.values,
                made.params,
                {"MLTUI_MODEL_AGE_S": str(age_s), "MLTUI_RUN": str(made.run.number)},
                fill,
            ),
            rows,
        )

    # --- what came of it ------------------------------------------------------------------------

    async def _follow(self, found: Measurement) -> None:
        """Wait for the run that a monitor started; then the better model serves."""
        assert found.run is not None
        try:
            run = await self._await_run(found.run)
            if run is None:
                outcome = f"run {found.run} is gone"
            elif run.state is not State.SUCCEEDED:
                outcome = f"run {run.number} {run.state}: {run.reason}".rstrip(": ")
            else:
                outcome = await self._compare(found, run)
        except MltuiError as error:
            outcome = str(error)
        except Exception as error:
            log.exception("what came of run %d", found.run)
            outcome = f"it could not be compared ({type(error).__name__}: {error})"
        log.info("monitor %s@%s: %s", found.monitor, found.target, outcome)
        self._ledger.set_outcome(found.id, outcome)

    async def _await_run(self, number: int) -> RunRow | None:
        """The run once it is over. Nobody else may be there to start a runner for it."""
        looked = _NEVER
        with closing(self._project.journal()) as journal:
            while True:
                run = journal.run(number)
                if run is None or (run.state.is_final and run.state is not State.PAUSED):
                    return run
                if time.monotonic() - looked > _RUNNER_S:
                    looked = time.monotonic()
                    is_left = run.state in (State.PENDING, State.RUNNING)
                    if is_left and not runner_status(self._project).alive:
                        runs.ensure_runner(self._project)
                await asyncio.sleep(_LOOK_S)

    async def _compare(self, found: Measurement, run: RunRow) -> str:
        spec = await asyncio.to_thread(self._project.read_spec)
        monitor = spec.monitors.get(found.monitor)
        names = [] if monitor is None else _watched(spec, monitor)
        said = []
        for name in dict.fromkeys(names):
            deployment = deployment_name(name, found.target)
            serving = self._measuring.serving(deployment)
            if serving is not None:
                said.append(await self._contest(spec, name, found, serving, run))
        return (
            "; ".join(said) or f"run {run.number} succeeded; nothing serves that it could replace"
        )

    async def _contest(
        self, spec: Spec, name: str, found: Measurement, serving: Version, run: RunRow
    ) -> str:
        service = service_of(spec, name)
        change = await asyncio.to_thread(
            lambda: client.preview_deploy(
                self._project,
                name,
                target=found.target,
                run=run.number,
                by=client.AUTOMATIC,
                why=f"better than version {serving.number} (monitor {found.monitor})",
            )
        )
        result = await contest.hold(self._maker, service, serving, change.version, found.id)
        if not result.is_better:
            self._ledger.note(
                client.AUTOMATIC,
                serving.deployment,
                f"kept version {serving.number}: {result.sentence}",
            )
            return f"version {serving.number} stays: {result.sentence}"
        if change.needs_confirmation:
            return (
                f"{result.sentence}; {change.needs_confirmation}: "
                f"`mltui deploy {name} --run {run.number} --target {found.target}`"
            )
        number = await asyncio.to_thread(client.apply, self._project, change)
        return f"version {number}: {result.sentence}"


def next_due(row: MonitorRow, now: float) -> float:
    """When a monitor is due after it has run now: of what was missed nothing is caught up."""
    if row.next_at > now:
        return row.next_at
    return row.next_at + row.every_s * (math.floor((now - row.next_at) / row.every_s) + 1)


def _watched(spec: Spec, monitor: Monitor) -> list[str]:
    """The services whose models a monitor's runs may replace: those it reads, else all."""
    reads = [one.service for one in monitor.stage.inputs.values() if one.service is not None]
    return reads or list(spec.services)
