"""One monitor whose times a cluster keeps: told there, and what was measured taken from there.

Made by `monitoring` for monitors of services in a cluster. Measuring needs nothing of mltui;
deciding stays here: every measurement is taken once, with the time at which it was made, and is
judged like one that the supervisor made itself. Where the cluster can't or may not keep the times,
the supervisor does (`is_here`), and the monitor's line says why.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import time
from contextlib import suppress
from dataclasses import replace

from mltui.engines.hosting import Hosting
from mltui.engines.protocol import Attempt, Engine
from mltui.engines.scheduling import Made, Records, Schedules, Scheduling, Seen, Timetable
from mltui.errors import BuildFailed, Forbidden, MltuiError, StartFailed, Unreachable
from mltui.pipeline.gates import check_metrics
from mltui.runs import attempts
from mltui.runs.outputs import failure_of, read_metrics_file
from mltui.serving import client, records
from mltui.serving.ledger import Ledger
from mltui.serving.lonework import TIMEOUT_S, Lone, lay_out
from mltui.serving.making import Maker
from mltui.serving.measuring import Measuring, Outline, Unmeasured, services_of, too_few
from mltui.serving.replicas import mark_of
from mltui.serving.rows import MonitorRow, deployment_name
from mltui.spec.model import Monitor, Spec
from mltui.text.format import format_age

log = logging.getLogger("mltui.supervisor")

_CALM_S, _BUSY_S, _FALLEN_S = 10.0, 2.0, 60.0
_ANEW_S = 60.0
"""How often is looked whether something else is to be measured, beside what is noticed at once."""
_LATE_S = 120.0
"""So much later than its time a Job may be begun."""


class Scheduled:
    """The keeper of one monitor's times."""

    def __init__(self, row: MonitorRow, ledger: Ledger, maker: Maker, measuring: Measuring) -> None:
        self._name, self._target = row.name, row.target
        self._ledger, self._maker, self._measuring = ledger, maker, measuring
        self.is_here = False
        """The supervisor keeps the times."""
        self._by = f"{socket.gethostname()}-{mark_of(maker.project)}"
        self._wake = asyncio.Event()
        self._state: object = None
        self._spec: Spec | None = None
        self._outline: Outline | None = None
        self._outlined = 0.0
        self._outlined_at: object = None
        self._changed: int | None = None
        """What the cluster has is as it was told; None: it is not known."""

    def wake(self) -> None:
        """Something was written: see whether it concerns this one."""
        self._wake.set()

    async def keep(self) -> None:
        """Keep it until cancelled."""
        while True:
            await self._rest(await self.once())

    async def once(self) -> float:
        """Take what was measured, and have the cluster go on; how long nothing is to be done."""
        self._state = self._seen_state()
        try:
            return await self._turn()
        except Unmeasured:
            self._fall_back("")
        except Unreachable as error:
            self._say(str(error))
        except (Forbidden, StartFailed, BuildFailed) as error:
            self._fall_back(f"the supervisor measures it: {error}")
            return _FALLEN_S
        except MltuiError as error:
            self.is_here = not self._row().cronjob
            self._say(str(error))
        except Exception as error:
            log.exception("monitor %s@%s", self._name, self._target)
            self._say(f"the supervisor could not go on ({type(error).__name__}: {error})")
        return _CALM_S

    async def _rest(self, limit_s: float) -> None:
        """Until something else is wanted, or `limit_s` has passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self._seen_state() == self._state:
                    self._wake.clear()
                    await self._wake.wait()

    def _row(self) -> MonitorRow:
        found = self._ledger.monitor(self._name, self._target)
        assert found is not None
        return found

    def _seen_state(self) -> object:
        """Changes with what is wanted of it, with what serves and with `mltui.yaml`."""
        row = self._row()
        served = [
            (one.name, one.is_wanted, one.version, one.state)
            for one in self._ledger.deployments()
            if one.target == self._target
        ]
        serving = self._ledger.query(
            "SELECT deployment, number FROM versions WHERE course = 'serving'"
        )
        return row.is_wanted, row.every_s, served, serving, self._measuring.written_at()

    def _fall_back(self, why: str) -> None:
        self.is_here = True
        self._say(why)

    def _say(self, note: str, **columns: object) -> None:
        row = self._row()
        wanted = {"note": note, **columns}
        if any(getattr(row, name) != value for name, value in wanted.items()):
            self._ledger.change_monitor(row, "", "", **wanted)

    # --- one turn -------------------------------------------------------------------------------

    async def _turn(self) -> float:
        row = self._row()
        spec = self._spec = await asyncio.to_thread(self._maker.project.read_spec)
        monitor = spec.monitors.get(self._name)
        if monitor is None and row.is_wanted:
            what = "switched off: it is not in mltui.yaml any more"
            self._ledger.change_monitor(row, client.AUTOMATIC, what, wanted=0)
            row = self._row()
        engine = self._maker.engine_of(spec, self._target)
        schedules: Schedules | None = getattr(engine, "schedules", None)
        scheduling = Scheduling(
            f"{self._name}@{self._target}",
            f"{spec.name}-{self._name}",
            mark_of(self._maker.project),
        )
        why = self._why_here(monitor, row, schedules)
        if schedules is None or monitor is None or why is not None:
            if row.cronjob and schedules is not None:
                await schedules.take_down(scheduling)
            self._changed = None
            self.is_here = True
            self._say(why or "", cronjob="")
            return _CALM_S
        seen = await schedules.look(scheduling)
        await self._take(spec, monitor, row, schedules, seen)
        await self._have_told(spec, monitor, row, engine, schedules, scheduling, seen)
        self.is_here = False
        return self._judge(row, seen)

    def _why_here(
        self, monitor: Monitor | None, row: MonitorRow, schedules: Schedules | None
    ) -> str | None:
        """Why the cluster is not to keep its times; None when it is to."""
        if monitor is None or not row.is_wanted or schedules is None:
            return ""
        services = services_of(monitor)
        if not services:
            return "it reads no service: the supervisor measures it"
        if monitor.stage.target not in (None, self._target):
            return f"it runs on {monitor.stage.target}: the supervisor measures it"
        unfit = schedules.unfit(row.every_s)
        if unfit:
            return f"{unfit}: the supervisor measures it"
        for service in services:
            found = self._ledger.deployment(deployment_name(service, self._target))
            if found is None or not found.is_wanted:
                return f"{service}@{self._target} is not served"
        return None

    async def _have_told(
        self,
        spec: Spec,
        monitor: Monitor,
        row: MonitorRow,
        engine: Engine,
        schedules: Schedules,
        scheduling: Scheduling,
        seen: Seen,
    ) -> None:
        """See to it that the cluster measures what is to be measured now."""
        state = self._state
        is_old = time.monotonic() - self._outlined > _ANEW_S
        if self._outline is None or is_old or state != self._outlined_at:
            self._outline = await asyncio.to_thread(self._measuring.outline, spec, monitor, row)
            self._outlined, self._outlined_at = time.monotonic(), state
        made = self._outline
        sign = _sign(spec, row, made)
        if seen.sign == sign and seen.changed == self._changed:
            return
        wanted = await self._timetable(spec, monitor, row, engine, scheduling, made, sign)
        # Before it is there, so that it is never forgotten.
        self._say(row.note, cronjob=seen.object)
        try:
            changed = await schedules.tell(wanted)
        except (Forbidden, StartFailed):
            if seen.sign is None:
                self._say(row.note, cronjob="")
            raise
        finally:
            await asyncio.to_thread(self._tidy, wanted.attempt)
        label = f"{self._name}@{self._target}"
        if row.cronjob and seen.sign is None:
            what = "its CronJob was removed by somebody else: made again"
            self._ledger.note(client.AUTOMATIC, label, what)
        elif self._changed is not None and seen.sign == sign and changed != seen.changed:
            what = "its CronJob was changed by somebody else: put right"
            self._ledger.note(client.AUTOMATIC, label, what)
        self._changed = changed

    async def _timetable(
        self,
        spec: Spec,
        monitor: Monitor,
        row: MonitorRow,
        engine: Engine,
        scheduling: Scheduling,
        made: Outline,
        sign: str,
    ) -> Timetable:
        assert made.version is not None
        stage = monitor.stage
        folder = self._measuring.folder(row, 0).with_name("schedule")
        variables = {
            "MLTUI_RUN": str(made.run.number),
            "MLTUI_MODEL_AT": str(int(made.version.at)),
        }
        lone = Lone(
            f"{scheduling.name}-{scheduling.mark}-{self._target}",
            folder,
            spec,
            stage,
            self._target,
            made.code,
            made.values,
            made.params,
            variables,
        )
        attempt = await lay_out(self._maker, lone, engine)
        attempt = replace(
            attempt,
            labels={
                "mltui.project": spec.name,
                "mltui.monitor": self._name,
                "mltui.target": self._target,
            },
            timeout_s=stage.timeout_s or TIMEOUT_S,
        )
        paths = attempts.input_paths(spec, stage, "")
        given = tuple(
            Records(
                paths[name].lstrip("/"),
                Hosting(
                    deployment_name(one.service, self._target),
                    f"{spec.name}-{one.service}",
                    scheduling.mark,
                ),
                monitor.window_s or records.KEEP_S,
                self._ledger.served_since(deployment_name(one.service, self._target)),
            )
            for name, one in stage.inputs.items()
            if one.service is not None
        )
        return Timetable(
            scheduling,
            attempt,
            row.every_s,
            given,
            monitor.min_rows,
            made.version.number,
            made.version.at,
            sign,
        )

    def _tidy(self, attempt: Attempt) -> None:
        for folder in (attempt.work, attempt.secrets):
            if folder is not None:
                attempts.remove_tree(folder)

    def _judge(self, row: MonitorRow, seen: Seen) -> float:
        """Say how it stands and when it is due; how long nothing need be looked at."""
        obj = f"its CronJob {seen.object}"
        due_in = (seen.last_at or seen.made_at or seen.now) + row.every_s - seen.now
        note = ""
        if seen.is_paused:
            note = f"{obj} is suspended: nothing measures until somebody resumes it"
        elif due_in < -row.every_s - _LATE_S:
            ago = format_age(row.every_s - due_in)
            why = "its Job is still at work" if seen.is_busy else "the cluster has missed its times"
            note = f"{obj} was last due {ago} ago: {why}"
        next_at = time.time() + due_in
        if abs(next_at - self._row().next_at) < _BUSY_S:
            self._say(note)
        else:
            self._say(note, next_at=next_at)
        return _BUSY_S if seen.is_busy or due_in < _BUSY_S else min(_CALM_S, due_in)

    # --- what was measured ------------------------------------------------------------------------

    async def _take(
        self, spec: Spec, monitor: Monitor, row: MonitorRow, schedules: Schedules, seen: Seen
    ) -> None:
        """Every measurement into the journal, the oldest first; one run at most comes of them."""
        begun: int | None = None
        for made in seen.made:
            if made.is_over:
                begun = await self._take_one(spec, monitor, row, schedules, seen, made, begun)

    async def _take_one(
        self,
        spec: Spec,
        monitor: Monitor,
        row: MonitorRow,
        schedules: Schedules,
        seen: Seen,
        made: Made,
        begun: int | None,
    ) -> int | None:
        """One of them; the run that they have started so far."""
        obj = f"{seen.object.partition('/')[0]}/{made.name}"
        # A Job that has left nothing may have been collected: names are used once but by people.
        found = self._ledger.measured(obj, made.at if made.is_kept else None)
        if found is None or found.ended_at is None:
            number = found.id if found else self._ledger.begin_taking(row, made.at, obj)
            folder = self._measuring.folder(row, number)
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            resources = monitor.stage.resources
            attempt = Attempt(obj, {}, (), {}, folder, folder / "work", None, resources=resources)
            got = await schedules.collect(made, self._by, attempt)
            if got is None:  # another supervisor decides on it
                self._ledger.drop_measurement(number)
                await asyncio.to_thread(attempts.remove_tree, folder)
                return begun
            exit_, rows = got
            stage = replace(monitor.stage, timeout_s=monitor.stage.timeout_s or TIMEOUT_S)
            failure = failure_of(stage, exit_, None)
            metrics = read_metrics_file(folder / "metrics")
            run = None
            if failure is None and rows < monitor.min_rows:
                verdict, reason = "unmeasured", too_few(rows, monitor)
            else:
                if failure is None and stage.gate is not None:
                    failure = check_metrics(stage.gate, metrics)
                if failure is not None:
                    verdict, reason = "failed", f"{failure.message} (its log is {attempt.log})"
                else:
                    stale = self._stale(monitor, made, begun)
                    verdict, reason, run = self._measuring.judge(
                        spec, monitor, row, metrics.values, time.time(), stale
                    )
            log.info("monitor %s@%s: %s: %s %s", self._name, self._target, obj, verdict, reason)
            self._ledger.end_measurement(
                row,
                number,
                verdict=verdict,
                rows=rows,
                metrics=metrics.values,
                reason=reason,
                run=run,
            )
            await asyncio.to_thread(self._measuring.tidy_up, row, number)
            begun = run or begun
        if made.is_kept:
            await schedules.forget(made)
        return begun

    def _stale(self, monitor: Monitor, made: Made, begun: int | None) -> str:
        """Why a measurement is none to start a run by; empty when it is one."""
        if begun is not None:
            return f"run {begun} was started since"
        version, _ = self._measuring.source(monitor, self._row())
        if version is not None and version.number != made.version:
            return f"version {made.version}, which it measured, was replaced since"
        return ""


def _sign(spec: Spec, row: MonitorRow, made: Outline) -> str:
    """Another one where something else is to be measured, or at other times."""
    parts = (
        spec.text,
        row.every_s,
        made.version.number if made.version is not None else None,
        made.run.number,
        made.code,
        sorted((name, repr(value)) for name, value in made.values.items()),
        sorted((name, repr(value)) for name, value in made.params.items()),
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
