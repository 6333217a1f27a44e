"""What a field may hold: the combinators that `mltui.spec.document` declares the file with.

A kind reads a node into a value, notes every fault with its place, and gives its JSON Schema, so
that validation, editors and documentation come from one declaration. Reading goes on after a
fault: a container leaves the wrong part out and remembers its path, and cross checks keep quiet
about what hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mltui.errors import Problem
from mltui.spec.expr import Name
from mltui.spec.model import Mark, YamlPath
from mltui.spec.scalar_places import place_in
from mltui.spec.spelling import nearest
from mltui.spec.template import Spot
from mltui.spec.yaml12 import ListNode, MapNode, Node, ScalarNode, Source

Schema = dict[str, Any]


class Wrong(Exception):
    """The value is of no use; the problem has been noted."""


class Unfit(Exception):
    """A scalar is not what its field wants.

    `message` empty: the field's own sentence. `offset` is counted in the value's text; None is its
    start.
    """

    def __init__(self, message: str = "", hint: str = "", offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


@dataclass(slots=True)
class Reading:
    """What one reading of a file has found so far."""

    source: Source
    problems: list[Problem] = field(default_factory=list)
    marks: dict[YamlPath, Mark] = field(default_factory=dict)
    """Where each value starts."""
    keys: dict[YamlPath, Mark] = field(default_factory=dict)
    """Where each key starts."""
    texts: dict[YamlPath, str] = field(default_factory=dict)
    """The text of each scalar."""
    nodes: dict[YamlPath, ScalarNode] = field(default_factory=dict)
    """The scalars that hold a template or an expression."""
    spots: dict[YamlPath, tuple[Spot, ...]] = field(default_factory=dict)
    """References of each template."""
    names: dict[YamlPath, tuple[Name, ...]] = field(default_factory=dict)
    """Names of each gate expression."""
    broken: set[YamlPath] = field(default_factory=set)
    """Paths whose value could not be read."""

    def note_marks(self, node: Node, path: YamlPath = ()) -> None:
        """Remembers where every key and value below a node stands."""
        self.marks[path] = node.mark
        if isinstance(node, MapNode):
            for entry in node.entries:
                self.keys[(*path, entry.key)] = entry.mark
                self.note_marks(entry.node, (*path, entry.key))
        elif isinstance(node, ListNode):
            for index, item in enumerate(node.items):
                self.note_marks(item, (*path, index))
        else:
            self.texts[path] = node.text

    def fault(self, mark: Mark, message: str, hint: str = "") -> None:
        """Notes a problem at a place."""
        self.problems.append(self.source.problem(mark, message, hint))

    def wrong(self, node: Node, path: YamlPath, what: str, hint: str = "") -> Wrong:
        """Notes that a value is not what its field wants; the caller raises the result."""
        self.fault(node.mark, f"{subject(path)} must be {what}, not {describe(node)}", hint)
        return Wrong()

    def place(self, path: YamlPath, offset: int) -> Mark:
        """The mark of a character inside a template or expression."""
        return place_in(self.source, self.nodes[path], offset)


class Kind(Protocol):
    """What a field may hold."""

    @property
    def what(self) -> str:
        """Completes "must be …": `a duration such as "10m"`."""

    def read(self, node: Node, path: YamlPath, reading: Reading) -> Any:
        """The value of a node. Raises Wrong when nothing of it can be used."""

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """JSON Schema (draft-07); objects add themselves to `definitions`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `convert` raises Unfit, or ValueError whose text becomes the hint."""

    what: str
    convert: Callable[[ScalarNode], Any]
    json: Mapping[str, Any]

    def read(self, node: Node, path: YamlPath, reading: Reading) -> Any:
        """Reads one value."""
        if not isinstance(node, ScalarNode):
            raise reading.wrong(node, path, self.what)
        try:
            value = self.convert(node)
        except Unfit as unfit:
            if not unfit.message:
                raise reading.wrong(node, path, self.what, unfit.hint) from None
            offset = unfit.offset
            mark = node.mark if offset is None else place_in(reading.source, node, offset)
            reading.fault(mark, unfit.message, unfit.hint)
            raise Wrong from None
        except ValueError as error:
            raise reading.wrong(node, path, self.what, str(error)) from None
        if not node.style and reading.source.mark(node.end).line > node.mark.line:
            hint = "check the indentation below it, or quote the value"
            reading.fault(node.mark, f"{subject(path)} runs on over several lines", hint)
            raise Wrong
        return value

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """As declared."""
        return dict(self.json)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of one kind; reads to a tuple."""

    item: Kind
    what: str
    minimum: int = 0
    maximum: int | None = None
    unique: bool = False

    def read(self, node: Node, path: YamlPath, reading: Reading) -> tuple[Any, ...]:
        """Reads every item; wrong ones are left out."""
        if not isinstance(node, ListNode):
            hint = "write it as `[…]`" if isinstance(node, ScalarNode) and node.text else ""
            raise reading.wrong(node, path, self.what, hint)
        if len(node.items) < self.minimum:
            reading.fault(node.mark, f"{subject(path)} is an empty list")
            reading.broken.add(path)
        if self.maximum is not None and len(node.items) > self.maximum:
            message = f"{subject(path)} has {len(node.items):,} items; {self.maximum:,} is the most"
            reading.fault(node.items[self.maximum].mark, message)
        values: list[Any] = []
        for index, item in enumerate(node.items):
            at = (*path, index)
            try:
                value = self.item.read(item, at, reading)
            except Wrong:
                reading.broken.add(at)
                continue
            if self.unique and value in values:
                reading.fault(item.mark, f"`{value}` is listed twice")
                continue
            values.append(value)
        return tuple(values)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An array."""
        schema: Schema = {"type": "array", "items": self.item.schema(definitions)}
        if self.minimum:
            schema["minItems"] = self.minimum
        if self.maximum is not None:
            schema["maxItems"] = self.maximum
        if self.unique:
            schema["uniqueItems"] = True
        return schema


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys of a mapping may be; `problem` says why one may not, or nothing."""

    pattern: str
    problem: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping from free names to one kind; reads to a dict in the file's order."""

    keys: Keys
    value: Kind
    what: str
    minimum: int = 0

    def read(self, node: Node, path: YamlPath, reading: Reading) -> dict[str, Any]:
        """Reads every entry; wrong ones are left out."""
        if not isinstance(node, MapNode):
            raise reading.wrong(node, path, self.what)
        if len(node.entries) < self.minimum:
            reading.fault(reading.keys.get(path, node.mark), f"{subject(path)} is empty")
            reading.broken.add(path)
        values: dict[str, Any] = {}
        for entry in node.entries:
            at = (*path, entry.key)
            complaint = self.keys.problem(entry.key)
            if complaint:
                reading.fault(entry.mark, f"`{entry.key}` {complaint}")
                reading.broken.add(at)
            try:
                values[entry.key] = self.value.read(entry.node, at, reading)
            except Wrong:
                reading.broken.add(at)
        return values

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An object with free keys."""
        schema: Schema = {
            "type": "object",
            "propertyNames": {"pattern": f"^(?:{self.keys.pattern})$"},
            "additionalProperties": self.value.schema(definitions),
        }
        if self.minimum:
            schema["minProperties"] = self.minimum
        return schema


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object."""

    name: str
    kind: Kind
    doc: str
    """One sentence for editors and the documentation."""
    example: Any
    """A right value, as JSON."""
    required: bool = False
    also: tuple[str, ...] = ()
    """What other tools call it; used for the hint on an unknown key only."""


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping with declared keys; `make` turns its name and the values read into the model."""

    name: str
    """The noun, e.g. `stage`."""
    doc: str
    fields: tuple[Field, ...]
    make: Callable[[str, Mapping[str, Any]], Any]

    @property
    def what(self) -> str:
        """With its keys, so that the sentence helps."""
        shown = [f.name for f in self.fields if f.required] or [f.name for f in self.fields[:3]]
        return f"a mapping with {', '.join(f'`{name}`' for name in shown)}"

    def read(self, node: Node, path: YamlPath, reading: Reading) -> Any:
        """Reads every field; wrong and unknown ones are left out."""
        if not isinstance(node, MapNode):
            raise reading.wrong(node, path, self.what)
        known = {f.name: f for f in self.fields}
        values: dict[str, Any] = {}
        for entry in node.entries:
            at = (*path, entry.key)
            found = known.get(entry.key)
            if found is None:
                meant = self.meant_by(entry.key, {e.key for e in node.entries})
                hint = f"did you mean `{meant}`?" if meant else self.keys_left(node)
                reading.fault(entry.mark, f"unknown key `{entry.key}` in {self.title(path)}", hint)
                if meant:
                    reading.broken.add((*path, meant))
                continue
            try:
                values[entry.key] = found.kind.read(entry.node, at, reading)
            except Wrong:
                reading.broken.add(at)
        written = {entry.key for entry in node.entries}
        for missing in self.fields:
            at = (*path, missing.name)
            if missing.required and missing.name not in written and at not in reading.broken:
                mark = reading.keys.get(path, node.mark)
                hint = f"e.g. `{missing.name}: {_inline(missing.example)}`"
                reading.fault(mark, f"{self.title(path)} has no `{missing.name}`", hint)
                reading.broken.add(at)
        name = path[-1] if path else ""
        return self.make(str(name), values)

    def title(self, path: YamlPath) -> str:
        """How a message names this object."""
        if not path:
            return "the project"
        is_field = self.name.endswith(str(path[-1]))
        return f"`{path[-1]}`" if is_field else f"{self.name} `{path[-1]}`"

    def meant_by(self, key: str, written: set[str]) -> str | None:
        """The field that an unknown key was probably meant to be."""
        left = [f for f in self.fields if f.name not in written]
        for known in left:
            if key in known.also:
                return known.name
        return nearest(key, [f.name for f in left])

    def keys_left(self, node: MapNode) -> str:
        """What could be written instead, where nothing is near."""
        left = [f"`{f.name}`" for f in self.fields if f.name not in {e.key for e in node.entries}]
        return "there is " + ", ".join(left) if 0 < len(left) <= 12 else ""

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A reference to this object's definition."""
        key = self.name.replace(" ", "-")
        if key not in definitions:
            schema: Schema = {"type": "object", "description": self.doc}
            definitions[key] = schema
            schema["properties"] = {f.name: _described(f, definitions) for f in self.fields}
            required = [f.name for f in self.fields if f.required]
            if required:
                schema["required"] = required
            schema["additionalProperties"] = False
        return {"$ref": f"#/definitions/{key}"}


