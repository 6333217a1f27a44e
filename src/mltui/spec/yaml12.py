"""YAML text as a tree whose every key and value knows its line and column.

PyYAML finds the structure (libyaml where the wheel has it, pure Python where not); the meaning of
plain scalars is ours, by the core schema of YAML 1.2 (§10.3.2), because PyYAML reads `on`, `no`,
`22:30` and `012` as YAML 1.1 did. Also ours: what PyYAML lets pass (duplicate keys, merge keys,
aliases that grow without bound). Called by `mltui.spec.reader` and `mltui.spec.overrides`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from mltui.errors import Problem
from mltui.spec.model import Mark, ParamValue

MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 50
MAX_NODES = 200_000
"""Counted with every alias expanded, so a few lines can't mean a billion values."""

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# YAML 1.2 §5.1 c-printable, less the breaks of YAML 1.1 (§5.4), which libyaml would still obey.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_HALF = re.compile("[\ud800-\udfff]")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {t: t[0] in "tT" for t in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_TAGS = {"tag:yaml.org,2002:" + name: name for name in ("str", "int", "float", "bool", "null")}
_COLLECTION_TAGS = frozenset({"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", "!"})


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value. `text` is its content as YAML reads it, before it became a number or a null."""

    value: bool | int | float | str | None
    text: str
    style: str
    """`""` plain, `'` or `"` quoted, `|` or `>` block."""
    mark: Mark
    start: int
    end: int
    """Offsets in the text, quotes and block header included."""


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value`; `mark` is the key's."""

    key: str
    mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping; keys are text and unique."""

    entries: tuple[Entry, ...]
    mark: Mark


Node: TypeAlias = ScalarNode | ListNode | MapNode


@dataclass(frozen=True, slots=True)
class Source:
    """The text with its lines, to turn offsets into marks and back."""

    file: str
    text: str
    starts: tuple[int, ...] = field(repr=False)

    @classmethod
    def of(cls, text: str, file: str) -> Source:
        """Lines end with LF, CRLF or CR, as in YAML 1.2 §5.4."""
        return cls(file, text, (0, *(m.end() for m in _LINE_BREAK.finditer(text))))

    def mark(self, offset: int) -> Mark:
        """Line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return Mark(line, offset - self.starts[line - 1] + 1)

    def offset(self, mark: Mark) -> int:
        """The offset of a line and column; past the end for a line that is not there."""
        if mark.line > len(self.starts):
            return len(self.text)
        return self.starts[mark.line - 1] + mark.column - 1

    def line(self, number: int) -> str:
        """The text of a line (from 1) without its break; empty past the end."""
        if not 1 <= number <= len(self.starts):
            return ""
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n")

    def problem(self, mark: Mark, message: str, hint: str = "") -> Problem:
        """A problem at a place of this text."""
        return Problem(self.file, mark.line, mark.column, message, hint)


@dataclass(frozen=True, slots=True)
class Tree:
    """What `read_tree` found. `root` is None when there is no document, or none could be read."""

    source: Source
    root: Node | None
    problems: list[Problem]


def read_tree(text: str, file: str) -> Tree:
    """The first document of a text with everything that is wrong with it as YAML.

    Never raises for bad text. A fault in the syntax leaves no tree; faults such as a duplicate key
    are reported and the first of the two is kept, so that the rest can still be checked.
    """
    source = Source.of(text.removeprefix("\ufeff"), file)
    if len(text) > MAX_CHARACTERS:
        message = f"the file is larger than {MAX_CHARACTERS:,} characters"
        return Tree(source, None, [Problem(file, 0, 0, message)])
    bad = _UNPRINTABLE.search(source.text)
    if bad:
        code = ord(bad.group())
        hint = f'in double quotes write "\\u{code:04x}"' if code < 0x10000 else ""
        message = f"the character U+{code:04X} is not allowed in YAML"
        return Tree(source, None, [source.problem(source.mark(bad.start()), message, hint)])
    builder = _Builder(source)
    root = builder.build()
    return Tree(source, root, builder.problems)


def read_value(node: Node) -> ParamValue:
    """The plain value of a tree."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, ListNode):
        return [read_value(item) for item in node.items]
    return {entry.key: read_value(entry.node) for entry in node.entries}


def resolve_plain(text: str) -> bool | int | float | str | None:
    """What a plain scalar means in YAML 1.2's core schema (§10.3.2).

    Raises ValueError for an integer of more digits than Python reads.
    """
    if text in _NULL:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return int(text, 10 if text[1:2] not in ("o", "x") else 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if text in _NAN else text


class _Stop(Exception):
    """Reading can't go on; the problem has been noted."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen."""

    is_map: bool
    mark: Mark
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: tuple[str, Mark] | None = None
    """The key whose value comes next."""
    has_key: bool = False
    """A key was read, though perhaps a wrong one (`key` is then None)."""
    size: int = 1


