"""A service of the project that does not serve as it should: unwell, answering errors, slow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import fmean, median

from mltui.text import format_duration
from mltui.triage.facts import Curve, ServiceFact
from mltui.triage.finding import Command, Evidence, Finding, Fix, Harm
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene

RECENT = 8
"""Points of the last minutes that are taken as now, at 15 s each."""
LEAST_PAST = 20
SHARE = 0.02
"""Of all requests; fewer errors are told only where there were none before."""
TIMES = 2.0
"""So many times as slow as its past is slow."""
LEAST_S = 0.02
_ERRORS = re.compile(r"error|fail|exception|5xx|status=\"?5", re.IGNORECASE)
_REQUESTS = re.compile(r"request|predict|call|infer", re.IGNORECASE)
_SECONDS = re.compile(r"second|latency|duration", re.IGNORECASE)


def find(scene: Scene) -> Iterator[Finding]:
    """How it stands first; what it measures, where it serves."""
    for each in scene.facts.services:
        if (standing := _standing(each)) is not None:
            yield standing
            continue
        if each.state not in ("ready", "degraded"):
            continue
        if (found := _errors(each)) is not None:
            yield found
        if (found := _slow(each)) is not None:
            yield found


def _standing(each: ServiceFact) -> Finding | None:
    name = each.name
    if each.state == "failed":
        title, harm = f"service {name} does not get healthy", Harm.URGENT
        cause = each.reason or f"version {each.version} does not get healthy"
        fixes = [_rollback(each), _command("restart it", "restart", name)]
    elif each.state == "degraded":
        title, harm = f"service {name} has too few replicas", Harm.WRONG
        cause = each.reason or f"{each.ready} of {each.replicas} replicas answer"
        fixes = [_command("restart it", "restart", name)]
    elif each.state == "unknown" and each.replicas:
        title, harm = f"nobody looks after service {name}", Harm.WRONG
        cause = each.reason or "its supervisor is gone"
        fixes = [_command("start its supervisor again", "resume")]
    else:
        return None
    text = f"{each.state}: {each.ready} of {each.replicas} replicas of version {each.version}"
    return _finding(each, "standing", title, cause, harm, (Evidence("state", text),), fixes)


def _errors(each: ServiceFact) -> Finding | None:
    """Error counters that grow now, beside the requests and the past."""
    now, past = 0.0, 0.0
    names = []
    for curve in each.curves:
        if curve.kind == "rate" and _ERRORS.search(curve.name):
            now += _now(curve)
            past += fmean(curve.past) if curve.past else 0.0
            if _now(curve):
                names.append(curve.name)
    rates = [x for x in each.curves if x.kind == "rate" and not _ERRORS.search(x.name)]
    asked = max((_now(x) for x in rates if _REQUESTS.search(x.name)), default=0.0)
    share = now / asked if asked else 0.0
    if not now or (share < SHARE and past) or now < TIMES * past:
        return None
    of_all = f", {share:.0%} of its requests," if asked else ""
    before = f"{past:.2g} a second before" if past else "none before"
    evidence = tuple(Evidence("metric", f"{name} grows by {now:.2g} a second") for name in names)
    return _finding(
        each,
        "errors",
        f"service {each.name} answers with errors",
        f"it answers{of_all} {now:.2g} times a second with an error; {before}",
        Harm.WRONG if share >= SHARE or not asked else Harm.WARNING,
        (*evidence, Evidence("history", before)),
        [_rollback(each)],
    )


def _slow(each: ServiceFact) -> Finding | None:
    """What it takes now beside what it took."""
    for curve in each.curves:
        if curve.kind not in ("mean", "quantile") or not _SECONDS.search(curve.name):
            continue
        recent = curve.now[-RECENT:]
        if len(curve.past) < LEAST_PAST or len(recent) < RECENT // 2:
            continue
        now, before = median(recent), median(curve.past)
        if now < LEAST_S or now < TIMES * before or now <= max(curve.past):
            continue
        took = f"{format_duration(now)} now, {format_duration(before)} before"
        return _finding(
            each,
            "slow",
            f"service {each.name} is slower than it was",
            f"an answer takes {took}",
            Harm.WARNING,
            (Evidence("metric", f"{curve.name}: {took}"),),
            [_rollback(each)],
            sure=0.8,
        )
    return None


def _now(curve: Curve) -> float:
    recent = curve.now[-RECENT:]
    return fmean(recent) if recent else 0.0


def _command(title: str, *argv: str) -> Fix:
    return Fix(title, (Command(("mltui", *argv)),))


def _rollback(each: ServiceFact) -> Fix:
    return _command("roll it back to the version before", "rollback", each.name)


def _finding(
    each: ServiceFact,
    what: str,
    title: str,
    cause: str,
    harm: Harm,
    evidence: tuple[Evidence, ...],
    fixes: list[Fix],
    *,
    sure: float = 1.0,
) -> Finding:
    return Finding(
        rule=RULE.name,
        key=f"{each.key}:{what}",
        object=f"service {each.name}",
        cause=cause,
        headline=title,
        harm=harm,
        evidence=evidence,
        fixes=tuple(fixes),
        since=each.changed_at if what == "standing" else None,
        confidence=sure,
    )


RULE = Rule("service", "A service is unwell, answers with errors, or is slower than it was.", find)
