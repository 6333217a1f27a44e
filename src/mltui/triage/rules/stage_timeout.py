"""A stage that ran longer than its timeout: how long it took before, and the line that says so."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mltui.text import format_duration
from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._stages import (
    counted,
    follows,
    log_evidence,
    object_evidence,
    place_evidence,
    retry_fix,
    value_fix,
)
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """Every stage that was ended so."""
    for stage in scene.failed("timeout"):
        declared = scene.declared(stage)
        written = declared.timeout if declared is not None else None
        limit = declared.timeout_s if declared is not None else None
        longest = max(stage.earlier_s, default=0.0)
        evidence = []
        fixes: list[Fix] = []
        cause = stage.reason or "it ran longer than its timeout"
        if stage.earlier_s:
            text = f"earlier runs took {format_duration(min(stage.earlier_s))}"
            if len(stage.earlier_s) > 1:
                text += f" to {format_duration(longest)}"
            evidence.append(Evidence("history", text, Opens("stage", stage.key)))
        if written is not None and limit:
            cause = f"it ran longer than its timeout of {format_duration(limit)}"
            if limit > 4 * longest > 0:
                cause += ", far longer than ever before: it probably hangs"
            fixes.append(value_fix(stage, "timeout", written, words(2 * max(limit, longest))))
        yield Finding(
            rule=RULE.name,
            key=stage.key,
            object=stage.words,
            cause=cause,
            headline=f"{stage.words} did not end in time",
            harm=Harm.URGENT,
            evidence=(
                *place_evidence(written),
                *evidence,
                *object_evidence(scene, stage),
                *log_evidence(stage),
            ),
            fixes=(*fixes, retry_fix(stage)),
            since=stage.ended_at,
            count=max(stage.attempt, 1),
            counted=counted(stage),
            explains=follows(scene, stage),
        )


def words(duration_s: float) -> str:
    """A duration as `mltui.yaml` has it: `20m`, `90s`."""
    whole = max(math.ceil(duration_s), 1)
    if whole % 3600 == 0:
        return f"{whole // 3600}h"
    return f"{math.ceil(whole / 60)}m" if whole > 120 else f"{whole}s"


RULE = Rule("stage-timeout", "A stage was ended because it ran longer than its timeout.", find)
