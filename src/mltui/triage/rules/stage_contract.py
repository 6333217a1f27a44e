"""A command that ended well and did not leave what its stage declares: outputs, metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.triage.finding import Finding, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._stages import (
    counted,
    edit_fix,
    follows,
    log_evidence,
    place_evidence,
    retry_fix,
)
from mltui.triage.scene import Scene

_OUTPUT = re.compile(r"^output `(?P<name>[^`]+)`")
_PROGRAM = re.compile(r"has no program '(?P<name>[^']+)'")
_METRIC = re.compile(r"the metric `(?P<name>[^`]+)`")


def find(scene: Scene) -> Iterator[Finding]:
    """Each breach of contract, with the line that declares what is missing."""
    for stage in scene.failed("contract", "config"):
        declared = scene.declared(stage)
        output, metric = _OUTPUT.search(stage.reason), _METRIC.search(stage.reason)
        written, headline = None, f"{stage.words} can't be run as declared"
        if declared is not None:
            written = declared.outputs if output else declared.run
            if metric and declared.gate is not None:
                written = declared.gate.written
        if output:
            headline = f"{stage.words} did not leave its output {output['name']}"
        elif absent := _PROGRAM.search(stage.reason):
            headline = f"{stage.words} can't find the program {absent['name']}"
        elif metric:
            headline = f"{stage.words} did not measure {metric['name']}"
        fixes = [retry_fix(stage)]
        if written is not None:
            fixes.insert(0, edit_fix(written.file, written.line))
        yield Finding(
            rule=RULE.name,
            key=stage.key,
            object=stage.words,
            cause=stage.reason,
            headline=headline,
            harm=Harm.URGENT,
            evidence=(*place_evidence(written), *log_evidence(stage)),
            fixes=tuple(fixes),
            since=stage.ended_at,
            count=max(stage.attempt, 1),
            counted=counted(stage),
            explains=follows(scene, stage),
        )


RULE = Rule(
    "stage-contract", "A stage left no output or metric that it declares, or is declared wrong.",
    find,
)  # fmt: skip
