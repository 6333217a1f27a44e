"""A container that runs and fails its health check: which check, what it answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._containers import facts_of, is_looping, opens, restart_fix, said, words
from mltui.triage.scene import Scene

_ABSENT = re.compile(
    r"(?:^|/)(?:sh|bash|ash): (?:\d+: |line \d+: )?([^:\s]+): (?:command )?not found"
    r'|exec: \\?"([^"\\]+)\\?": (?:executable file not found|stat )'
)
"""Not any "not found": a server may answer so of a page."""


def find(scene: Scene) -> Iterator[Finding]:
    """Those that Docker calls unhealthy."""
    for each in scene.containers:
        if each.health != "unhealthy" or each.state != "running" or is_looping(scene, each):
            continue
        answer = each.health_output or "nothing"
        evidence = [
            Evidence("state", f"{each.health_failures} failures in a row", opens(each)),
            Evidence("field", f"check: {each.health_test}", opens(each)),
            Evidence("log", f"it answered: {answer}", opens(each)),
        ]
        absent = _ABSENT.search(answer)
        program = next((x for x in absent.groups() if x), "its program") if absent else ""
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=words(each),
            cause=f"its health check can't be run: {program} is not in the image"
            if absent
            else f"its health check fails: {answer}",
            headline=f"{words(each)} is unhealthy",
            harm=Harm.WRONG,
            evidence=(*evidence, *said(each), *facts_of(each)),
            fixes=(restart_fix(each),),
            since=each.started_at,
            count=max(each.health_failures, 1),
            counted=f"{each.health_failures} failures" if each.health_failures > 1 else "",
        )


RULE = Rule("docker-health", "A running container fails its health check.", find)
