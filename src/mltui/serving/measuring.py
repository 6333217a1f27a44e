"""What a monitor measures, and what follows from it, whoever ran its stage.

Shared by `monitoring`, where the supervisor measures, and `scheduled`, where a cluster does. Here
is decided whether a run starts: once for each drift, and no more often than the gate says.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import UsageError
from mltui.pipeline.gates import gap, judge
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import State, Verdict
from mltui.runs import client as runs
from mltui.runs.attempts import remove_tree
from mltui.runs.code import take_snapshot
from mltui.runs.planning import NO_CODE, environment_files
from mltui.runs.project import SPEC_FILE
from mltui.runs.rows import RunRequest, RunRow
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.releases import inputs_of
from mltui.serving.replicas import FOLDER
from mltui.serving.rows import Course, MonitorRow, Version, deployment_name
from mltui.spec.model import Monitor, ParamValue, Spec
from mltui.text.format import format_duration

KEPT_FOLDERS = 100
"""Logs of measurements that are kept, of each monitor."""


class Unmeasured(Exception):
    """There is nothing to measure (yet)."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a monitor's stage is run with, but for what services recorded."""

    version: Version | None
    """What serves."""
    run: RunRow
    """Its inputs are those of this run."""
    code: str
    values: Mapping[str, InputValue]
    params: Mapping[str, ParamValue]


class Measuring:
    """The monitors' common ground, of one supervisor."""

    def __init__(self, ledger: Ledger, maker: Maker) -> None:
        self._ledger, self._maker = ledger, maker
        self._project = maker.project

    def folder(self, row: MonitorRow, number: int) -> Path:
        """Where a measurement has its log and its metrics."""
        return self._project.folder / FOLDER / "monitors" / f"{row.name}@{row.target}" / str(number)

    def tidy_up(self, row: MonitorRow, number: int) -> None:
        """A window that nothing was given, and what the oldest measurements printed."""
        folder = self.folder(row, number)
        for window in folder.parent.glob(f"{number}.*"):
            window.unlink(missing_ok=True)
        found = (int(one.name) for one in folder.parent.glob("[0-9]*") if one.name.isdecimal())
        for old in sorted(found)[:-KEPT_FOLDERS]:
            remove_tree(folder.with_name(str(old)))

    def written_at(self) -> int:
        """When `mltui.yaml` was written, in nanoseconds; 0 where it is not there."""
        try:
            return (self._project.root / SPEC_FILE).stat().st_mtime_ns
        except OSError:
            return 0

    def outline(self, spec: Spec, monitor: Monitor, row: MonitorRow) -> Outline:
        """What it is measured with now. Unmeasured, UsageError, CodeError. Blocks."""
        stage = monitor.stage
        version, run = self.source(monitor, row)
        with closing(self._project.journal()) as journal:
            wanted = {n: one for n, one in stage.inputs.items() if one.service is None}
            found = inputs_of(self._project, self._maker.store, journal, run, wanted, monitor.name)
        code = NO_CODE
        if spec.code != ():
            globs = spec.code if stage.code is None else stage.code
            exclude = environment_files(spec)
            code = take_snapshot(self._project.root, globs, exclude, self._maker.store).digest
        values = {
            name: InputValue(artifact=one.artifact) if one.artifact else InputValue(items=one.items)
            for name, one in found.items()
        }
        params = {name: spec.params[name] for name in stage.params if name in spec.params}
        return Outline(version, run, code, values, params)

    def source(self, monitor: Monitor, row: MonitorRow) -> tuple[Version | None, RunRow]:
        """The version that serves, and the run whose data it was trained on.

        Unmeasured while there is none; UsageError when that run is gone.
        """
        with closing(self._project.journal()) as journal:
            for service in services_of(monitor):
                version = self.serving(deployment_name(service, row.target))
                if version is None:
                    raise Unmeasured(f"{service}@{row.target} serves nothing yet")
                run = None if version.run is None else journal.run(version.run)
                if run is None:
                    raise UsageError(f"run {version.run}, which made what serves, is gone")
                return version, run
            done = [one for one in journal.runs(limit=200) if one.state is State.SUCCEEDED]
        if not done:
            raise Unmeasured("no run has succeeded yet")
        return None, done[0]

    def serving(self, deployment: str) -> Version | None:
        """The version of a deployment that serves."""
        found = self._ledger.versions(deployment, limit=50)
        return next((v for v in found if v.course is Course.SERVING), None)

    def judge(
        self,
        spec: Spec,
        monitor: Monitor,
        row: MonitorRow,
        metrics: Mapping[str, float],
        now: float,
        stale: str = "",
    ) -> tuple[str, str, int | None]:
        """Verdict, its reason, and the run that it started.

        `stale`: why none is to be started, whatever was measured.
        """
        gate = monitor.stage.gate
        if gate is None:
            return Verdict.PASSED.value, "", None
        verdict = judge(gate, metrics, spec.params, 1)
        if verdict is not Verdict.NOT_PASSED:
            return verdict.value, "", None
        why = gap(gate, metrics, spec.params)
        trigger = gate.trigger
        if trigger is None:
            return verdict.value, why, None
        begun = self.begun(row.name)
        if begun is not None:
            return verdict.value, why, begun
        if stale:
            return verdict.value, f"{why}; no run: {stale}", None
        if trigger.at_most is not None and trigger.per_s is not None:
            started = self._ledger.runs_since(row.name, row.target, now - trigger.per_s)
            if started >= trigger.at_most:
                limit = f"{trigger.at_most} per {format_duration(trigger.per_s)}"
                return verdict.value, f"{why}; no run: {limit} at most", None
        if self._ledger.open_outcomes():
            busy = self._ledger.open_outcomes()[0].run
            return verdict.value, f"{why}; no run: run {busy} is still at work", None
        _, source = self.source(monitor, row)
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


def services_of(monitor: Monitor) -> list[str]:
    """The services whose records a monitor reads."""
    return [one.service for one in monitor.stage.inputs.values() if one.service is not None]


def too_few(rows: int, monitor: Monitor) -> str:
    """Why it measured nothing."""
    return f"{rows:,} of the {monitor.min_rows:,} records needed"


def _triggered(name: str) -> str:
    return f"monitor {name}: "
