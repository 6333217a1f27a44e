"""The strip below the panes: the story of the gate that matters now, and how long it will take.

`accuracy   0.848 → 0.843 → ▍   need ≥ 0.98   round 3 of 4   about 1m left`
"""

from __future__ import annotations

from mltui.app.present.facts import Facts
from mltui.app.present.line import Line, Part
from mltui.app.present.moment import Moment
from mltui.app.present.need import main_metric, short_need
from mltui.app.runview import ACTIVE, RunView
from mltui.pipeline.rows import StageRow, State, Verdict
from mltui.text.format import format_duration, format_number

MAX_VALUES = 6


def story(
    view: RunView,
    facts: Facts,
    selected: StageRow | None,
    width: int,
    moment: Moment,
    left_s: float | None = None,
) -> Line:
    """The strip for the selected stage's gate, else for the one that is busiest."""
    right = _right(view, left_s, moment)
    stage = _stage(view, facts, selected) if view.run.number else None
    gate = facts.gate(stage) if stage is not None else None
    if stage is None or gate is None:
        return Line(_plain(view), right)
    metric = main_metric(gate)
    rounds = view.rounds(stage)
    arrow = " → " if moment.unicode else " > "
    parts: list[Part] = [(f" {metric or stage}  ", "strong")]
    newest = rounds[-1] if rounds else None
    for place, row in enumerate(rounds[-MAX_VALUES:]):
        if place or len(rounds) > MAX_VALUES:
            parts.append((arrow, "dim"))
        value = row.metrics.get(metric) if metric is not None else None
        if value is not None:
            role = "good" if row.gate is Verdict.PASSED else ""
            if row is newest and row.state in (State.PAUSED, State.FAILED):
                role = "state-warning"
            mark = "*" if row.accepted and len(rounds) > 1 else ""
            parts.append((f"{format_number(value)}{mark}", role))
        elif row is newest and not row.state.is_final:
            parts.append(("▍" if moment.unicode else "_", "accent"))
        else:
            parts.append(("–" if moment.unicode else "-", "dim"))
    if newest is not None and newest.gate is Verdict.PASSED:
        parts.append(("   passed ", "good"))
        parts.append((short_need(gate, facts.params, unicode=moment.unicode), "dim"))
    elif newest is not None and newest.gate is Verdict.ACCEPTED_BEST:
        parts.append(("   best round accepted, needed ", "state-warning"))
        parts.append((short_need(gate, facts.params, unicode=moment.unicode), "dim"))
    else:
        parts.append((f"   need {short_need(gate, facts.params, unicode=moment.unicode)}", ""))
    if gate.restart is not None and newest is not None and newest.path:
        parts.append((f"   round {newest.round} of {max(gate.max_rounds, newest.round)}", "dim"))
    return Line(tuple(parts), right)


def _stage(view: RunView, facts: Facts, selected: StageRow | None) -> str | None:
    if selected is not None:
        found = facts.gate_of(selected)
        if found is not None:
            return found
    gated = [
        (name, rows[-1]) for name, rows in view.stages().items() if facts.gate(name) is not None
    ]
    for states in ({State.PAUSED, State.FAILED}, ACTIVE):
        for name, row in gated:
            if row.state in states:
                return name
    waiting = [name for name, row in gated if not row.state.is_final]
    return waiting[0] if waiting else (gated[-1][0] if gated else None)


def _plain(view: RunView) -> tuple[Part, ...]:
    done, total = view.done
    if view.run.number == 0:
        return ((f" {total} stages, nothing has run yet", "dim"),) if total else ()
    return ((f" {done} of {total} stages done", "dim"),)


def _right(view: RunView, left_s: float | None, moment: Moment) -> tuple[Part, ...]:
    if view.state is not State.RUNNING or left_s is None:
        return ()
    return ((f"about {about(left_s)} left ", ""),)


def about(seconds: float) -> str:
    """A time that is only an estimate, rounded so that it doesn't flicker: `10s 2m 1h`."""
    if seconds < 10:
        return f"{max(round(seconds), 1)}s"
    if seconds < 55:
        return f"{round(seconds / 5) * 5}s"
    if seconds < 3600:
        return f"{max(round(seconds / 60), 1)}m"
    return format_duration(round(seconds / 300) * 300)
