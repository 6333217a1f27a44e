"""Monitors on their schedule: measured, judged, and a run started when the gate is not passed.

Made once by the supervisor. A monitor that was due while the machine slept runs once. What a run
that it started has made is put into a contest with what serves, and promoted only if it wins.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from mltui.errors import MltuiError, UsageError
from mltui.pipeline.gates import gap, judge
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import State, Verdict
from mltui.runs import client as runs
from mltui.runs.attempts import remove_tree
from mltui.runs.code import take_snapshot
from mltui.runs.lock import runner_status
from mltui.runs.planning import NO_CODE, environment_files
from mltui.runs.rows import RunRequest, RunRow
from mltui.serving import client, contest, records
from mltui.serving.ledger import Ledger
from mltui.serving.lonework import Lone, Measured, abandon, perform
from mltui.serving.making import Maker
from mltui.serving.releases import inputs_of, service_of
from mltui.serving.replicas import FOLDER, mark_of
from mltui.serving.rows import Course, Measurement, MonitorRow, Version, deployment_name
from mltui.spec.model import Monitor, Spec
from mltui.text.format import format_duration

log = logging.getLogger("mltui.supervisor")

_LOOK_S = 0.5
_RUNNER_S = 10.0
_NEVER = 0.0
KEPT_FOLDERS = 100
"""Logs of measurements that are kept, of each monitor."""


class Monitors:
    """The monitors of one supervisor."""

    def __init__(self, ledger: Ledger, maker: Maker) -> None:
        self._ledger, self._maker = ledger, maker
        self._project = maker.project
        self._tasks: dict[tuple[str, ...], asyncio.Task[None]] = {}
        self._is_new = True

    async def keep(self) -> None:
        """Keep to the schedule until cancelled."""
        while True:
            if self._is_new:
                await self._tidy()
                self._is_new = False
            now = time.time()
            for row in self._ledger.monitors():
                key = (row.name, row.target)
                is_due = row.is_wanted and row.next_at <= now
                if (is_due or row.asked_at is not None) and key not in self._tasks:
                    self._spawn(key, self._measure(row, now))
            for found in self._ledger.open_outcomes():
                key = ("outcome", str(found.id))
                if key not in self._tasks:
                    self._spawn(key, self._follow(found))
            await asyncio.sleep(_LOOK_S)

    def let_go(self) -> list[asyncio.Task[None]]:
        """Drop what is under way; wait for these."""
        for task in self._tasks.values():
            task.cancel()
        return list(self._tasks.values())

    def _spawn(self, key: tuple[str, ...], work: object) -> None:
        task = asyncio.create_task(work)  # type: ignore[arg-type, var-annotated]
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._tasks.pop(key, None))

    async def _tidy(self) -> None:
        """What an earlier supervisor was measuring is ended and measured again."""
        for row in self._ledger.monitors():
            if row.running_since is None:
                continue
            for found in self._ledger.measurements(row.name, row.target, limit=1):
                if found.ended_at is None:
                    with suppress(MltuiError):
                        spec = self._project.read_spec()
                        own = (
                            spec.monitors[row.name].stage.target
                            if row.name in spec.monitors
                            else None
                        )
                        engine = self._maker.engine_of(spec, own or row.target)
                        folder = self._folder(row, found.id)
                        await abandon(engine, self._name(row, found.id), folder)
                    why = "the supervisor ended meanwhile; it is measured again"
                    self._ledger.end_measurement(row, found.id, verdict="failed", reason=why)
            self._ledger.change_monitor(row, "", "", running_since=None, next_at=time.time())

    def _folder(self, row: MonitorRow, number: int) -> Path:
        return self._project.folder / FOLDER / "monitors" / f"{row.name}@{row.target}" / str(number)

    def _name(self, row: MonitorRow, number: int) -> str:
        return (
            f"{self._project.root.name}-{mark_of(self._project)}-{row.name}-{row.target}-{number}"
        )

    def _tidy_up(self, row: MonitorRow, number: int) -> None:
        """A window that nothing was given, and what the oldest measurements printed."""
        folder = self._folder(row, number)
        for window in folder.parent.glob(f"{number}.*"):
            window.unlink(missing_ok=True)
        found = (int(one.name) for one in folder.parent.glob("[0-9]*") if one.name.isdecimal())
        for old in sorted(found)[:-KEPT_FOLDERS]:
            remove_tree(folder.with_name(str(old)))

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
                verdict, reason = (
                    "unmeasured",
                    f"{rows:,} of the {monitor.min_rows:,} records needed",
                )
            else:
                measured = await perform(
                    self._maker, lone, partial(self._ledger.say_meanwhile, number)
                )
                reason = measured.problem
                if not reason:
                    verdict, reason, run = self._judge(spec, monitor, row, measured, now)
        except _Unmeasured as error:
            verdict, reason = "unmeasured", str(error)
        except MltuiError as error:
            verdict, reason = "failed", str(error)
        except Exception as error:
            log.exception("monitor %s", row.name)
            reason = f"the supervisor could not measure it ({type(error).__name__}: {error})"
        finally:
            await asyncio.to_thread(self._tidy_up, row, number)
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
        services = [one.service for one in stage.inputs.values() if one.service is not None]
        version, run = self._source(services, row)
        with closing(self._project.journal()) as journal:
            wanted = {n: one for n, one in stage.inputs.items() if one.service is None}
            found = inputs_of(self._project, self._maker.store, journal, run, wanted, monitor.name)
        folder = self._folder(row, number)
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

        code = NO_CODE
        if spec.code != ():
            globs = spec.code if stage.code is None else stage.code
            exclude = environment_files(spec)
            code = take_snapshot(self._project.root, globs, exclude, self._maker.store).digest
        values = {
            name: InputValue(artifact=one.artifact) if one.artifact else InputValue(items=one.items)
            for name, one in found.items()
        }
        age_s = 0 if version is None else max(0, int(now - version.at))
        params = {name: spec.params[name] for name in stage.params if name in spec.params}
        return (
            Lone(
                self._name(row, number),
                folder,
                spec,
                stage,
                row.target,
                code,
                values,
                params,
                {"MLTUI_MODEL_AGE_S": str(age_s), "MLTUI_RUN": str(run.number)},
                fill,
            ),
            rows,
        )

    def _source(self, services: list[str], row: MonitorRow) -> tuple[Version | None, RunRow]:
        """The version that serves, and the run whose data it was trained on."""
        with closing(self._project.journal()) as journal:
            for service in services:
                version = self._serving(deployment_name(service, row.target))
                if version is None:
                    raise _Unmeasured(f"{service}@{row.target} serves nothing yet")
                run = None if version.run is None else journal.run(version.run)
                if run is None:
                    raise UsageError(f"run {version.run}, which made what serves, is gone")
                return version, run
            done = [one for one in journal.runs(limit=200) if one.state is State.SUCCEEDED]
        if not done:
            raise _Unmeasured("no run has succeeded yet")
        return None, done[0]

    def _serving(self, deployment: str) -> Version | None:
        found = self._ledger.versions(deployment, limit=50)
        return next((v for v in found if v.course is Course.SERVING), None)

    def _judge(
        self, spec: Spec, monitor: Monitor, row: MonitorRow, measured: Measured, now: float
    ) -> tuple[str, str, int | None]:
        """Verdict, its reason, and the run that it started."""
        gate = monitor.stage.gate
        if gate is None:
            return Verdict.PASSED.value, "", None
        verdict = judge(gate, measured.metrics, spec.params, 1)
        if verdict is not Verdict.NOT_PASSED:
            return verdict.value, "", None
        why = gap(gate, measured.metrics, spec.params)
        trigger = gate.trigger
        if trigger is None:
            return verdict.value, why, None
        begun = self.begun(row.name)
        if begun is not None:
            return verdict.value, why, begun
        if trigger.at_most is not None and trigger.per_s is not None:
            started = self._ledger.runs_since(row.name, row.target, now - trigger.per_s)
            if started >= trigger.at_most:
                limit = f"{trigger.at_most} per {format_duration(trigger.per_s)}"
                return verdict.value, f"{why}; no run: {limit} at most", None
        if self._ledger.open_outcomes():
            busy = self._ledger.open_outcomes()[0].run
            return verdict.value, f"{why}; no run: run {busy} is still at work", None
        services = [one.service for one in monitor.stage.inputs.values() if one.service]
        _, source = self._source(services, row)
        overrides = {n: t for n, t in source.request.overrides.items() if n in spec.params}
        request = RunRequest(
            target=source.target,
            start_from=(trigger.run_from,),
            overrides=overrides,
            trigger=f"{_triggered(row.name)}{why}",
        )
        return verdict.value, why, runs.submit(self._project, request).run

    def begun(self, name: str) -> int | None:
        """A run that an earlier supervisor started for a monitor and could not note any more."""
        noted = {row[0] for row in self._ledger.query("SELECT run FROM measurements")}
        kept = self._ledger.query("SELECT min(at) FROM measurements WHERE monitor = ?", name)
        since = kept[0][0] or 0.0  # what came of measurements before is no longer known
        with closing(self._project.journal()) as journal:
            for run in journal.runs(limit=20):
                trigger = run.request.trigger or ""
                is_new = run.number not in noted and run.created_at >= since
                if is_new and trigger.startswith(_triggered(name)):
                    return run.number
        return None

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
            serving = self._serving(deployment)
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


class _Unmeasured(Exception):
    """There is nothing to measure (yet)."""


def _triggered(name: str) -> str:
    return f"monitor {name}: "


def next_due(row: MonitorRow, now: float) -> float:
    """When a monitor is due after it has run now: of what was missed nothing is caught up."""
    if row.next_at > now:
        return row.next_at
    return row.next_at + row.every_s * (math.floor((now - row.next_at) / row.every_s) + 1)


def _watched(spec: Spec, monitor: Monitor) -> list[str]:
    """The services whose models a monitor's runs may replace: those it reads, else all."""
    reads = [one.service for one in monitor.stage.inputs.values() if one.service is not None]
    return reads or list(spec.services)
