"""From the text of `mltui.yaml` to a Spec, or to everything that is wrong with it.

The front door of this package. Called by the CLI, the runner and the app, each of which reads the
file itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from mltui.errors import Problem, SpecError
from mltui.spec.document import PROJECT
from mltui.spec.environments import DEFAULT_TARGET
from mltui.spec.fields import Reading, Wrong
from mltui.spec.lint import lint
from mltui.spec.model import Input, Mark, Monitor, Spec
from mltui.spec.yaml12 import MapNode, ScalarNode, read_tree


def load(text: str, file: str = "mltui.yaml") -> Spec:
    """The project that a text describes.

    Raises SpecError with every problem, in file order. Reads no file: that paths exist is for the
    caller to check.
    """
    spec, found = _read(text, file)
    if spec is None or found:
        raise SpecError(found)
    return spec


def problems(text: str, file: str = "mltui.yaml") -> list[Problem]:
    """Everything that is wrong with a project file, in file order; empty when it is right."""
    return list(_read(text, file)[1])


@lru_cache(maxsize=4)
def _read(text: str, file: str) -> tuple[Spec | None, list[Problem]]:
    """Kept for the texts last asked for: one command may need the same project several times."""
    tree = read_tree(text, file)
    reading = Reading(tree.source, tree.problems)
    if tree.root is None or (isinstance(tree.root, ScalarNode) and tree.root.value is None):
        if not reading.problems:
            message = "the file is empty"
            reading.fault(Mark(1, 1), message, "a project begins with `mltui: 1` and `name: …`")
        return None, sorted(reading.problems)
    reading.note_marks(tree.root)
    if not isinstance(tree.root, MapNode):
        reading.wrong(tree.root, (), PROJECT.what)
        return None, sorted(reading.problems)
    try:
        values = PROJECT.read(tree.root, (), reading)
    except Wrong:  # pragma: no cover - a mapping always reads
        return None, sorted(reading.problems)
    spec = _spec(values, reading)
    lint(spec, reading)
    return spec, sorted(set(reading.problems))


def _spec(values: Any, reading: Reading) -> Spec:
    services = values.get("services", {})
    stages = values.get("stages", {})
    code = values.get("code")
    monitors = {
        name: _with_records(monitor, set(services) - set(stages))
        for name, monitor in values.get("monitors", {}).items()
    }
    return Spec(
        file=reading.source.file,
        text=reading.source.text,
        name=values.get("name", ""),
        code=(code,) if isinstance(code, str) else code,
        params=values.get("params", {}),
        environments=values.get("environments", {}),
        secrets=values.get("secrets", {}),
        stages=stages,
        services=services,
        monitors=monitors,
        targets=values.get("targets") or {DEFAULT_TARGET.name: DEFAULT_TARGET},
        marks=reading.marks,
    )


def _with_records(monitor: Monitor, services: set[str]) -> Monitor:
    """`classifier.records` reads like a stage's output until it is known what is a service."""
    inputs = {
        name: Input(service=found.stage, output=found.output) if found.stage in services else found
        for name, found in monitor.stage.inputs.items()
    }
    return replace(monitor, stage=replace(monitor.stage, inputs=inputs))
