"""Facts for triage from a project: its runs that matter, their stages, builds, and `mltui.yaml`.

Called by the app in a thread and by `mltui triage`. Reads the journal, the ends of failed logs and
the project file; decides nothing.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.errors import Problem, SpecError
from mltui.logs.errors import exception_of, last_lines
from mltui.logs.sanitize import plain
from mltui.pipeline.rows import StageRow, State
from mltui.runs.client import effective_state
from mltui.runs.locate import place_of_row
from mltui.runs.lock import runner_status
from mltui.runs.project import SPEC_FILE, Project
from mltui.runs.rows import BuildRow, RunRow
from mltui.spec.choices import FailureClass
from mltui.triage.facts import (
    BuildFact,
    Declared,
    Facts,
    Gate,
    RunFact,
    StageFact,
    Term,
    Written,
)

if TYPE_CHECKING:
    from mltui.runs.journal import Journal
    from mltui.spec.model import Compare, Expr, Spec, Stage

LINES = 40
"""Last lines of a log that are looked at."""
KEPT = 12
"""And kept."""
RUNS = 20
"""Among so many newest runs those are looked for that wait for a decision."""
STEPS = "steps.jsonl"
_SEVERAL = re.compile(r"[\n;|]|&&")
_AT_WORK = (State.RUNNING, State.BUILDING, State.UNKNOWN)


def project_facts(project: Project, at: float) -> Facts:
    """What the project knows of itself. JournalError when the journal can't be read."""
    problems: tuple[Problem, ...] = ()
    spec: Spec | None = None
    try:
        spec = project.read_spec()
    except SpecError as error:
        problems = tuple(error.problems)
    name = spec.name if spec is not None else project.root.name
    if not project.file.exists() and not project.folder.exists():
        problems = ()  # no project at all is nothing wrong: one looks at what is out there
    if not (project.folder / "journal.db").exists():
        if not project.file.exists():
            return Facts(at)  # no project at all: that is no fault
        return Facts(at, name, engines=_engines(spec, ()), problems=problems)
    with closing(project.journal()) as journal:
        return _read(project, journal, spec, name, at, problems)


def _read(
    project: Project,
    journal: Journal,
    spec: Spec | None,
    name: str,
    at: float,
    problems: tuple[Problem, ...],
) -> Facts:
    status = runner_status(project)
    wanted = {run.number: run for run in journal.unfinished()}
    wanted |= {run.number: run for run in journal.runs(limit=RUNS) if run.state is State.PAUSED}
    newest = journal.latest()
    if newest is not None and newest not in wanted and (row := journal.run(newest)) is not None:
        wanted[newest] = row
    durations = journal.durations()
    runs, stages, builds = [], [], {}
    params: Mapping[str, Any] = {}
    for number, run in sorted(wanted.items()):
        state, reason = effective_state(run, status)
        is_lost = state is State.UNKNOWN or (state is State.PENDING and not status.alive)
        runs.append(_run(run, reason, has_runner=not is_lost))
        params = run.params
        _, rows = journal.stages(number)
        for stage in rows:
            stages.append(_stage(project, stage, durations.get(stage.stage, ()), at))
            if stage.build and stage.build not in builds:
                build = journal.build(stage.build)
                if build is not None and build.state in (State.FAILED, State.BUILDING):
                    builds[stage.build] = _build(project, build)
    return Facts(
        at,
        name,
        declared=declared(spec, params) if spec is not None else {},
        runs=tuple(runs),
        stages=tuple(stages),
        builds=tuple(builds.values()),
        engines=_engines(spec, stages),
        problems=problems,
    )


def _engines(spec: Spec | None, stages: Sequence[StageFact]) -> tuple[str, ...]:
    declared = [each.engine for each in spec.targets.values()] if spec is not None else []
    return tuple(sorted({*declared, *(each.engine for each in stages if each.engine)}))


def _run(run: RunRow, reason: str, *, has_runner: bool) -> RunFact:
    return RunFact(
        run.number,
        run.state.value,
        reason,
        run.created_at,
        run.started_at,
        run.ended_at,
        run.target,
        has_runner,
    )


