"""A stage that runs and says nothing, for far longer than it ever took."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.text import format_duration
from mltui.triage.finding import Ask, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene

LEAST_S = 60.0
"""Silence that is shorter says nothing."""


def find(scene: Scene) -> Iterator[Finding]:
    """Silent ones that have run twice as long as ever; the more the surer."""
    for stage in scene.facts.stages:
        if stage.state != "running" or stage.quiet_s is None or stage.started_at is None:
            continue
        longest, gone = max(stage.earlier_s, default=0.0), scene.at - stage.started_at
        if not longest or stage.quiet_s < max(LEAST_S, longest) or gone < 2 * longest:
            continue
        last = next((text.strip() for text in reversed(stage.last_lines) if text.strip()), "")
        times = gone / longest
        text = f"runs for {format_duration(gone)}; earlier runs took {format_duration(longest)}"
        evidence = [Evidence("history", text, Opens("stage", stage.key))]
        if last:
            evidence.append(Evidence("log", f"last said: {last}", Opens("log", stage.key)))
        yield Finding(
            rule=RULE.name,
            key=stage.key,
            object=stage.words,
            cause=f"it has said nothing for {format_duration(stage.quiet_s)} and runs "
            f"{times:.0f} times as long as ever before",
            headline=f"{stage.words} probably hangs",
            harm=Harm.WARNING,
            evidence=tuple(evidence),
            fixes=(Fix(f"cancel {stage.label}", (Ask("cancel", stage.run, stage.label),)),),
            since=scene.at - stage.quiet_s,
            confidence=min(0.9, 0.4 + 0.05 * times),
        )


RULE = Rule("stuck", "A stage is silent for far longer than it ever took.", find)
