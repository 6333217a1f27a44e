"""The kinds of single values: text, names, numbers, amounts, paths, templates, expressions.

Each is a `Scalar` (or a kind of its own where places inside the value matter) from which
`mltui.spec.document` builds the declaration of the file.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mltui.spec.expr import ExprError, read_best, read_expr
from mltui.spec.fields import Reading, Scalar, Schema, Unfit, Wrong
from mltui.spec.model import Best, Expr, ParamValue, Template, YamlPath
from mltui.spec.quantities import (
    CPU_PATTERN,
    DURATION_PATTERN,
    RATE_PATTERN,
    SIZE_PATTERN,
    read_cpu,
    read_duration,
    read_rate,
    read_size,
)
from mltui.spec.spelling import nearest
from mltui.spec.template import UNCLOSED, Fault, read_template
from mltui.spec.yaml12 import ListNode, MapNode, Node, ScalarNode, read_value

NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
ITEM_PATTERN = r"(?!\.\.?$)[A-Za-z0-9._-]{1,253}"
"""An item of a `for_each`: it becomes part of file, container and environment names."""
_COMMENT_AFTER = re.compile(r"[ \t]+(#[^\r\n]*)")
_ANY_TYPE = ["string", "number", "boolean"]
_SPECIFIER = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*[0-9]+(\.[0-9]+)*(\.\*)?\s*")


def is_item(text: str) -> bool:
    """Whether text may be an item of a `for_each` (also for items that a stage computed)."""
    return re.fullmatch(ITEM_PATTERN, text) is not None


def name_problem(text: str) -> str:
    """Why text may not name a stage, environment, param or the like; empty when it may."""
    if re.fullmatch(NAME_PATTERN, text):
        return ""
    if len(text) > 63:
        return f"has {len(text)} characters; a name has at most 63"
    return "is not a name: a letter first, then letters, digits, `_` and `-`"


def text_of(node: ScalarNode) -> str:
    """The text of a scalar that must be text; raises Unfit for numbers, booleans and nulls."""
    if not isinstance(node.value, str):
        quoted = f'quote it: "{node.text}"' if node.text and node.value is not None else ""
        raise Unfit(hint=quoted)
    if not node.value.strip():
        raise Unfit()
    return node.value


def text(what: str, pattern: str = "", hint: str = "", also_numbers: bool = False) -> Scalar:
    """Text, perhaps of a pattern. `also_numbers` takes `3` and `true` as the text written."""

    def convert(node: ScalarNode) -> str:
        value = node.text if also_numbers and node.value is not None else text_of(node)
        if pattern and not re.fullmatch(pattern, value):
            raise Unfit(hint=hint)
        if "\0" in value:
            raise Unfit("a NUL can't be passed to a program")
        return value

    json: Schema = {"type": _ANY_TYPE if also_numbers else "string"}
    if pattern:
        json["pattern"] = f"^(?:{pattern})$"
    elif not also_numbers:
        json["minLength"] = 1
    return Scalar(what, convert, json)


def name(what: str) -> Scalar:
    """A name, by the one rule for names."""

    def convert(node: ScalarNode) -> str:
        value = text_of(node)
        complaint = name_problem(value)
        if complaint:
            raise Unfit(f"`{value}` {complaint}")
        return value

    return Scalar(what, convert, {"type": "string", "pattern": f"^{NAME_PATTERN}$"})


def integer(minimum: int, maximum: int = 10**9) -> Scalar:
    """A whole number between two bounds."""

    def convert(node: ScalarNode) -> int:
        value = node.value
        if isinstance(value, str) and re.fullmatch("[0-9]+", value):
            raise Unfit(hint="remove the quotes")
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit()
        if not minimum <= value <= maximum:
            raise Unfit()
        return value

    upper = "" if maximum == 10**9 else f" and at most {maximum:,}"
    json: Schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return Scalar(f"a whole number of at least {minimum}{upper}", convert, json)


def amount(node: ScalarNode) -> float | str:
    """The number or text of an amount; raises Unfit for anything else."""
    if isinstance(node.value, bool) or node.value is None or node.value == "":
        raise Unfit()
    if isinstance(node.value, float) and not math.isfinite(node.value):
        raise Unfit()
    return node.value


def duration(*, zero: bool = False) -> Scalar:
    """Seconds, as a number or such as `10m`."""

    def convert(node: ScalarNode) -> float:
        seconds = read_duration(amount(node))
        if not seconds and not zero:
            raise Unfit(hint="it must be more than 0")
        return seconds

    schema = {"anyOf": [{"type": "number", "minimum": 0}, _pattern(DURATION_PATTERN)]}
    return Scalar("a duration such as `10m`, or seconds", convert, schema)


def size() -> Scalar:
    """Bytes, as a number or such as `512Mi`."""
    schema = {"anyOf": [{"type": "integer", "minimum": 1}, _pattern(SIZE_PATTERN)]}
    return Scalar("a size such as `512Mi`, or bytes", lambda n: read_size(amount(n)), schema)


def cpu() -> Scalar:
    """CPUs, as a number or such as `500m`."""
    schema = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _pattern(CPU_PATTERN)]}
    return Scalar("a number of CPUs such as `2` or `0.5`", lambda n: read_cpu(amount(n)), schema)


def rate() -> Scalar:
    """`1 per day`, as a count and seconds."""
    what = "a rate such as `1 per day`"
    return Scalar(what, lambda n: read_rate(text_of(n)), _pattern(RATE_PATTERN))


def boolean() -> Scalar:
    """`true` or `false`; the `yes` and `on` of YAML 1.1 are text and refused."""

    def convert(node: ScalarNode) -> bool:
        if isinstance(node.value, bool):
            return node.value
        word = node.text.lower()
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(word)
        raise Unfit(hint=f"write `{meant or word}`" if meant or word in ("true", "false") else "")

    return Scalar("`true` or `false`", convert, {"type": "boolean"})


def choice(values: Iterable[str]) -> Scalar:
    """One of some words; an enum's members stay members."""
    members = {str(value): value for value in values}

    def convert(node: ScalarNode) -> str | StrEnum:
        if isinstance(node.value, str) and node.value in members:
            return members[node.value]
        near = nearest(node.text, members)
        raise Unfit(hint=f"did you mean `{near}`?" if near else "")

    what = "one of " + ", ".join(f"`{word}`" for word in members)
    return Scalar(what if len(members) > 1 else what[7:], convert, {"enum": list(members)})