def _stage(project: Project, row: StageRow, earlier: Sequence[float], at: float) -> StageFact:
    exception, lines, quiet_s = "", tuple[str, ...](), None
    is_failed = row.state is State.FAILED and row.failure is not None
    if is_failed or row.state is State.RUNNING:
        place = place_of_row(project, row)
        log = place.log if place is not None else None
        if row.failure is FailureClass.BUILD and row.build:
            log = project.folder / "builds" / row.build / "log"
        if log is not None:
            exception, lines = read_log(log)
            quiet_s = _quiet_s(log, row, at)
    return StageFact(
        run=row.run,
        stage=row.stage,
        label=row.instance.label,
        state=row.state.value,
        attempt=row.attempt,
        path=row.path,
        item=row.item or "",
        phase=row.phase,
        engine=row.engine or "",
        target=row.target or "",
        failure=row.failure.value if row.failure is not None else "",
        reason=row.reason,
        exit_code=row.exit_code,
        started_at=row.started_at,
        ended_at=row.ended_at,
        object=row.object or "",
        image=row.image or "",
        gate=row.gate.value if row.gate is not None else "",
        metrics={name: v for name, v in row.metrics.items() if math.isfinite(v)},
        peak_memory_bytes=row.usage.peak_memory_bytes,
        is_stale=row.stale,
        build=row.build or "",
        exception=exception if is_failed else "",
        last_lines=lines,
        quiet_s=quiet_s,
        earlier_s=tuple(earlier),
    )


def read_log(log: Path) -> tuple[str, tuple[str, ...]]:
    """The line of a log's end that names a failure, and its last lines, safe to show."""
    try:
        found = last_lines(log, LINES)
    except OSError:
        return "", ()
    said = tuple(plain(line).rstrip() for line in found)
    return exception_of(b"\n".join(found)) or "", said[-KEPT:]


def _quiet_s(log: Path, row: StageRow, at: float) -> float | None:
    if row.state is not State.RUNNING:
        return None
    try:
        written_at = log.stat().st_mtime
    except OSError:
        written_at = row.started_at or at
    return max(at - max(written_at, row.started_at or 0.0), 0.0)


# --- builds ---------------------------------------------------------------------------------------


def _build(project: Project, row: BuildRow) -> BuildFact:
    folder = project.folder / "builds" / row.id
    _, lines = read_log(folder / "log")
    end = next((n for n, text in enumerate(lines) if text.startswith("# failed")), len(lines))
    fault = _fault(folder / STEPS) or {}
    excerpt = [str(text) for text in fault.get("excerpt") or ()]
    written = next((text.partition(">>>")[2].strip() for text in excerpt if ">>>" in text), "")
    needs = str(fault.get("requirement_file") or "")
    line = int(fault.get("requirement_line") or 0)
    return BuildFact(
        id=row.id,
        environment=row.environment,
        state=row.state.value,
        engine=row.engine,
        run=row.run,
        started_at=row.started_at,
        ended_at=row.ended_at,
        reason=row.reason,
        message=_safe(fault.get("message")),
        file=_safe(fault.get("file")),
        line=int(fault.get("line") or 0),
        text=_safe(written.partition("|")[2].strip() or written),
        requirement_file=needs,
        requirement_line=line,
        requirement=_line_of(project.root / needs, line) if needs else "",
        last_lines=lines[:end],
    )


def _safe(value: object) -> str:
    return plain(str(value or "").encode("utf-8", "replace"))


def _line_of(file: Path, number: int) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return _safe(lines[number - 1].strip()) if 0 < number <= len(lines) else ""


