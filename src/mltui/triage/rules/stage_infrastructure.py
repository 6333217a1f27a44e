"""A stage that was lost to its machine: a removed container, a restarted daemon, a full disk."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Command, Finding, Fix, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._stages import (
    counted,
    follows,
    log_evidence,
    object_evidence,
    retry_fix,
)
from mltui.triage.rules.stage_memory import find as memory
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """Each, unless memory was the reason."""
    explained = {finding.key for finding in memory(scene)}
    for stage in scene.failed("infrastructure"):
        if stage.key in explained:
            continue
        is_full = "disk is full" in stage.reason or "disk of the" in stage.reason
        fixes = [retry_fix(stage, "retry: the work was not at fault")]
        if is_full:
            fixes.insert(0, Fix("free what no run needs", (Command(("mltui", "gc")),)))
        yield Finding(
            rule=RULE.name,
            key=stage.key,
            object=stage.words,
            cause=stage.reason or "it vanished without an exit code",
            headline=f"{stage.words} was lost to {'a full disk' if is_full else 'its machine'}",
            harm=Harm.URGENT,
            evidence=(*object_evidence(scene, stage), *log_evidence(stage)),
            fixes=tuple(fixes),
            since=stage.ended_at,
            count=max(stage.attempt, 1),
            counted=counted(stage),
            explains=follows(scene, stage),
        )


RULE = Rule("stage-infrastructure", "A stage was lost to its machine, not to its program.", find)
