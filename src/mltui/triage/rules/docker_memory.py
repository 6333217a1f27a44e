"""A container that was killed at its memory limit."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.text import format_bytes
from mltui.triage.finding import Evidence, Finding
from mltui.triage.rules import Rule
from mltui.triage.rules._containers import (
    facts_of,
    harm_of,
    is_looping,
    is_over,
    limit_fix,
    opens,
    said,
    start_fix,
    words,
)
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """Ended by the kernel, or restarted because of it."""
    for each in scene.containers:
        if not each.is_oom or not (is_over(each) or is_looping(scene, each)):
            continue
        limit = each.memory_limit_bytes
        size = format_bytes(limit, binary=True)
        cause = (
            f"it needs more memory than its limit of {size}"
            if limit
            else "the Docker host ran out of memory, and it was killed"
        )
        state = f"{each.state}, exit code {each.exit_code}, OOMKilled"
        again = f", restarted {each.restarts} times" if each.restarts else ""
        fix = limit_fix(each)
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=words(each),
            cause=cause,
            headline=f"{words(each)} runs out of memory",
            harm=harm_of(scene, each),
            evidence=(
                Evidence("state", state + again, opens(each)),
                *said(each),
                *facts_of(each),
            ),
            fixes=(*((fix,) if fix else ()), start_fix(each)),
            since=each.ended_at or each.started_at,
            count=each.restarts + 1,
            counted=f"{each.restarts} restarts" if each.restarts else "",
        )


RULE = Rule("docker-memory", "A container was killed at its memory limit.", find)
