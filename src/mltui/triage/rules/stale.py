"""A result that was kept though what it is made of has changed since."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Ask, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """The first stage of each run that is older than the project; later ones follow from it."""
    first: dict[int, Finding] = {}
    for stage in scene.facts.stages:
        if not stage.is_stale or stage.state not in ("succeeded", "cached"):
            continue
        if stage.run in first:
            continue
        first[stage.run] = Finding(
            rule=RULE.name,
            key=f"stale:{stage.run}:{stage.label}",
            object=stage.words,
            cause=stage.reason or "what it is made of has changed since",
            headline=f"{stage.words} is a result of an older project",
            harm=Harm.WARNING,
            evidence=(Evidence("state", stage.reason, Opens("stage", stage.key)),),
            fixes=(
                Fix(f"run again from {stage.stage}", (Ask("run-from", stage.run, stage.label),)),
            ),
            since=stage.ended_at,
        )
    yield from first.values()


RULE = Rule("stale", "A kept result is older than what it is made of.", find)
