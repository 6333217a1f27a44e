"""A container that ended with an exit code: what the code says, and what was written last."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.facts import ContainerFact
from mltui.triage.finding import Evidence, Finding, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._codes import meaning
from mltui.triage.rules._containers import (
    facts_of,
    harm_of,
    is_over,
    last_line,
    opens,
    remove_fix,
    said,
    start_fix,
    words,
)
from mltui.triage.rules._programs import why_not_run
from mltui.triage.scene import Scene

_STOPS = (129, 130, 143)
_UNKNOWN = 255
"""Docker's word for a program that was stopped before it had begun, among others."""


def find(scene: Scene) -> Iterator[Finding]:
    """Codes other than 0 of what is over; what a person stopped is no fault."""
    for each in scene.containers:
        if not is_over(each) or each.is_oom or not each.exit_code or _not_begun(each):
            continue
        stopped = each.exit_code in (*_STOPS, 137, _UNKNOWN)
        if stopped and each.was_asked:
            continue
        yield _finding(scene, each)


def _not_begun(container: ContainerFact) -> bool:
    """Told by `docker_start`."""
    return bool(container.error)


def _finding(scene: Scene, each: ContainerFact) -> Finding:
    harm, sure, code = harm_of(scene, each), 1.0, each.exit_code
    why = each.exception or meaning(code)
    cause = f"its command {why}" if not each.exception else why
    if code == 137:
        cause = "it was killed (SIGKILL), not at its own memory limit"
        if each.was_asked is None:
            harm, sure = Harm.NOTE, 0.5
            cause += "; by whom is not known any more"
        else:
            cause += " and not through Docker: by a process, or the machine had no memory left"
            sure = 0.7
        why = "killed from outside"
    elif code in _STOPS:
        harm, cause, why = Harm.NOTE, f"it {meaning(code)}", "stopped from outside"
    elif code in (126, 127):
        what = "was not found" if code == 127 else "can't be executed"
        cause = f"its command, or one that it calls, {what}"
        if each.exception:
            cause += f": {each.exception}"
    elif not each.exception and (last := last_line(each)):
        cause += f", and said last: {last}"
    headline = f"{words(each)} ended: {why}"
    told = each.exception or "\n".join(each.last_lines)
    if code != 137 and (found := why_not_run(told, f"image {each.image}")) is not None:
        headline, cause = f"{words(each)} can't run: {found[0]}", found[1]
    return Finding(
        rule=RULE.name,
        key=each.key,
        object=words(each),
        cause=cause,
        headline=headline,
        harm=harm,
        evidence=(Evidence("exit", f"exit code {code}", opens(each)), *said(each), *facts_of(each)),
        fixes=(start_fix(each), remove_fix(each)),
        since=each.ended_at,
        confidence=sure,
        group=f"{each.part_of.rpartition(' of ')[2] or each.id}:{each.image}:{code}:{why}",
    )


RULE = Rule("docker-exit", "A container ended with an exit code; what the code says.", find)
