"""A stage that ran out of memory: which limit, how near it came, and the line that sets it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mltui.triage.facts import StageFact
from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._stages import (
    counted,
    follows,
    log_evidence,
    object_evidence,
    place_evidence,
    retry_fix,
    size,
    took,
    value_fix,
)
from mltui.triage.scene import Scene

_SHELLS = ("", "Killed", "Terminated")
"""What a shell says of a program that was ended: not what it was at."""
_UNITS = (("Gi", 1 << 30), ("Mi", 1 << 20), ("G", 10**9), ("M", 10**6), ("Ki", 1 << 10))


def find(scene: Scene) -> Iterator[Finding]:
    """Those that were ended at a limit, and those that probably were."""
    for stage in scene.failed("memory"):
        yield _finding(scene, stage, 1.0)
    for stage in scene.failed("program", "infrastructure"):
        sure = _suspicion(scene, stage)
        if sure:
            yield _finding(scene, stage, sure)


def _suspicion(scene: Scene, stage: StageFact) -> float:
    """How sure memory was the reason, though the engine did not say so; 0: it was not."""
    if any(each.is_oom for each in scene.containers_of(stage)):
        return 1.0
    pods = scene.pods_of(stage)
    if any(x.reason == "OOMKilled" for _, pod in pods for x in pod.containers):
        return 1.0
    declared = scene.declared(stage)
    limit = declared.memory_bytes if declared is not None else None
    was_killed = stage.exit_code == 137 or "SIGKILL" in stage.reason
    if was_killed and limit and stage.peak_memory_bytes and stage.peak_memory_bytes >= 0.9 * limit:
        return 0.8
    return 0.0


def _finding(scene: Scene, stage: StageFact, sure: float) -> Finding:
    declared = scene.declared(stage)
    written = declared.memory if declared is not None else None
    limit = declared.memory_bytes if declared is not None else None
    evidence = []
    fixes: list[Fix] = []
    if limit and written is not None:
        peak = size(max(stage.peak_memory_bytes or 0, limit if sure == 1.0 else 0))
        text = f"killed at its limit: {peak} of {size(limit)}{took(stage)}"
        evidence.append(Evidence("metric", text, Opens("stage", stage.key)))
        new = more(written.value, limit, stage.peak_memory_bytes or 0)
        fixes.append(value_fix(stage, "memory", written, new))
        cause = f"it needs more memory than its limit of {size(limit)}"
    else:
        cause = stage.reason or "the machine had no memory left for it"
        if stage.peak_memory_bytes:
            text = f"it had {size(stage.peak_memory_bytes)} at most{took(stage)}"
            evidence.append(Evidence("metric", text, Opens("stage", stage.key)))
    said = [text.strip() for text in stage.last_lines]
    last = next((text for text in reversed(said) if text not in _SHELLS), "")
    at = f' at "{last}"' if last else ""
    return Finding(
        rule=RULE.name,
        key=stage.key,
        object=stage.words,
        cause=cause,
        headline=f"{stage.words} runs out of memory",
        harm=Harm.URGENT,
        evidence=(
            *place_evidence(written),
            *(Evidence(x.kind, x.text + at, x.opens) for x in evidence),
            *object_evidence(scene, stage),
            *log_evidence(stage),
        ),
        fixes=(*fixes, retry_fix(stage)),
        since=stage.ended_at,
        count=max(stage.attempt, 1),
        counted=counted(stage),
        confidence=sure,
        explains=follows(scene, stage),
    )


def more(written: str, limit: int, peak: int) -> str:
    """Half as much again, in the unit that it is written in: `512Mi` → `768Mi`."""
    wanted = max(limit, peak) * 1.5
    for unit, factor in _UNITS:
        if written.removesuffix("B").endswith(unit):
            if wanted >= 16 * factor or (wanted / factor).is_integer():
                return f"{math.ceil(wanted / factor)}{unit}"
            smaller = {"Gi": "Mi", "G": "M"}.get(unit, unit)
            return f"{math.ceil(wanted / dict(_UNITS)[smaller])}{smaller}"
    return f"{math.ceil(wanted / (1 << 20))}Mi"


RULE = Rule("stage-memory", "A stage was ended at its memory limit, or the machine's.", find)
