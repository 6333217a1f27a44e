"""The JSON Schema of `mltui.yaml` for editors, from the same declaration that validates it.

`mltui schema` prints it, and `mltui.schema.json` beside this module is the copy that ships; a test
holds the two together. Draft-07, which yaml-language-server reads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mltui.spec.document import PROJECT
from mltui.spec.fields import Either, Field, Kind, Listed, Mapped, Object, Schema


def json_schema() -> dict[str, Any]:
    """The schema. It knows shapes, words and patterns; references and loops are for `load`."""
    definitions: dict[str, Schema] = {}
    root = PROJECT.schema(definitions)
    project = definitions.pop("project")
    assert root == {"$ref": "#/definitions/project"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "mltui.yaml",
        **project,
        "definitions": dict(sorted(definitions.items())),
    }


def declared_objects() -> tuple[Object, ...]:
    """Every object of the declaration, outermost first; the documentation is written from it."""
    found: dict[str, Object] = {}
    todo: list[Kind] = [PROJECT]
    while todo:
        kind = todo.pop(0)
        if isinstance(kind, Object) and kind.name not in found:
            found[kind.name] = kind
            todo.extend(field.kind for field in kind.fields)
        elif isinstance(kind, Listed):
            todo.append(kind.item)
        elif isinstance(kind, Mapped):
            todo.append(kind.value)
        elif isinstance(kind, Either):
            todo.extend(k for k in (kind.scalar, kind.listed, kind.mapped) if k is not None)
    return tuple(found.values())


def declared_fields() -> tuple[tuple[str, Field], ...]:
    """Every field with the name of its object, in the order of the declaration."""
    return tuple((owner.name, field) for owner in declared_objects() for field in owner.fields)


def main() -> None:
    """Writes the copy that ships: `python -m mltui.spec.schema`."""
    path = Path(__file__).with_name("mltui.schema.json")
    path.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
