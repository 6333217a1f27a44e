"""What full.yaml is made of, told apart from how mltui reads it: the oracle of the fuzz.

Every single value has a kind here by its path, and every kind its own short rule for what is right,
written from docs and not from the code under test. The YAML tree is used for places only.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

from mltui.spec.model import YamlPath
from mltui.spec.yaml12 import Entry, MapNode, Node, ScalarNode, read_tree

FULL = (Path(__file__).parent / "full.yaml").read_text()
LINES = FULL.splitlines()
_TREE = read_tree(FULL, "full.yaml")
assert not _TREE.problems

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
TEXT = r"(?!(?:~|null|true|false|[-+.0-9]*(?:e[-+]?\d+)?)$).+"
"""Anything that YAML 1.2 does not read as null, a boolean or a number (roughly, but safely so)."""
RULES = {
    "version": "1",
    "name": NAME,
    "glob": rf"(?!/|~|\.\./|.*\\){TEXT}",
    "path": rf"(?!/|~|\.\./|.*\\){TEXT}",
    "image": rf"(?=[A-Za-z0-9]([\w./:@-]*\w)?$){TEXT}",
    "identifier": r"[A-Za-z_]\w*",
    "text": TEXT,
    "name/key": r"[a-z0-9][a-z0-9.-]*/[\w.-]+",
    "engine": "process|docker|kubernetes",
    "namespace": r"(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    "registry": rf"(?=[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d+)?(/[a-z0-9._-]*[a-z0-9])*$){TEXT}",
    "boolean": "true|false",
    "phase": "data|training|inference",
    "otherwise": "fail|accept-best|pause",
    "cache": r"true|false|(?!0$)\d+(\.\d+)?|([1-9]\d*(ms|s|m|h|d|w))",
    "duration": r"(?!0$)\d+(\.\d+)?|([1-9]\d*(ms|s|m|h|d|w))",
    "count": r"[1-9]\d{0,3}",
    "attempts": r"[1-9]\d?",
    "natural": r"\d{1,4}",
    "gpus": r"\d{1,3}",
    "cpu": r"[1-9]\d{0,3}(\.\d+)?|0\.0*[1-9]\d*",
    "memory": r"[1-9]\d*([MGTP]i?)B?|[1-9]\d{6,}",
    "url path": r"/[^\s?#]*",
    "class": "program|contract|timeout|memory|build|config|infrastructure",
    "best": r"(max|min)\([A-Za-z_][\w.]*\)",
    "rate": r"[1-9]\d* per (second|minute|hour|day|week)s?",
    "item": r"(?!\.\.?$)[\w.-]+",
}
FIELDS = {
    "requirements": "path", "build": "path", "image": "image", "env": "identifier",
    "file": "text", "secret": "name/key", "engine": "engine", "context": "text",
    "namespace": "namespace", "registry": "registry", "read_only": "boolean",
    "production": "boolean", "phase": "phase", "network": "boolean", "cache": "cache",
    "timeout": "duration", "every": "duration", "window": "duration", "backoff": "duration",
    "max_rounds": "count", "port": "count", "replicas": "natural", "min_rows": "natural",
    "retry": "attempts", "attempts": "attempts", "gpu": "gpus", "cpu": "cpu",
    "memory": "memory", "health": "url path", "metrics": "url path", "best": "best",
    "otherwise": "otherwise", "at_most": "rate", "run": "command", "require": "condition",
    "environment": "environments", "restart": "restart", "target": "targets",
}  # fmt: skip
REQUIRED = frozenset({"mltui", "name", "phase", "run", "require", "every", "engine"})
SECTIONS = ("environments", "secrets", "stages", "services", "monitors", "targets", "params")
FREE = frozenset({"inputs", "outputs", "args", "variables", "for_each", "try"})
"""Mappings whose keys are names of the person's choice, besides the sections."""


@dataclass(frozen=True)
class Leaf:
    """A single value: where it stands and what it must be."""

    path: YamlPath
    node: ScalarNode
    kind: str

    @property
    def line(self) -> int:
        return self.node.mark.line

    @property
    def source(self) -> str:
        return FULL[self.node.start : self.node.end]

    def put(self, text: str) -> str:
        """The file with this value replaced."""
        return FULL[: self.node.start] + text + FULL[self.node.end :]

    def is_right(self, text: str) -> bool:
        """Whether the plain text would be right here."""
        if self.kind == "any":
            return True
        if self.kind in RULES:
            return re.fullmatch(RULES[self.kind], text) is not None
        if self.kind == "source":
            return text in OUTPUTS or re.fullmatch(r"\./(?!\.\./)[^\\]+", text) is not None
        if self.kind == "restart":
            return (
                text
                in {"acquire": ("acquire",), "train": ("train", "vectorize", "acquire")}[
                    self.node.text
                ]
            )
        if self.kind == "command":
            return self.is_command(text)
        return text in NAMES[self.kind]

    def is_command(self, text: str) -> bool:
        """Whether every reference in a command is one that stood in it before."""
        known = re.findall(r"\$\{[^}]*\}", self.node.text)
        rest = text
        for reference in known:
            rest = rest.replace(reference, "")
        needs = "${round}" if self.path[1] == "acquire" else ""
        return "${" not in rest and needs in text and bool(re.fullmatch(TEXT, text))


