"""A monitor that found what it looks for, or can't look."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Command, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """By what each said last; one that had too few rows says nothing yet."""
    for each in scene.facts.monitors:
        if each.trouble:
            yield Finding(
                rule=RULE.name,
                key=f"{each.key}/times",
                object=f"monitor {each.name}",
                cause=each.trouble,
                headline=f"monitor {each.name} does not measure at its times",
                harm=Harm.WARNING,
                evidence=(),
                fixes=(Fix("measure now", (Command(("mltui", "measure", each.name)),)),),
                since=each.at,
            )
        if each.verdict not in ("not-passed", "failed"):
            continue
        name = each.name
        measured = ", ".join(f"{key} {value:.3g}" for key, value in sorted(each.metrics.items()))
        evidence = [Evidence("metric", f"{measured}; over {each.rows} rows")] if measured else []
        if each.run is not None:
            became = f": {each.outcome}" if each.outcome else ""
            opens = Opens("run", f"run:{each.run}")
            evidence.append(Evidence("history", f"it started run {each.run}{became}", opens))
        is_drift = each.verdict == "not-passed"
        asks = ("mltui", "measure", name)
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=f"monitor {name}",
            cause=each.reason or ("its gate is not passed" if is_drift else "it can't measure"),
            headline=f"monitor {name} found drift" if is_drift else f"monitor {name} fails",
            harm=Harm.WARNING if is_drift else Harm.WRONG,
            evidence=tuple(evidence),
            fixes=(Fix("measure again now", (Command(asks),)),),
            since=each.at,
        )


RULE = Rule("drift", "A monitor's gate is not passed, it can't measure, or not at its times.", find)
