"""`--set name=value`: params given when a run is started.

Called by the CLI and by whatever starts a run with other params. The order is: the project's
default, then `--set`, then what a gate tries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mltui.errors import UsageError
from mltui.spec.fields import Reading, Wrong
from mltui.spec.model import ParamValue, Spec, Stage
from mltui.spec.scalars import AnyValue
from mltui.spec.spelling import did_you_mean
from mltui.spec.yaml12 import read_tree


def read_override(name: str, text: str) -> ParamValue:
    """The value of `--set name=text`, read as YAML 1.2; nothing is null. Raises UsageError."""
    tree = read_tree(text, f"--set {name}")
    reading = Reading(tree.source, tree.problems)
    value: ParamValue = None
    if tree.root is not None and not reading.problems:
        try:
            value = AnyValue().read(tree.root, (), reading)
        except Wrong:
            value = None
    if reading.problems:
        first = reading.problems[0]
        hint = f" ({first.hint})" if first.hint else ""
        raise UsageError(f"--set {name}={text}: {first.message}{hint}")
    return value


def apply_overrides(spec: Spec, texts: Mapping[str, str]) -> tuple[Spec, tuple[str, ...]]:
    """The project with params set from the command line, and what that changed besides.

    A gate that tries one of these params tries only the one configuration given. Raises UsageError
    naming every param that is not declared, and for text that is not YAML.
    """
    unknown = [name for name in texts if name not in spec.params]
    if unknown:
        lines = []
        for name in unknown:
            hint = did_you_mean(name, spec.params)
            lines.append(
                f"--set {name}: there is no param `{name}`" + (f" ({hint})" if hint else "")
            )
        raise UsageError("\n".join(lines))
    values = {name: read_override(name, text) for name, text in texts.items()}
    notes: list[str] = []
    stages = {name: _with_tries(stage, values, texts, notes) for name, stage in spec.stages.items()}
    params = {**spec.params, **values}
    return replace(spec, params=params, stages=stages), tuple(notes)


def _with_tries(
    stage: Stage, values: Mapping[str, ParamValue], texts: Mapping[str, str], notes: list[str]
) -> Stage:
    gate = stage.gate
    if gate is None:
        return stage
    tried = {name for config in gate.tries for name in config}
    given = {name: value for name, value in values.items() if name in tried}
    if not given:
        return stage
    said = " ".join(f"--set {name}={texts[name]}" for name in given)
    count = len(gate.tries)
    what = "the configuration" if count == 1 else f"the {count} configurations"
    notes.append(f"{said} replaces {what} that the gate on `{stage.name}` would try")
    return replace(stage, gate=replace(gate, tries=(given,), max_rounds=1))