class _Builder:
    """Parser events to nodes, without recursion, so depth can't exhaust the stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.stack: list[_Open] = []
        self.root: Node | None = None

    def build(self) -> Node | None:
        try:
            for event in _events(self.source, self.problems):
                self.on_event(event)
        except _Stop:
            return None
        return self.root

    def fault(self, mark: Mark, message: str, hint: str = "") -> None:
        self.problems.append(self.source.problem(mark, message, hint))

    def on_event(self, event: Any) -> None:
        kind = type(event).__name__.removesuffix("Event")
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        if kind == "Scalar":
            self.take(self.scalar(event, mark), event.anchor, 1)
        elif kind in ("MappingStart", "SequenceStart"):
            self.start(event, mark, kind == "MappingStart")
        elif kind in ("MappingEnd", "SequenceEnd"):
            self.end()
        elif kind == "Alias":
            self.alias(event.anchor, mark)
        elif kind == "DocumentStart":
            if event.version not in (None, (1, 2)):
                self.fault(mark, "this file is read as YAML 1.2", "remove the `%YAML` line")
            if self.root is not None:
                message = "a second document begins here; a project file is one document"
                self.fault(mark, message, "remove the `---`")
                raise _Stop

    def scalar(self, event: Any, mark: Mark) -> ScalarNode:
        text: str = event.value
        style = event.style or ""
        value: bool | int | float | str | None = text
        kind = None if event.tag in (None, "!") else _TAGS.get(event.tag)
        if event.tag not in (None, "!") and kind is None:
            self.fault(mark, f"the tag `{_short(event.tag)}` means nothing here", "remove it")
        plain = style == "" and event.tag is None
        if plain or kind not in (None, "str"):
            try:
                value = resolve_plain(text)
            except ValueError:
                self.fault(mark, "this number has too many digits", "quote it to make it text")
                value = 0
        if kind not in (None, "str") and not _is_kind(value, str(kind)):
            self.fault(mark, f"`{text}` is not a value of `{_short(event.tag)}`")
        if kind == "float" and isinstance(value, int):
            try:
                value = float(value)
            except OverflowError:
                self.fault(mark, "this number is too large", "quote it to make it text")
                value = 0.0
        if not text.isascii() and _HALF.search(text):
            self.fault(mark, "an escape in it is half a character", "write the character itself")
        stop = Mark(event.end_mark.line + 1, event.end_mark.column + 1)
        start, end = self.source.offset(mark), self.source.offset(stop)
        return ScalarNode(value, text, style, mark, start, end)

    def start(self, event: Any, mark: Mark, is_map: bool) -> None:
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            self.fault(mark, f"the tag `{_short(event.tag)}` means nothing here", "remove it")
        if len(self.stack) >= MAX_DEPTH:
            self.fault(mark, f"nested more than {MAX_DEPTH} deep")
            raise _Stop
        self.stack.append(_Open(is_map, mark, event.anchor))

    def end(self) -> None:
        done = self.stack.pop()
        node: Node
        if done.is_map:
            node = MapNode(tuple(done.entries.values()), done.mark)
        else:
            node = ListNode(tuple(done.items), done.mark)
        self.take(node, done.anchor, done.size)

    def alias(self, anchor: str, mark: Mark) -> None:
        if any(level.anchor == anchor for level in self.stack):
            self.fault(mark, f"`*{anchor}` stands inside what it repeats")
            self.take(ScalarNode(None, "", "", mark, 0, 0), None, 1)
        elif anchor not in self.anchors:
            from mltui.spec.spelling import did_you_mean

            hint = did_you_mean(anchor, self.anchors) or "quote it if it is text"
            self.fault(mark, f"`*{anchor}` repeats nothing: there is no `&{anchor}` above", hint)
            self.take(ScalarNode(None, "", "", mark, 0, 0), None, 1)
        else:
            node, size = self.anchors[anchor]
            self.take(replace(node, mark=mark), None, size)

    def take(self, node: Node, anchor: str | None, size: int) -> None:
        """Puts a finished node where it belongs; `size` counts it and all below it."""
        if anchor is not None:
            self.anchors[anchor] = (node, size)
        if not self.stack:
            self.root = node
            return
        level = self.stack[-1]
        level.size += size
        if level.size > MAX_NODES:
            self.fault(node.mark, f"with its aliases this is more than {MAX_NODES:,} values")
            raise _Stop
        if not level.is_map:
            level.items.append(node)
        elif not level.has_key:
            level.key = self.key(node, level)
            level.has_key = True
        else:
            if level.key is not None:
                name, mark = level.key
                level.entries[name] = Entry(name, mark, node)
            level.key, level.has_key = None, False

    def key(self, node: Node, level: _Open) -> tuple[str, Mark] | None:
        if not isinstance(node, ScalarNode):
            what = "a list" if isinstance(node, ListNode) else "a mapping"
            self.fault(node.mark, f"a key must be text, not {what}", "quote `${…}` and `{…}`")
        elif not isinstance(node.value, str):
            shown = node.text or "empty"
            hint = f'quote it: "{node.text}"' if node.text else "write a name before the `:`"
            self.fault(node.mark, f"a key must be text, not `{shown}`", hint)
        elif node.value == "<<" and not node.style:
            message = "merge keys (`<<`) are not part of YAML 1.2"
            self.fault(node.mark, message, "write the keys out, or alias whole values")
        elif node.value in level.entries:
            first = level.entries[node.value].mark
            self.fault(
                node.mark, f"duplicate key `{node.value}`; it is already on line {first.line}"
            )
        else:
            return node.value, node.mark
        return None


def _events(source: Source, problems: list[Problem]) -> Iterator[Any]:
    import yaml

    from mltui.spec.yaml_faults import explain_fault

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.parse(source.text, Loader=loader)
    except yaml.YAMLError as error:
        problems.append(explain_fault(source, error))
        raise _Stop from None
    except (ValueError, OverflowError) as error:  # of the reader without libyaml
        message = f"an escape in it stands for no character: {error}"
        problems.append(Problem(source.file, 0, 0, message))
        raise _Stop from None


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _is_kind(value: object, kind: str) -> bool:
    if kind == "null":
        return value is None
    if kind == "bool":
        return isinstance(value, bool)
    number = isinstance(value, int) and not isinstance(value, bool)
    return number or (kind == "float" and isinstance(value, float))
