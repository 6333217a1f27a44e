"""A Docker host or a cluster that does not answer, a disk that is nearly full."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Command, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene

FULL, NEARLY = 0.97, 0.9


def find(scene: Scene) -> Iterator[Finding]:
    """Dead daemons explain stages that are unknown, or were lost for that reason."""
    for host in scene.facts.hosts:
        opens = Opens("host", host.key)
        if not host.is_up:
            waits = [
                stage
                for stage in scene.facts.stages
                if stage.engine == host.engine and stage.state == "unknown"
            ]
            names = ", ".join(stage.label for stage in waits)
            evidence = [Evidence("state", host.why, opens)]
            if names:
                evidence.append(Evidence("state", f"not known meanwhile: {names}", opens))
            yield Finding(
                rule=RULE.name,
                key=host.key,
                object=host.name,
                cause=host.why or "it does not answer",
                headline=f"{host.name} does not answer",
                harm=Harm.URGENT,
                evidence=tuple(evidence),
                since=host.since,
                explains=tuple(stage.key for stage in waits),
            )
        elif host.disk_used is not None and host.disk_used >= NEARLY:
            is_full = host.disk_used >= FULL
            yield Finding(
                rule=RULE.name,
                key=f"{host.key}:disk",
                object=host.name,
                cause=f"the disk that it keeps images and containers on is {host.disk_used:.0%} "
                "full",
                headline=f"the disk of {host.name} is {host.disk_used:.0%} full",
                harm=Harm.WRONG if is_full else Harm.NOTE,
                fixes=(Fix("see what fills it", (Command(("docker", "system", "df")),)),),
            )


RULE = Rule("host", "A Docker host or cluster does not answer, or its disk is nearly full.", find)