def inner_path(what: str, *, folder: bool = False, templated: bool = False) -> Scalar:
    """A relative path that stays inside its folder, cleaned.

    `folder` keeps a `/` at the end; `templated` lets `${…}` stand in it.
    """

    def convert(node: ScalarNode) -> str:
        value = text_of(node)
        complaint = path_problem(value)
        if not complaint and "${" in value and not templated:
            complaint = "has a `${…}` in it; this path is fixed"
        if complaint:
            raise Unfit(f"`{value}` {complaint}")
        return posixpath.normpath(value) + ("/" if folder and value.endswith("/") else "")

    return Scalar(what, convert, {"type": "string", "pattern": r"^(?!/|~|(.*/)?\.\.(/|$)).+"})


def path_problem(path: str) -> str:
    """Why a path leaves its folder or can't be used; empty when it stays inside."""
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", path):
        return "is absolute; write it relative to the project"
    if ".." in path.split("/"):
        return "has `..` in it; a path may not leave its folder"
    return "has a backslash; write `/` between folders" if "\\" in path else ""


def python_version() -> Scalar:
    """A version specifier as in PEP 440, e.g. `>=3.11`."""

    def convert(node: ScalarNode) -> str:
        if re.fullmatch(r"[0-9]+(\.[0-9]+)*", node.text):
            star = ".*" if node.text.count(".") < 2 else ""
            raise Unfit(hint=f'write "=={node.text}{star}" or ">={node.text}"')
        value = text_of(node)
        if not all(_SPECIFIER.fullmatch(part) for part in value.split(",")):
            raise Unfit()
        return value

    return Scalar('a version specifier such as ">=3.11"', convert, {"type": "string"})