def _kind(path: YamlPath) -> str:
    names = [part for part in path if isinstance(part, str)]
    if path[0] in ("mltui", "name", "code"):
        return {"mltui": "version", "name": "name", "code": "glob"}[str(path[0])]
    if path[0] == "params" or "try" in path:
        return "any"
    if names[-2:-1] == ["args"] or "variables" in path:
        return "any"
    if "inputs" in path:
        return "source"
    if "outputs" in path:
        return "path"
    if path[-2:-1] == ("for_each",):
        return "for_each"
    if "for_each" in path:
        return "item"
    if len(path) > 3 and path[2] in ("params", "secrets"):
        return str(path[2])
    if len(path) > 3 and path[2] == "code":
        return "glob"
    if "on" in path:
        return "class"
    if path[-2:] == ("otherwise", "run"):
        return "stages"
    return FIELDS.get(names[-1], "other")


def _walk(node: Node, path: YamlPath = ()) -> None:
    if isinstance(node, ScalarNode):
        LEAVES.append(Leaf(path, node, _kind(path)))
    elif isinstance(node, MapNode):
        for entry in node.entries:
            at = (*path, entry.key)
            ENTRIES[at] = entry
            _walk(entry.node, at)
    else:
        for index, item in enumerate(node.items):
            _walk(item, (*path, index))


LEAVES: list[Leaf] = []
ENTRIES: dict[YamlPath, Entry] = {}
assert _TREE.root is not None
_walk(_TREE.root)
NAMES = {
    section: {str(path[1]) for path in ENTRIES if len(path) == 2 and path[0] == section}
    for section in SECTIONS
}
OUTPUTS = {
    f"{path[1]}.{path[3]}" for path in ENTRIES if len(path) == 4 and path[2] == "outputs"
} | {"classifier.records"}
NAMES["for_each"] = OUTPUTS | {"translate"}
PLAIN = [
    leaf
    for leaf in LEAVES
    if leaf.node.style == "" and "\n" not in leaf.source and leaf.kind not in ("other", "condition")
]


def is_field(path: YamlPath) -> bool:
    """Whether a key is one of the format's and not a name of the person's choice."""
    if len(path) == 2 and path[0] in SECTIONS:
        return False
    owner = path[-2] if len(path) > 1 else ""
    return owner not in FREE and not isinstance(owner, int)


def lines_with(word: str) -> set[int]:
    """The lines that mention a name as a whole word."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
    return {n for n, line in enumerate(LINES, 1) if pattern.search(line)}


def block_of(path: YamlPath) -> set[int]:
    """Every line of what a path is in: its stage, or its section's entry."""
    marks = [entry.mark.line for at, entry in ENTRIES.items() if at[:2] == path[:2]]
    return set(range(min(marks), max(marks) + 2))


def neighbours(line: int) -> set[int]:
    """A line with the nearest ones that are not blank or comments."""
    full = [n for n, text in enumerate(LINES, 1) if text.strip() and text.lstrip()[0] != "#"]
    before = [n for n in full if n < line][-1:]
    after = [n for n in full if n > line][:1]
    return {line, *before, *after}


def entry_lines() -> list[tuple[int, tuple[str | int, ...], bool]]:
    """Lines that begin with a key: number, path, and whether what follows is indented below."""
    found = {}
    for path, entry in ENTRIES.items():
        if LINES[entry.mark.line - 1][: entry.mark.column - 1].strip(" ") == "":
            opens = entry.node.mark.line > entry.mark.line
            found[entry.mark.line] = (entry.mark.line, path, opens)
    return list(found.values())


def misspell(rng: random.Random, word: str) -> str:
    at = rng.randrange(len(word))
    new = rng.choice(
        (
            word[:at] + word[at] + word[at:],
            word[:at] + "q" + word[at + 1 :],
            word[:at] + "q" + word[at:],
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
        )
    )
    return new if new != word else word + "q"


def put_line(number: int, text: str | None) -> str:
    lines = list(LINES)
    lines[number - 1 : number] = [] if text is None else [text]
    return "\n".join(lines) + "\n"
