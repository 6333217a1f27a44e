"""How a run ended, in a few lines: its gates round by round, its metrics, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mltui import text
from mltui.cli import words
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.pipeline.rows import RoundPath, StageRow, State, Verdict
from mltui.runs.journal import Journal
from mltui.runs.project import Project
from mltui.runs.rows import RunRow

if TYPE_CHECKING:
    from mltui.pipeline.plan import PlanLoop

_ROUNDS = (
    Column("GATE"),
    Column("ROUND", right=True),
    Column("VERDICT"),
    Column("METRICS"),
    Column("TRIED"),
)
_VERDICTS = {
    Verdict.PASSED: "passed",
    Verdict.NOT_PASSED: "not passed",
    Verdict.ACCEPTED_BEST: "best of those tried",
    Verdict.UNMEASURED: "not measured",
}


def summarise(project: Project, journal: Journal, run: RunRow, out: Output) -> list[str]:
    """The lines for a run that has ended."""
    _, rows = journal.stages(run.number)
    lines = [""]
    lines += _rounds(project, journal, run, rows, out)
    took = run.took_s()
    wholes = [row for row in rows if row.item is None]
    counts = words.count(len({row.stage for row in wholes}), "stage")
    if cached := sum(row.state is State.CACHED for row in rows):
        counts += f", {words.count(cached, 'result')} from the cache"
    head = f"run {run.number}  {out.state(run.state)}"
    head += f" in {text.format_duration(took)}" if took is not None else ""
    lines.append(out.say(f"{head}  ({counts})"))
    lines += metric_lines(run, out.width)
    if run.reason:
        lines.append(f"  {run.reason}")
    lines += [f"  {line}" for line in _next_steps(run, rows)]
    return lines


def _rounds(
    project: Project, journal: Journal, run: RunRow, rows: list[StageRow], out: Output
) -> list[str]:
    gated = [row for row in rows if row.gate is not None]
    if not gated:
        return []
    from mltui.runs.progress import plan_of_run

    plan = plan_of_run(project, journal, run.number)
    gates = plan.gates if plan is not None else {}
    cells = []
    for row in gated:
        verdict = _VERDICTS[row.gate] if row.gate is not None else ""
        loop = gates.get(row.stage)
        if row.accepted:
            verdict += ", accepted"
        elif row.state is State.PAUSED:
            verdict += ", waits for a decision"
        cells.append(
            (
                row.stage if row is gated[0] or row.path[-1:] in ((), (1,)) else "",
                ":".join(map(str, row.path)),
                verdict,
                words.metrics(_judged(row, loop)),
                words.settings(loop.configuration(row.round) if loop is not None else {}),
            )
        )
    return [*layout(_ROUNDS, cells, width=out.width), ""]


def _judged(row: StageRow, loop: PlanLoop | None) -> Mapping[str, float]:
    """The metrics that the gate is about, of all that the stage wrote."""
    if loop is None or loop.gate is None:
        return row.metrics
    return {name: value for name, value in row.metrics.items() if name in loop.gate.metrics}


def metric_lines(run: RunRow, screen: int | None) -> list[str]:
    """Each stage that measured something, in `screen` columns; None: a line each."""
    stages: dict[str, dict[str, float]] = {}
    for name, value in run.metrics.items():
        stage, _, metric = name.partition(".")
        stages.setdefault(stage, {})[metric] = value
    said = [(stage, words.metrics(metrics)) for stage, metrics in stages.items()]
    width = max((len(stage) for stage, metrics in said if metrics), default=0)
    return [
        f"  {stage.ljust(width)}  {words.wrapped(metrics, screen, width + 4, width + 4)}"
        for stage, metrics in said
        if metrics
    ]


def _next_steps(run: RunRow, rows: list[StageRow]) -> list[str]:
    """The commands that help now."""
    failed = [row for row in rows if row.state is State.FAILED and row.failure is not None]
    undecided = undecided_gates(rows)
    if undecided and (run.state is State.PAUSED or (run.state is State.FAILED and not failed)):
        return [decide_hint(run.number, undecided[0])]
    if run.state is State.FAILED and failed:
        label = failed[-1].instance.label
        return [f"`mltui logs {label}` has all of it, `mltui retry` tries again what failed"]
    if run.state is State.CANCELLED:
        return ["`mltui retry` goes on where it was cancelled"]
    return []


def undecided_gates(rows: Sequence[StageRow]) -> list[StageRow]:
    """The newest round of each loop whose gate was not passed, none of its rounds accepted."""
    newest: dict[tuple[str, RoundPath], StageRow] = {}
    settled = set()
    for row in rows:
        if row.gate is not None or row.state is State.PAUSED:
            newest[row.stage, row.path[:-1]] = row
            if row.accepted:
                settled.add((row.stage, row.path[:-1]))
    return [
        row
        for place, row in newest.items()
        if place not in settled
        and (row.state is State.PAUSED or row.gate in (Verdict.NOT_PASSED, Verdict.UNMEASURED))
    ]


def decide_hint(run: int, gate: StageRow) -> str:
    """The commands that decide a gate."""
    decide = f"mltui decide {run} {gate.stage}"
    return f"decide: `{decide} accept [ROUND]`, `{decide} more N` or `{decide} fail`"
