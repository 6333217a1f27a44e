"""The Gate pane: each round's metric against what the gate needs, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mltui.app.present.facts import Facts
from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.present.moment import Moment
from mltui.app.present.need import main_metric, short_need, sign, target_of
from mltui.app.runview import ACTIVE, RunView
from mltui.pipeline.rows import StageRow, State, Verdict
from mltui.spec.choices import Otherwise
from mltui.text.format import format_clock, format_number
from mltui.text.glyphs import glyph, mark
from mltui.text.width import cell_width, fit

if TYPE_CHECKING:
    from mltui.spec.model import Gate, ParamValue

_OTHERWISE = {
    Otherwise.FAIL: "the run fails",
    Otherwise.ACCEPT_BEST: "the best round is accepted",
    Otherwise.PAUSE: "a person decides",
}


def gate_lines(
    row: StageRow,
    view: RunView,
    facts: Facts,
    width: int,
    moment: Moment,
    *,
    brief: bool = False,
) -> list[Line]:
    """Everything about the gate that decides about this stage; only the rounds with `brief`."""
    if facts.spec is None:
        return [line((" reading mltui.yaml…", "dim"))]
    stage = facts.gate_of(row)
    if stage is None:
        return _without_gate(row, width)
    gate = facts.gate(stage)
    assert gate is not None
    rounds = view.rounds(stage)
    dot = " · " if moment.unicode else " - "
    if brief:
        return _table(gate, rounds, view, facts, width, moment)
    need = _need(gate, facts, moment)
    lines = [line((f" {stage}", "strong"), ("  needs ", "dim"), (need, "strong"))]
    rest = []
    if gate.restart is not None:
        rest.append(f"at most {gate.max_rounds} rounds from {gate.restart}")
    rest.append(f"otherwise {_OTHERWISE[gate.otherwise]}")
    if stage != row.stage:
        rest.append(f"{row.stage} is in its loop")
    lines += wrapped(dot.join(rest), width - 1, "dim", " ")
    lines.append(EMPTY)
    lines += _table(gate, rounds, view, facts, width, moment)
    lines += _plot(gate, rounds, facts, width, moment)
    newest = rounds[-1] if rounds else None
    if newest is not None and newest.state is State.PAUSED:
        lines.append(EMPTY)
        lines.append(
            line((" It waits for a decision: ", "state-paused"), ("d", "strong"), (" decides", ""))
        )
    return lines


def _without_gate(row: StageRow, width: int) -> list[Line]:
    lines = [line((f" {row.stage} has no gate", "dim"))]
    if row.metrics:
        lines.append(EMPTY)
        lines += metric_lines(row.metrics, width)
    return lines


def metric_lines(metrics: Mapping[str, float], width: int, indent: str = " ") -> list[Line]:
    """Metrics by name, their numbers aligned."""
    size = min(max(map(cell_width, metrics)), max(width - 16, 8))
    return [
        line((f"{indent}{fit(name, size)}", "dim"), f"  {format_number(value, digits=4)}")
        for name, value in metrics.items()
    ]


def _need(gate: Gate, facts: Facts, moment: Moment) -> str:
    target = target_of(gate, facts.params)
    if target is None:
        return gate.require_text
    metric, op, value = target
    return f"{metric} {sign(op, unicode=moment.unicode)} {format_number(value)}"


def _table(
    gate: Gate,
    rounds: Sequence[StageRow],
    view: RunView,
    facts: Facts,
    width: int,
    moment: Moment,
) -> list[Line]:
    """One line a round: its configuration, its metrics, the verdict; rounds to come dimmed."""
    metric = main_metric(gate)
    tried = sorted({name for values in gate.tries for name in values})
    others = sorted(gate.metrics - {metric}) if metric else sorted(gate.metrics)
    names = [*tried, *([metric] if metric else []), *others]
    count = max(len(rounds), gate.max_rounds if gate.restart is not None else 1)
    cells: list[list[str]] = []
    by_round = {
        row.round: row for row in rounds if not rounds or row.path[:-1] == rounds[-1].path[:-1]
    }
    for number in range(1, count + 1):
        row = by_round.get(number)
        values: Mapping[str, ParamValue] = (
            gate.tries[min(number, len(gate.tries)) - 1] if gate.tries else {}
        )
        found = [_value(values.get(name)) if name in values else "" for name in tried]
        measured = row.metrics if row is not None else {}
        for name in names[len(tried) :]:
            found.append(format_number(measured[name], digits=4) if name in measured else "")
        cells.append([str(number), *found])
    titles = ["round", *names]
    sizes = [
        min(max(cell_width(titles[i]), *(cell_width(row[i]) for row in cells)), 16)
        for i in range(len(titles))
    ]
    verdicts = []
    for number in range(1, count + 1):
        row = by_round.get(number)
        verdict = _verdict(row, gate, facts, moment)
        if row is not None and not row.state.is_final and row.state not in ACTIVE:
            verdict = _under_way(view, row, moment) or verdict
        verdicts.append(verdict)
    needed = max(cell_width(verdict[0][0]) for verdict in verdicts)
    shown, gap = _fitting(sizes, len(tried), width - needed - 1)

    def aligned(row: Sequence[str]) -> str:
        found = [fit(row[i], sizes[i], align="right") for i in shown]
        return (" " * gap).join(found)

    lines = [line((f" {aligned(titles)}", "header"))]
    between = " " * (gap + 1)
    for number, (values_, verdict) in enumerate(zip(cells, verdicts, strict=True), 1):
        text = f" {aligned(values_)}{between}"
        role = "" if number in by_round else "stale"
        room = width - cell_width(text)
        while len(verdict) > 1 and sum(cell_width(part) for part, _ in verdict) > room:
            verdict = (verdict[0], *verdict[2:])  # how far away, how long: said beside it
        lines.append(line((text, role), *verdict))
    return lines


def _fitting(sizes: Sequence[int], tried: int, room: int) -> tuple[list[int], int]:
    """Columns that fit, and the blanks between them: the verdict beside them is never cut.

    The round and the metric that decides stay; other metrics go first, then what was tried.
    """
    shown = list(range(len(sizes)))
    for gap in (2, 1):
        if sum(sizes) + gap * len(sizes) + 1 <= room:
            return shown, gap
    for index in [*range(len(sizes) - 1, tried + 1, -1), *range(tried, 0, -1)]:
        if sum(sizes[i] for i in shown) + len(shown) + 1 <= room:
            break
        shown.remove(index)
    return shown, 1


def _value(value: ParamValue) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return str(value)


def _verdict(row: StageRow | None, gate: Gate, facts: Facts, moment: Moment) -> tuple[Part, ...]:
    if row is None:
        return (("to come", "stale"),)
    if row.state in ACTIVE:
        started = row.started_at if row.started_at is not None else moment.now
        word = mark(row.state.value).text(unicode=moment.unicode)
        time = f" {format_clock(moment.now - started)}"
        return ((word, "state-running"), (time, "state-running"))
    if row.state is State.FAILED and row.gate is None:
        kind = f" ({row.failure.value})" if row.failure is not None else ""
        sign_ = glyph("failed", unicode=moment.unicode)
        return ((f"{sign_} failed{kind}", "state-failed"),)
    accepted = " and accepted" if row.accepted else ""
    if row.gate is Verdict.PASSED:
        return ((f"{glyph('succeeded', unicode=moment.unicode)} passed", "good"),)
    if row.gate in (Verdict.NOT_PASSED, Verdict.ACCEPTED_BEST):
        short = _short_by(row, gate, facts)
        sign_ = glyph("failed", unicode=moment.unicode)
        waits = row.state in (State.PAUSED, State.FAILED)
        return (
            (f"{sign_} not passed", "state-warning" if waits else ""),
            (f"{', ' + short if short else ''}", "dim"),
            (accepted, "good"),
        )
    if row.gate is Verdict.UNMEASURED:
        return (("not measured", "state-warning"),)
    return ((row.state.value, "dim"),)


def _under_way(view: RunView, gated: StageRow, moment: Moment) -> tuple[Part, ...]:
    """What of this round is at work while its gate waits."""
    for row in view.rows.values():
        if row.path == gated.path and row.state in ACTIVE and row.item is None:
            started = row.started_at if row.started_at is not None else moment.now
            sign_ = glyph("running", unicode=moment.unicode)
            time = f" {format_clock(moment.now - started)}"
            return ((f"{sign_} {row.stage}", "state-running"), (time, "state-running"))
    return ()


def _short_by(row: StageRow, gate: Gate, facts: Facts) -> str:
    target = target_of(gate, facts.params)
    if target is None or target[0] not in row.metrics:
        return ""
    gap = abs(target[2] - row.metrics[target[0]])
    return f"{format_number(gap)} away"


def _plot(
    gate: Gate, rounds: Sequence[StageRow], facts: Facts, width: int, moment: Moment
) -> list[Line]:
    metric = main_metric(gate)
    values = [row.metrics[metric] for row in rounds if metric is not None and metric in row.metrics]
    target = target_of(gate, facts.params)
    if metric is None or len(values) < 2 or not moment.unicode:
        return []
    from mltui.app.widgets import curve

    title = f" {metric} by round"
    if target is not None:
        title += f", needs {short_need(gate, facts.params)}"
    drawn = curve.plot(values, min(width - 2, 60), 7, target=target[2] if target else None)
    return [EMPTY, line((title, "dim")), *(line((f" {text}", "accent")) for text in drawn)]
