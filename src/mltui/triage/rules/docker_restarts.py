"""A container that Docker starts again and again, and why it ends."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Docker, Evidence, Finding, Fix, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._codes import meaning
from mltui.triage.rules._containers import (
    facts_of,
    is_looping,
    last_line,
    opens,
    restart_fix,
    said,
    words,
)
from mltui.triage.rules._programs import why_not_run
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """Those that are in a loop, unless memory is the reason."""
    for each in scene.containers:
        if not is_looping(scene, each) or each.is_oom:
            continue
        why = each.exception or (meaning(each.exit_code) if each.exit_code is not None else "")
        ended = f", last exit code {each.exit_code}" if each.exit_code is not None else ""
        text = f"restarted {each.restarts} times by policy {each.restart_policy}{ended}"
        cause = why or "it ends soon after every start"
        if not each.exception and (last := last_line(each)):
            cause += f", and said last: {last}"
        told = each.exception or "\n".join(each.last_lines)
        if each.exit_code and (found := why_not_run(told, f"image {each.image}")) is not None:
            cause = found[1]
        if each.exit_code == 0:
            cause = "its command ends well, and its policy starts it again each time"
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=words(each),
            cause=cause,
            headline=f"{words(each)} restarts over and over: {cause}",
            harm=Harm.WRONG,
            evidence=(Evidence("state", text, opens(each)), *said(each), *facts_of(each)),
            fixes=(
                Fix("stop it, so that it can be looked at", (Docker("stop", each.id, each.name),)),
                restart_fix(each),
            ),
            since=each.ended_at or each.started_at,
            count=each.restarts,
            counted=f"{each.restarts} restarts",
        )


RULE = Rule("docker-restarts", "A container is restarted over and over; why it ends.", find)
