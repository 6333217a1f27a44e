from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import mltui.spec.schema
from mltui.spec.fields import Reading, Wrong
from mltui.spec.schema import declared_fields, declared_objects, json_schema
from mltui.spec.yaml12 import MapNode, read_tree, read_value

HERE = Path(__file__).parent
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def read(path: Path) -> dict[str, Any]:
    root = read_tree(path.read_text(), path.name).root
    assert isinstance(root, MapNode)
    value = read_value(root)
    assert isinstance(value, dict)
    return value


FULL = read(HERE / "full.yaml")


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert {"stage", "service", "monitor", "gate", "environment", "target"} <= set(
        SCHEMA["definitions"]
    )


def test_the_copy_that_ships_is_this_schema() -> None:
    shipped = Path(mltui.spec.schema.__file__).with_name("mltui.schema.json")
    assert json.loads(shipped.read_text()) == SCHEMA, "run: python -m mltui.spec.schema"


@pytest.mark.parametrize(
    "path",
    [HERE / "full.yaml", *sorted((HERE.parents[2] / "sample_projects").glob("*/mltui.yaml"))],
)
def test_right_files_are_valid(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(read(path))] == []


WRONG: list[tuple[str, Any]] = [
    ("mltui", 2),
    ("name", 7),
    ("name", "a b"),
    ("extra", 1),
    ("stages", {}),
    ("stages.train.phase", "trainning"),
    ("stages.train.timeuot", "1m"),
    ("stages.train.timeout", "soon"),
    ("stages.train.timeout", -1),
    ("stages.train.run", 5),
    ("stages.train.run", []),
    ("stages.train.inputs.features", "vectorize"),
    ("stages.train.inputs.features", "../x"),
    ("stages.train.outputs.model", "../x"),
    ("stages.train.outputs.model", "/x"),
    ("stages.train.retry", 0),
    ("stages.train.retry.on", ["never"]),
    ("stages.train.resources.memory", "512m"),
    ("stages.train.network", "yes"),
    ("stages.train.1st", {}),
    ("stages.evaluate.gate.otherwise", "accept_best"),
    ("stages.evaluate.gate.best", "accuracy"),
    ("stages.evaluate.gate.max_rounds", 0),
    ("stages.evaluate.gate.try", []),
    ("stages.report.for_each.format", ["a", "a"]),
    ("stages.report.for_each.format", ["a/b"]),
    ("services.classifier.port", 0),
    ("services.classifier.health", "healthz"),
    ("monitors.drift.gate.otherwise", "pause"),
    ("monitors.drift.gate.otherwise.at_most", "daily"),
    ("targets.local.engine", "podman"),
    ("environments.tools.image", "a b"),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_wrong_files_are_not(path: str, value: Any) -> None:
    wrong = copy.deepcopy(FULL)
    *way, last = path.split(".")
    at = wrong
    for part in way:
        at = at[part]
    at[last] = value
    assert list(VALIDATOR.iter_errors(wrong))


@pytest.mark.parametrize(
    "path", ["mltui", "name", "stages", "stages.train.run", "monitors.drift.every"]
)
def test_what_is_required(path: str) -> None:
    wrong = copy.deepcopy(FULL)
    *way, last = path.split(".")
    at = wrong
    for part in way:
        at = at[part]
    del at[last]
    assert list(VALIDATOR.iter_errors(wrong))


@pytest.mark.parametrize(
    ("owner", "field"), declared_fields(), ids=lambda x: x if isinstance(x, str) else x.name
)
def test_every_field_has_a_sentence_and_a_right_example(owner: str, field: Any) -> None:
    assert field.doc[0].isupper()
    assert field.doc.endswith(".")
    tree = read_tree(json.dumps(field.example), "example")
    assert tree.root is not None
    reading = Reading(tree.source)
    reading.note_marks(tree.root)
    try:
        field.kind.read(tree.root, ("x", field.name), reading)
    except Wrong:
        pytest.fail(str(reading.problems))
    assert reading.problems == []
    definitions = SCHEMA["definitions"]
    schema = field.kind.schema({})
    errors = jsonschema.Draft7Validator({"definitions": definitions, **schema}).iter_errors(
        field.example
    )
    assert [error.message for error in errors] == []


def test_editors_are_told_of_every_field() -> None:
    for owner in declared_objects():
        schema = (
            SCHEMA
            if owner.name == "project"
            else SCHEMA["definitions"][owner.name.replace(" ", "-")]
        )
        assert set(schema["properties"]) == {field.name for field in owner.fields}
        assert all("description" in field for field in schema["properties"].values())
