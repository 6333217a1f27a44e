"""Runs side by side: params, code, environments, inputs, metrics, durations.

Called by `mltui diff` and by the screen. Of a loop the accepted round counts. What the journal
lists is compared as it is; only code and packages are looked into, where their digests differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from mltui.errors import MltuiError, StoreError, UsageError
from mltui.pipeline.model import RunPlanned
from mltui.pipeline.rows import StageRow
from mltui.runs import best
from mltui.runs.code import diff_code
from mltui.runs.journal import Journal
from mltui.runs.parts import INPUT, RESOLVED, resolved_changes
from mltui.runs.project import Project
from mltui.runs.rows import RunRow
from mltui.runs.store import Store
from mltui.text.format import format_duration, format_number

MOST = 8
"""Runs that are compared at once."""
SECTIONS = ("run", "params", "metrics", "code", "environments", "inputs", "outputs", "durations")
_AXES = ("step", "epoch")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was compared: a value a run, None where it has none."""

    section: str
    name: str
    values: tuple[str | float | None, ...]
    best: int | None = None
    """Of a metric that a gate judges: which run has the best."""
    detail: tuple[str, ...] = ()
    """What is different inside, where that is known: files, packages."""

    @property
    def is_same(self) -> bool:
        """All runs have the same."""
        return len(set(self.values)) == 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs and what was compared of them."""

    runs: tuple[RunRow, ...]
    rows: tuple[Row, ...]


@dataclass(slots=True)
class _Run:
    """What is known of one run."""

    row: RunRow
    planned: RunPlanned | None
    stages: dict[str, StageRow]
    parts: dict[str, Mapping[str, str]] = field(default_factory=dict)


def compare(project: Project, numbers: Sequence[int]) -> Comparison:
    """Compare two runs or more. UsageError for one that is not there, or too many."""
    if not 2 <= len(numbers) <= MOST:
        raise UsageError(f"{len(numbers)} runs: from two to {MOST} can be compared")
    store = project.store()
    with closing(project.journal()) as journal:
        runs = [_read(journal, number) for number in numbers]
        better = _directions(project, store, runs) if _differ(runs) else {}
    rows = [
        *_run_rows(runs),
        *_param_rows(runs),
        *_metric_rows(runs, better),
        *_code_rows(store, runs),
        *_environment_rows(store, runs),
        *_input_rows(runs),
        *_output_rows(runs),
        *_duration_rows(runs),
    ]
    return Comparison(tuple(run.row for run in runs), tuple(rows))


def _read(journal: Journal, number: int) -> _Run:
    row = journal.run(number)
    if row is None:
        raise UsageError(f"there is no run {number}: the newest is {journal.latest() or 'none'}")
    stages: dict[str, StageRow] = {}
    for stage in journal.stages(number)[1]:
        if stage.accepted is not False and stage.item is None:
            stages[stage.stage] = stage
    found = _Run(row, journal.newest_event(number, RunPlanned), stages)
    for name, stage in stages.items():
        event = journal.key_event(number, stage.instance)
        if event is not None:
            found.parts[name] = event.parts
    return found


def _names(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def _run_rows(runs: list[_Run]) -> Iterable[Row]:
    yield Row("run", "state", tuple(run.row.state.value for run in runs))
    yield Row("run", "commit", tuple(_commit(run.row) for run in runs))
    yield Row("run", "target", tuple(run.row.target for run in runs))
    yield Row("run", "started by", tuple(run.row.trigger for run in runs))


def _commit(row: RunRow) -> str | None:
    return None if row.commit is None else row.commit[:7] + " dirty" * row.dirty


def _param_rows(runs: list[_Run]) -> Iterable[Row]:
    """The params of the runs, and what the accepted rounds of each stage really got."""
    for name in _names(run.row.params for run in runs):
        yield Row("params", name, tuple(_value(run.row.params.get(name)) for run in runs))
    prefix = "params."
    tried = _names(
        [f"{stage}.{part.removeprefix(prefix)}" for part in parts if part.startswith(prefix)]
        for run in runs
        for stage, parts in run.parts.items()
    )
    for name in tried:
        stage, _, param = name.partition(".")
        values = tuple(_got(run, stage, param) for run in runs)
        declared = tuple(_value(run.row.params.get(param)) for run in runs)
        if values != declared:
            yield Row("params", name, values)


def _got(run: _Run, stage: str, param: str) -> str | float | None:
    text = run.parts.get(stage, {}).get(f"params.{param}")
    return None if text is None else _value(json.loads(text))


def _value(value: object) -> str | float | None:
    if isinstance(value, bool) or value is None:
        return None if value is None else str(value).lower()
    if isinstance(value, int | float):
        return value
    return value if isinstance(value, str) else json.dumps(value)


def _directions(project: Project, store: Store, runs: list[_Run]) -> dict[str, bool]:
    """Metric → whether more of it is better, from the gates of the newest run that has any."""
    found: dict[str, bool] = {}
    for run in runs:
        if run.planned is None:
            continue
        kept = best.read(project.folder, run.planned.spec)
        if kept is None:
            from mltui import spec as specs

            try:
                text = store.read_bytes(run.planned.spec).decode("utf-8", "replace")
                kept = best.directions(specs.load(text))
            except MltuiError:
                continue  # it is no longer kept, or of an older mltui: nothing is called best then
            best.keep(project.folder, run.planned.spec, kept)
        found.update(kept)
    return found


def _differ(runs: list[_Run]) -> bool:
    """Whether some metric has several values."""
    found = [_metrics(run) for run in runs]
    names = _names(found)
    return any(len({one[name] for one in found if name in one}) > 1 for name in names)


def _metric_rows(runs: list[_Run], better: Mapping[str, bool]) -> Iterable[Row]:
    found = [_metrics(run) for run in runs]
    for name in _names(found):
        if name.rpartition(".")[2] in _AXES:
            continue
        values = tuple(metrics.get(name) for metrics in found)
        known = [(value, place) for place, value in enumerate(values) if value is not None]
        winner = None
        if name in better and len({value for value, _ in known}) > 1:
            winner = (max if better[name] else min)(known)[1]
        yield Row("metrics", name, values, winner)


def _metrics(run: _Run) -> dict[str, float]:
    """What the accepted rounds measured, by stage."""
    return {
        f"{stage}.{name}": value
        for stage, row in run.stages.items()
        for name, value in row.metrics.items()
    }


def _code_rows(store: Store, runs: list[_Run]) -> Iterable[Row]:
    """The code of all stages together; file by file against the first run."""
    digests = [dict(run.planned.code) if run.planned is not None else {} for run in runs]
    for stage in _names(digests):
        values = tuple(_short(code.get(stage)) for code in digests)
        detail: tuple[str, ...] = ()
        known = [code[stage] for code in digests if stage in code]
        if len(set(known)) > 1:
            try:
                changes = diff_code(known[0], known[-1], store)
                detail = tuple(
                    f"{change.path} +{change.lines_added} −{change.lines_removed}"
                    if change.kind == "changed"
                    else f"{change.path} {change.kind}"
                    for change in changes
                )
            except StoreError:
                detail = ("the files are no longer kept",)
        yield Row("code", stage, values, detail=detail)


def _environment_rows(store: Store, runs: list[_Run]) -> Iterable[Row]:
    for stage in _names(run.parts for run in runs):
        parts = [run.parts.get(stage, {}).get(RESOLVED) for run in runs]
        images = [run.stages[stage].image if stage in run.stages else None for run in runs]
        if not any(parts):
            continue
        detail: tuple[str, ...] = ()
        known = [part for part in parts if part is not None]
        if len(set(known)) > 1:
            changes = resolved_changes(store, known[0], known[-1])
            detail = tuple(f"{what} {a or 'none'} → {b or 'none'}" for what, a, b in changes)
        values = tuple(_short(image or part) for image, part in zip(images, parts, strict=True))
        yield Row("environments", stage, values, detail=detail)


def _input_rows(runs: list[_Run]) -> Iterable[Row]:
    names = _names(
        [f"{stage}.{part.removeprefix(INPUT)}" for part in parts if part.startswith(INPUT)]
        for run in runs
        for stage, parts in run.parts.items()
    )
    for name in names:
        stage, _, one = name.partition(".")
        values = tuple(_short(run.parts.get(stage, {}).get(f"{INPUT}{one}")) for run in runs)
        yield Row("inputs", name, values)


def _output_rows(runs: list[_Run]) -> Iterable[Row]:
    names = _names(
        [f"{stage}.{output}" for output in row.outputs]
        for run in runs
        for stage, row in run.stages.items()
    )
    for name in names:
        stage, _, output = name.partition(".")
        values = []
        for run in runs:
            row = run.stages.get(stage)
            artifact = row.outputs.get(output) if row is not None else None
            values.append(None if artifact is None else _short(artifact.digest))
        yield Row("outputs", name, tuple(values))


def _duration_rows(runs: list[_Run]) -> Iterable[Row]:
    yield Row("durations", "run", tuple(_rounded(run.row.took_s()) for run in runs))
    for stage in _names(run.stages for run in runs):
        values = tuple(_seconds(run.stages[stage]) if stage in run.stages else None for run in runs)
        if any(value is not None for value in values):
            yield Row("durations", stage, values)


def _seconds(row: StageRow) -> float | None:
    if row.started_at is None or row.ended_at is None:
        return None
    return _rounded(max(0.0, row.ended_at - row.started_at))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _short(digest: str | None) -> str | None:
    if digest is None:
        return None
    return digest.removeprefix("folder:").removeprefix("sha256:")[:8]


def cell(row: Row, place: int) -> str:
    """A value as people read it; `=` where it is the first run's."""
    value = row.values[place]
    if value is None:
        return "–"
    first = row.values[0]
    if place and value == first and row.section in ("code", "environments", "inputs", "outputs"):
        return "="
    if row.section == "durations" and isinstance(value, float):
        return format_duration(value)
    if isinstance(value, int | float):
        text = format_number(float(value))
        return f"{text} best" if row.best == place else text
    return value
