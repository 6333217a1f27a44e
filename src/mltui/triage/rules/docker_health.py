"""A container that runs and fails its health check: which check, what it answered."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._containers import facts_of, is_looping, opens, restart_fix, said, words
from mltui.triage.scene import Scene


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
        not_there = "not found" in answer or "no such file" in answer.lower()
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=words(each),
            cause="its health check can't be run: its program is not in the image"
            if not_there
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
