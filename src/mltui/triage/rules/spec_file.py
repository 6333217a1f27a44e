"""A `mltui.yaml` that can't be used: no run starts, and what it declares is not known."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Edit, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene

_SHOWN = 8


def find(scene: Scene) -> Iterator[Finding]:
    """One for the file, however many faults it has."""
    problems = scene.facts.problems
    if not problems:
        return
    first = problems[0]
    hint = f": {first.hint}" if first.hint else ""
    others = len(problems) - 1
    more = f", and {others} more" if others else ""
    yield Finding(
        rule=RULE.name,
        key=f"file:{first.file}",
        object=first.file,
        cause=f"line {first.line}: {first.message}{hint}{more}",
        headline=f"{first.file} can't be used",
        harm=Harm.URGENT,
        evidence=tuple(
            Evidence("field", str(each), Opens("file", each.file, each.line))
            for each in problems[:_SHOWN]
        ),
        fixes=(Fix(f"edit {first.file}:{first.line}", (Edit(first.file, max(first.line, 1)),)),),
    )


RULE = Rule("spec-file", "`mltui.yaml` has faults, so no run can start.", find)