@dataclass(frozen=True, slots=True)
class Either:
    """One of several kinds, told apart by the shape of what is written."""

    what: str
    scalar: Kind | None = None
    listed: Kind | None = None
    mapped: Kind | None = None

    def read(self, node: Node, path: YamlPath, reading: Reading) -> Any:
        """Reads by the kind of that shape."""
        if isinstance(node, ScalarNode):
            kind = self.scalar if node.value is not None else None
        else:
            kind = self.listed if isinstance(node, ListNode) else self.mapped
        if kind is None:
            raise reading.wrong(node, path, self.what)
        return kind.read(node, path, reading)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Any of the kinds."""
        kinds = [k for k in (self.scalar, self.listed, self.mapped) if k is not None]
        return {"anyOf": [kind.schema(definitions) for kind in kinds]}


def subject(path: YamlPath) -> str:
    """How a message names the value at a path."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        owner = next((part for part in reversed(path) if isinstance(part, str)), "the list")
        return f"item {path[-1] + 1} of `{owner}`"
    return f"`{path[-1]}`"


def describe(node: Node) -> str:
    """What is written instead, for "must be …, not …"."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a mapping"
    if node.value is None:
        return f"`{node.text}`" if node.text else "empty"
    shown = " ".join(node.text.split())
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    if node.text == "":
        return "empty text"
    if isinstance(node.value, bool):
        return f"the boolean `{shown}`"
    return f"`{shown}`" if isinstance(node.value, str) else f"the number {shown}"


def _described(found: Field, definitions: dict[str, Schema]) -> Schema:
    schema = found.kind.schema(definitions)
    if "$ref" in schema:  # draft-07 ignores what stands beside a `$ref`
        schema = {"allOf": [schema]}
    return {"description": found.doc, **schema, "examples": [found.example]}


def _inline(value: Any) -> str:
    import json

    if isinstance(value, str):
        return value if value and value.isprintable() and ": " not in value else json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return json.dumps(value)