def item() -> Scalar:
    """One literal item of a `for_each`; a number is taken as the text written."""

    def convert(node: ScalarNode) -> str:
        if node.value is None or not is_item(node.text):
            raise Unfit()
        return node.text

    json = {"type": _ANY_TYPE, "pattern": f"^{ITEM_PATTERN}$"}
    return Scalar("an item of letters, digits, `.`, `_` and `-`", convert, json)


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Any value that JSON has; for params."""

    what: str = "a value"

    def read(self, node: Node, path: YamlPath, reading: Reading) -> ParamValue:
        """Reads the value, refusing what JSON or a command line can't carry."""
        todo: list[Node] = [node]
        while todo:
            at = todo.pop()
            if isinstance(at, ListNode):
                todo.extend(at.items)
            elif isinstance(at, MapNode):
                todo.extend(entry.node for entry in at.entries)
            elif isinstance(at.value, float) and not math.isfinite(at.value):
                reading.fault(at.mark, f"`{at.text}` can't be a param; JSON has no such number")
                raise Wrong
            elif isinstance(at.value, str) and "\0" in at.value:
                reading.fault(at.mark, "a NUL can't be passed to a program")
                raise Wrong
        return read_value(node)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Anything."""
        return {}


@dataclass(frozen=True, slots=True)
class Templated:
    """Text with `${…}`; `shell` for a script, `pattern` for what stands between references."""

    what: str
    shell: bool = False
    pattern: str = ""

    def read(self, node: Node, path: YamlPath, reading: Reading) -> Template:
        """Reads the template and keeps where its references stand."""
        if not isinstance(node, ScalarNode):
            raise reading.wrong(node, path, self.what)
        try:
            text_of(node)
        except Unfit as unfit:
            raise reading.wrong(node, path, self.what, unfit.hint) from None
        found = read_template(node.text, shell=self.shell)
        reading.nodes[path] = node
        reading.spots[path] = found.spots
        is_cut = self.shell and not node.style and self.check_cut(node, reading, found.faults)
        for fault in found.faults:
            if not (is_cut and fault.message.endswith(UNCLOSED)):
                reading.fault(reading.place(path, fault.offset), fault.message, fault.hint)
        is_folded = self.shell and self.check_folds(node, path, reading)
        if found.faults or is_cut or is_folded:
            reading.broken.add(path)
        between = [part for part in found.template.parts if isinstance(part, str)]
        if (
            self.pattern
            and not found.faults
            and not all(re.fullmatch(self.pattern, part) for part in between)
        ):
            raise reading.wrong(node, path, self.what)
        if "\0" in node.text:
            reading.fault(node.mark, "a NUL can't be passed to a program")
        return found.template

    def check_folds(self, node: ScalarNode, path: YamlPath, reading: Reading) -> bool:
        """A folded line break becomes a space, which a `\\` before it would make part of a word."""
        if node.style in ("|", '"') or "\n" not in reading.source.text[node.start : node.end]:
            return False
        for found in re.finditer(r"(?<!\\)\\ ", node.text):
            mark = reading.place(path, found.start())
            if reading.source.line(mark.line)[mark.column :].strip():
                continue
            message = "this `\\` escapes the space that YAML makes of the line break"
            reading.fault(mark, message, "remove it, or begin the command with `|`")
            return True
        return False

    def check_cut(self, node: ScalarNode, reading: Reading, faults: tuple[Fault, ...]) -> bool:
        """A plain value ends at ` #`; says so where the rest was surely meant to run."""
        cut = _COMMENT_AFTER.match(reading.source.text, node.end)
        if cut is None:
            return False
        comment = cut[1]
        is_open = any(fault.message.endswith(UNCLOSED) for fault in faults)
        if not (is_open or "${" in comment or re.match(r"#[^\s#]", comment)):
            return False
        line = " ".join(reading.source.text[node.start : node.end].split())
        whole = f"{line}{cut[0]}".replace("'", "''")
        whole = whole if len(whole) <= 90 else whole[:89] + "…"
        mark = reading.source.mark(cut.start(1))
        message = "a plain value ends at ` #`, so the command is cut here"
        reading.fault(mark, message, f"quote it: '{whole}'")
        return True

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Text; references are not checked by editors."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True, slots=True)
class Condition:
    """A gate's `require`; reads to the expression and its text."""

    what: str = "a condition such as `accuracy >= 0.9`"

    def read(self, node: Node, path: YamlPath, reading: Reading) -> tuple[Expr, str]:
        """Reads the expression and keeps where its names stand."""
        if not isinstance(node, ScalarNode):
            raise reading.wrong(node, path, self.what)
        try:
            value = text_of(node)
            found = read_expr(value)
        except Unfit:
            raise reading.wrong(node, path, self.what) from None
        except ExprError as error:
            reading.nodes[path] = node
            fault = error.fault
            reading.fault(reading.place(path, fault.offset), fault.message, fault.hint)
            raise Wrong from None
        reading.nodes[path] = node
        reading.names[path] = found.names
        return found.expr, value

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Text."""
        return {"type": "string", "minLength": 1}


def best() -> Scalar:
    """`max(metric)` or `min(metric)`."""

    def convert(node: ScalarNode) -> Best:
        try:
            return read_best(text_of(node))
        except ExprError as error:
            raise Unfit(error.fault.message, error.fault.hint) from None

    return Scalar("`max(metric)` or `min(metric)`", convert, _pattern(r"(max|min)\(.+\)"))


def _pattern(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}