def _fault(steps: Path) -> dict[str, Any] | None:
    """Why a build failed, from the last records of its steps; None when they don't say."""
    try:
        records = last_lines(steps, LINES)
    except OSError:
        return None
    for record in reversed(records):
        try:
            found = json.loads(record)["build"]["fault"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return None


# --- what is declared -----------------------------------------------------------------------------


def declared(spec: Spec, params: Mapping[str, Any]) -> dict[str, Declared]:
    """Every stage as the file has it now; `params`: those of the run, for its gates."""
    lines = spec.text.splitlines()
    values = {**spec.params, **params}
    return {name: _declared(spec, stage, lines, values) for name, stage in spec.stages.items()}


def _declared(
    spec: Spec, stage: Stage, lines: Sequence[str], params: Mapping[str, Any]
) -> Declared:
    top = ("stages", stage.name)
    run = _written(spec, lines, (*top, "run"))
    assert run is not None
    environment = stage.environment.source if stage.environment is not None else ""
    known = spec.environments.get(environment)
    image = ""
    if known is not None and known.image is not None:
        image = known.image.name or known.image.build or ""
    return Declared(
        stage=stage.name,
        run=run,
        program=_program(stage),
        environment=environment,
        requirements=(known.requirements or "") if known is not None else "",
        image=image,
        memory=_written(spec, lines, (*top, "resources", "memory")),
        memory_bytes=stage.resources.memory_bytes,
        timeout=_written(spec, lines, (*top, "timeout")),
        timeout_s=stage.timeout_s,
        outputs=_written(spec, lines, (*top, "outputs")),
        gate=_gate(spec, stage, lines, params),
    )


def _gate(spec: Spec, stage: Stage, lines: Sequence[str], params: Mapping[str, Any]) -> Gate | None:
    gate = stage.gate
    if gate is None:
        return None
    path = ("stages", stage.name, "gate")
    written = _written(spec, lines, (*path, "require")) or _written(spec, lines, path)
    assert written is not None
    return Gate(
        require=gate.require_text,
        written=written,
        terms=tuple(_terms(gate.require, params)),
        restart=gate.restart or "",
        max_rounds=gate.max_rounds,
        rounds_written=_written(spec, lines, (*path, "max_rounds")),
        tries=len(gate.tries),
        otherwise=gate.otherwise.value,
    )


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _terms(expr: Expr, params: Mapping[str, Any]) -> Iterator[Term]:
    """The comparisons that must all hold; of others nothing can be said in one number."""
    from mltui.spec.model import And, Compare

    if isinstance(expr, And):
        for term in expr.terms:
            yield from _terms(term, params)
    elif isinstance(expr, Compare):
        found = _term(expr, params)
        if found is not None:
            yield found


def _term(expr: Compare, params: Mapping[str, Any]) -> Term | None:
    from mltui.spec.model import Metric, Param, Round

    left, right, op = expr.left, expr.right, expr.op
    if not isinstance(left, Metric):
        left, right, op = right, left, _MIRRORED.get(op, op)
    if not isinstance(left, Metric) or isinstance(right, Metric | Round):
        return None
    value = params.get(right.name) if isinstance(right, Param) else right
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Term(left.name, op, None)
    return Term(left.name, op, float(value))


def _program(stage: Stage) -> str:
    """`python -m digits.train`, `Rscript fit.R`: the command's first words; none of a script."""
    source = stage.run.templates[0].source if stage.run.templates else ""
    if not stage.run.argv and _SEVERAL.search(source.strip()):
        return ""
    try:
        words = shlex.split(source.partition("${")[0], comments=False)
    except ValueError:
        words = source.split()
    if stage.run.argv:
        words = [template.source for template in stage.run.argv]
    count = 3 if words[:1] and words[0].startswith("python") and words[1:2] == ["-m"] else 2
    if words[1:2] and words[1].startswith("-") and count == 2:
        count = 1
    return " ".join(words[:count])


def _written(spec: Spec, lines: Sequence[str], path: tuple[str, ...]) -> Written | None:
    """A value's place, the line it stands on, and its own text where that is one word."""
    mark = spec.marks.get(path)
    if mark is None:
        return None
    text = lines[mark.line - 1] if mark.line <= len(lines) else ""
    shown = text.strip()
    if shown.endswith((">-", "|", ">", "|-")) and mark.line < len(lines):
        shown = f"{shown.rstrip('|>-').rstrip()} {lines[mark.line].strip()}"
    value = ""
    if path[-1] in ("memory", "timeout", "max_rounds"):
        value = _scalar(spec.text, path)
    return Written(path, SPEC_FILE, mark.line, shown, value)


def _scalar(text: str, path: tuple[str, ...]) -> str:
    from mltui.spec.editing import value_at

    return value_at(text, path)
