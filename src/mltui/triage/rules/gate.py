"""A gate that was not passed: by how much, which way it went over the rounds, what is left."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mltui.text import format_number
from mltui.triage.facts import Declared, StageFact, Term
from mltui.triage.finding import Ask, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._stages import place_evidence
from mltui.triage.scene import Scene

_HOLDS = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip
_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}


def find(scene: Scene) -> Iterator[Finding]:
    """Gates that wait for a person, ended their run, or let the best round through."""
    for stage in scene.facts.stages:
        if stage.gate in ("", "passed"):
            continue
        run = scene.runs.get(stage.run)
        waits = stage.state == "paused"
        is_best = stage.gate == "accepted-best"
        is_lost = run is not None and run.state == "failed" and stage.state == "succeeded"
        if is_best or (scene.is_current(stage) and (waits or is_lost)):
            yield _finding(scene, stage, waits=waits, is_best=is_best)


def _finding(scene: Scene, stage: StageFact, *, waits: bool, is_best: bool) -> Finding:
    declared = scene.declared(stage)
    rounds = [each for each in scene.rounds(stage) if each.metrics]
    number = len(scene.rounds(stage))
    is_loop = bool(declared and declared.gate and declared.gate.restart)
    short = _shortfall(declared, stage)
    after = f" after {number} rounds" if is_loop and number > 1 else ""
    cause = short or stage.reason or "the gate was not passed"
    evidence = []
    for term in _unmet(declared, stage):
        values = [each.metrics[term.metric] for each in rounds if term.metric in each.metrics]
        if len(values) > 1:
            shown = " → ".join(format_number(value) for value in values)
            text = f"{term.metric} by round: {shown}, {_trend(values, term)}"
            evidence.append(Evidence("metric", text, Opens("stage", stage.key)))
    fixes: list[Fix] = []
    if waits or not is_best:
        fixes.append(Fix("decide: accept a round, more rounds, or fail", (_ask(stage),)))
    what = "is used though its gate was not passed" if is_best else "did not pass its gate"
    return Finding(
        rule=RULE.name,
        key=stage.key,
        object=stage.words,
        cause=cause,
        headline=f"{stage.words} {what}{after}",
        harm=Harm.WARNING if is_best else Harm.URGENT,
        evidence=(
            *place_evidence(declared.gate.written if declared and declared.gate else None),
            *evidence,
        ),
        fixes=tuple(fixes),
        since=stage.ended_at,
        count=max(number, 1),
        counted=f"{number} rounds" if number > 1 else "",
        explains=(f"run:{stage.run}", *(x.key for x in scene.rounds(stage))),
    )


def _ask(stage: StageFact) -> Ask:
    return Ask("decide", stage.run, stage.label)


def _unmet(declared: Declared | None, stage: StageFact) -> list[Term]:
    if declared is None or declared.gate is None:
        return []
    return [term for term in declared.gate.terms if not _holds(term, stage)]


def _holds(term: Term, stage: StageFact) -> bool:
    value = stage.metrics.get(term.metric)
    if value is None or term.target is None or math.isnan(value):
        return False
    return bool(_HOLDS[term.op](value, term.target))


def _shortfall(declared: Declared | None, stage: StageFact) -> str:
    """`accuracy 0.961, needs ≥ 0.98: 0.019 short`."""
    found = []
    for term in _unmet(declared, stage):
        value = stage.metrics.get(term.metric)
        if value is None or term.target is None:
            found.append(f"{term.metric} was not measured")
            continue
        need = f"needs {_SIGNS[term.op]} {format_number(term.target)}"
        gap = abs(term.target - value)
        by = f": {format_number(gap)} {'short' if value < term.target else 'too much'}"
        found.append(f"{term.metric} {format_number(value)}, {need}{by if gap else ''}")
    return "; ".join(found)


def _trend(values: list[float], term: Term) -> str:
    """Which way it goes, and when it would get there if it went on so."""
    step = values[-1] - values[-2]
    span = max(abs(value) for value in values) or 1.0
    target = term.target
    if abs(step) < 0.002 * span:
        return "no better with more rounds"
    towards = target is not None and (target - values[-1]) * step > 0
    if not towards or target is None:
        return "and getting worse" if target is not None else "and changing"
    more = math.ceil(abs((target - values[-1]) / step) - 1e-9)
    return f"about {more} more round{'s' * (more != 1)} at this pace"


RULE = Rule("gate", "A gate was not passed: by how much, and which way it went by round.", find)
