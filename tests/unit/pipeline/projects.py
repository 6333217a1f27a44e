"""Small projects, written as in `mltui.yaml` but for what every stage of a test has alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.pipeline.model import Instance
from mltui.pipeline.plan import Plan
from mltui.spec.model import FailureClass, Spec
from mltui.spec.reader import load

from .simulated import Outcome, Simulation

_STAGE = re.compile(r"^(?P<name>[\w-]+): \{(?P<rest>.*)$")
_USUAL = {"phase": "data", "run": "'true'", "outputs": "{out: out}"}


def project(stages: str, params: str = "{target: 0.98, c: null, gamma: null}") -> Spec:
    """One stage after another (`name: {…}`); phase, run and an output `out` unless written."""
    lines = ["mltui: 1", "name: test", f"params: {params}", "stages:"]
    for line in _joined(stages):
        found = _STAGE.match(line)
        assert found is not None, line
        usual = [
            f"{key}: {value}"
            for key, value in _USUAL.items()
            if not re.search(rf"(^|[ {{,]){key}:", found["rest"])
        ]
        comma = "" if found["rest"].strip() == "}" else ", "
        lines.append(f"  {found['name']}: {{{', '.join(usual)}{comma}{found['rest']}")
    return load("\n".join(lines), "mltui.yaml")


def _joined(text: str) -> Iterator[str]:
    """Lines, with what belongs into the same braces on one."""
    whole = ""
    for line in text.strip().splitlines():
        whole = f"{whole} {line.strip()}".strip()
        if whole and whole.count("{") == whole.count("}"):
            yield whole
            whole = ""


def plan(stages: str, *asked: str, start_from: tuple[str, ...] = ()) -> Plan:
    return Plan.of(project(stages), asked, start_from)


class Outcomes:
    """How each attempt goes, by label: metrics by stage and round, failures by attempt."""

    def __init__(
        self,
        metrics: dict[str, list[dict[str, float]]] | None = None,
        fails: dict[str, FailureClass] | None = None,
        cached: tuple[str, ...] = (),
    ) -> None:
        self.metrics = metrics or {}
        self.fails = fails or {}
        """Label (every attempt) or `label.attempt` → class."""
        self.cached = set(cached)

    def __call__(self, instance: Instance, attempt: int) -> Outcome:
        found = self.metrics.get(instance.stage, [{}])
        kind = self.fails.get(f"{instance.label}.{attempt}", self.fails.get(instance.label))
        return Outcome(
            kind,
            found[min(instance.round, len(found)) - 1],
            cached=instance.label in self.cached or instance.stage in self.cached,
        )


def accuracy(*values: float) -> list[dict[str, float]]:
    """The metric `accuracy` in each round."""
    return [{"accuracy": value} for value in values]


def run(the_plan: Plan, outcomes: Outcomes | None = None) -> Simulation:
    """A run of the plan, driven to its end."""
    sim = Simulation(the_plan, outcomes or Outcomes())
    sim.run()
    sim.check_end()
    sim.check_replay()
    sim.check_changes()
    return sim
