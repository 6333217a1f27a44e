"""One value of a project file changed in place: comments, quotes and layout stay as they are.

Pure: text in, text out. Used by triage's fixes, which show the difference before it is written.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from mltui.errors import Conflict
from mltui.spec.model import YamlPath
from mltui.spec.yaml12 import ListNode, MapNode, Node, ScalarNode, read_tree

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+/ -]*[A-Za-z0-9._+/-])?")
"""Words that mean themselves anywhere, also inside `{…}`."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A file with one value changed."""

    file: str
    before: str
    after: str
    line: int

    @property
    def diff(self) -> tuple[str, ...]:
        """A unified diff with two lines around."""
        return tuple(
            line.rstrip("\r\n")
            for line in difflib.unified_diff(
                self.before.splitlines(),
                self.after.splitlines(),
                self.file,
                self.file,
                n=2,
                lineterm="",
            )
        )


def value_at(text: str, path: YamlPath, file: str = "mltui.yaml") -> str:
    """The text of the scalar at `path` as YAML reads it; empty when there is none."""
    node = _find(read_tree(text, file).root, path)
    return node.text if isinstance(node, ScalarNode) else ""


def set_value(text: str, path: YamlPath, old: str, new: str, file: str = "mltui.yaml") -> Edited:
    """The text with the scalar at `path` set to `new`.

    Conflict when there is no such value, or it is not `old` any more.
    """
    where = ".".join(map(str, path))
    tree = read_tree(text, file)
    node = _find(tree.root, path)
    if not isinstance(node, ScalarNode) or node.style in ("|", ">"):
        raise Conflict(f"{file} has no single value at {where} any more: nothing was changed")
    source = tree.source
    if node.text != old:
        raise Conflict(
            f"{where} in {file}:{node.mark.line} is {node.text} now, not {old}: nothing was changed"
        )
    written = _written(new, node.style)
    after = source.text[: node.start] + written + source.text[node.end :]
    mark = text[: len(text) - len(source.text)]  # a byte order mark stays
    return Edited(file, text, mark + after, node.mark.line)


def _find(node: Node | None, path: YamlPath) -> Node | None:
    for part in path:
        if isinstance(node, MapNode):
            node = next((e.node for e in node.entries if e.key == str(part)), None)
        elif isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            return None
    return node


def _written(new: str, style: str) -> str:
    """As the old value was quoted; quotes where a plain word would not be read as this text."""
    if style == "'":
        return "'" + new.replace("'", "''") + "'"
    if style == '"' or not _PLAIN.fullmatch(new):
        return '"' + new.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return new
