"""A run without a runner: it neither goes on nor ends."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Ask, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene

YOUNG_S = 10.0
"""A runner takes a moment until it is there."""


def find(scene: Scene) -> Iterator[Finding]:
    """Runs that are under way by the journal, and that nobody works on."""
    for run in scene.facts.runs:
        if run.has_runner or run.state not in ("running", "pending"):
            continue
        if run.state == "pending" and scene.facts.at - (run.created_at or 0.0) < YOUNG_S:
            continue
        at_work = [
            x.label
            for x in scene.facts.stages
            if x.run == run.number and x.state in ("running", "building", "unknown")
        ]
        is_queued = run.state == "pending"
        text = f"under way when it was lost: {', '.join(at_work)}" if at_work else ""
        yield Finding(
            rule=RULE.name,
            key=run.key,
            object=f"run {run.number}",
            cause="it waits, and no runner is there to begin it"
            if is_queued
            else "its runner is gone: killed, or the machine was restarted",
            headline=f"run {run.number} has no runner",
            harm=Harm.URGENT,
            evidence=(Evidence("state", text, Opens("run", run.key)),) if text else (),
            fixes=(Fix("resume it: finished work is kept", (Ask("resume", run.number),)),),
            since=run.started_at or run.created_at,
            explains=tuple(
                x.key
                for x in scene.facts.stages
                if x.run == run.number and x.state in ("running", "building", "unknown")
            ),
        )


RULE = Rule("runner", "A run is under way, and nothing works on it.", find)
