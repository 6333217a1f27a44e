"""From facts to what a person is told: every rule asked, causes joined, symptoms folded, ordered.

Called by the app and the CLI whenever facts have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mltui.triage.examination import Examination
from mltui.triage.facts import Facts
from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.rules import project_rules
from mltui.triage.scene import Scene

MAX_EVIDENCE = 8
MAX_SYMPTOMS = 50


def diagnose(facts: Facts) -> list[Finding]:
    """Everything that is wrong, the most harmful first, one finding a cause."""
    return told(facts, [Examination.of(each, facts.at, facts.project) for each in facts.clusters])


def told(facts: Facts, examined: Sequence[Examination]) -> list[Finding]:
    """The same, of clusters that were examined already; `facts` are the others."""
    scene = Scene(facts, [each.cluster for each in examined])
    found = [finding for rule in project_rules() for finding in rule.find(scene)]
    for each in examined:
        found += each.findings()
    return ordered(folded(joined(found)))


def count(findings: Iterable[Finding]) -> int:
    """What the header says: notes do not count."""
    return sum(finding.harm is not Harm.NOTE for finding in findings)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By harm, then surest, then newest; a stable order for what is alike."""

    def place(finding: Finding) -> tuple[object, ...]:
        is_guess = finding.confidence < 0.5
        return (finding.harm, is_guess, -(finding.since or 0.0), -finding.count, finding.id)

    return sorted(findings, key=place)


def joined(findings: Sequence[Finding]) -> list[Finding]:
    """Findings of one group as one, with how many there are."""
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        groups.setdefault(each.id, []).append(each)
    return [group[0] if len(group) == 1 else _join(group) for group in groups.values()]


def _join(group: list[Finding]) -> Finding:
    first = min(group, key=lambda each: (each.harm, each.since or 0.0))
    evidence: dict[Evidence, None] = dict.fromkeys(first.evidence)
    for each in group:
        evidence.update(dict.fromkeys(each.evidence))
    keys = dict.fromkeys(key for each in group for key in (each.key, *each.explains))
    total = sum(each.count for each in group)
    objects = list(dict.fromkeys(each.object for each in group))
    return replace(
        first,
        evidence=tuple(evidence)[:MAX_EVIDENCE],
        since=min((each.since for each in group if each.since is not None), default=None),
        count=total,
        counted=_counted(first.key, len(objects)) or first.counted,
        explains=tuple(keys),
        confidence=max(each.confidence for each in group),
        symptoms=tuple(name for name in objects if name != first.object)[:MAX_SYMPTOMS],
    )


def _counted(key: str, number: int) -> str:
    kind = key.partition(":")[0]
    return f"{number} {kind}s" if number > 1 else ""


def folded(findings: Sequence[Finding]) -> list[Finding]:
    """Without those that follow from another, which names them as its symptoms."""
    by_key: dict[str, list[int]] = {}
    for place, each in enumerate(findings):
        by_key.setdefault(each.key, []).append(place)
    cause: dict[int, int] = {}
    for place, each in enumerate(findings):
        for key in each.explains:
            for other in by_key.get(key, ()):
                if other != place and other not in cause and _root(cause, place) != other:
                    cause[other] = place
    symptoms: dict[int, list[Finding]] = {}
    for place in cause:
        symptoms.setdefault(_root(cause, place), []).append(findings[place])
    return [
        _with_symptoms(each, symptoms.get(place, ()))
        for place, each in enumerate(findings)
        if place not in cause
    ]


def _root(cause: dict[int, int], place: int) -> int:
    while place in cause:
        place = cause[place]
    return place


def _with_symptoms(finding: Finding, symptoms: Iterable[Finding]) -> Finding:
    found = list(symptoms)
    if not found:
        return finding
    said = (*finding.symptoms, *(each.title for each in found))
    return replace(
        finding,
        symptoms=tuple(dict.fromkeys(said))[:MAX_SYMPTOMS],
        harm=min(finding.harm, *(each.harm for each in found)),
    )
