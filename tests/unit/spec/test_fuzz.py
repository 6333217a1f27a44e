"""More than 500 small slips in a right file, each judged against the line that was changed.

Every mutation knows by construction whether it is wrong (`file_facts` holds the rules): then a
problem must stand at the changed line, or at the line that now misses something. A mutation that
stays right must be read as it was written. Nothing may ever be a traceback.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from mltui.spec.model import Spec
from mltui.spec.reader import load, problems

from .file_facts import (
    ENTRIES,
    FULL,
    LEAVES,
    LINES,
    PLAIN,
    REQUIRED,
    block_of,
    entry_lines,
    is_field,
    lines_with,
    misspell,
    neighbours,
    put_line,
)

ORIGINAL = load(FULL, "full.yaml")
SEED = int(os.environ.get("MLTUI_FUZZ_SEED", "20261124"))
"""`make explore` sets the variable, to look further than the suite does."""


@dataclass(frozen=True)
class Mutant:
    """A changed file. `lines` empty: it is still right, and `check` looks at what it means."""

    text: str
    lines: set[int]
    what: str
    check: Callable[[Spec], bool] | None = None


def same_meaning(spec: Spec) -> bool:
    return plain(spec) == plain(ORIGINAL)


def plain(spec: Spec) -> Spec:
    return replace(spec, text="", marks={}, file="")


def misspelt_key(rng: random.Random) -> Mutant:
    path = rng.choice([p for p in ENTRIES if is_field(p)])
    entry = ENTRIES[path]
    new = misspell(rng, entry.key)
    line, column = entry.mark.line, entry.mark.column
    old = LINES[line - 1]
    text = put_line(line, old[: column - 1] + new + old[column - 1 + len(entry.key) :])
    return Mutant(text, {line}, f"key {path} → {new}")


def renamed(rng: random.Random) -> Mutant:
    """A declared name that others refer to."""
    path = rng.choice([p for p in ENTRIES if not is_field(p) and "$" not in str(p[-1])])
    entry = ENTRIES[path]
    new = misspell(rng, entry.key)
    line, column = entry.mark.line, entry.mark.column
    old = LINES[line - 1]
    text = put_line(line, old[: column - 1] + new + old[column - 1 + len(entry.key) :])
    section = "try" if "try" in path else str(path[0] if len(path) == 2 else path[2])
    name = re.escape(entry.key)
    uses: set[int] = set()
    for leaf in LEAVES:
        found = False
        if section == "inputs" or (section == "outputs" and leaf.path[:2] == path[:2]):
            found = leaf.path[:2] == path[:2] and f"${{{section}.{entry.key}}}" in leaf.node.text
        elif section == "params":
            found = leaf.path[2:3] == ("params",) and leaf.node.text == entry.key
            found = found or f"${{params.{entry.key}}}" in leaf.node.text
        elif section == "for_each":
            found = leaf.path[:2] == path[:2] and f"${{{entry.key}}}" in leaf.node.text
        elif section == "stages":
            found = leaf.kind in ("restart", "stages", "for_each") and leaf.node.text == entry.key
            found = found or re.match(rf"{name}\.", leaf.node.text) is not None
        elif section == "services":
            found = leaf.node.text == f"{entry.key}.records"
        else:
            found = leaf.kind == section and leaf.node.text == entry.key
        if section == "outputs":
            found = found or leaf.node.text == f"{path[1]}.{entry.key}"
        if found:
            uses |= set(range(leaf.line, leaf.line + leaf.source.count("\n") + 1))
    if section == "params":
        uses |= {e.mark.line for p, e in ENTRIES.items() if "try" in p and p[-1] == entry.key}
    if section == "try":
        uses = {line}
    return Mutant(text, uses, f"name {path} → {new}", lambda spec: new in repr(plain(spec)))


def wrong_value(rng: random.Random) -> Mutant:
    leaf = rng.choice([leaf for leaf in PLAIN if leaf.kind not in ("any", "text")])
    news = ["[a]", "{a: b}", "''", "~", "-1", "/etc/passwd", "a b!", "../x", "0.5x", "$(x)"]
    news.append(misspell(rng, leaf.node.text))
    new = rng.choice([n for n in news if n[0] in "[{'" or not leaf.is_right(n)])
    if leaf.kind == "command" and not new.startswith(("''", "{", "~", "[a")):
        new = "''"
    lines = {leaf.line}
    if leaf.kind == "for_each" and new == "[a]":
        return Mutant(leaf.put(new), set(), f"{leaf.path} → {new}")
    if leaf.kind == "command" and new == "[a]":  # a list run is right, but uses nothing
        return Mutant(leaf.put("[]"), lines, f"{leaf.path} → []")
    return Mutant(leaf.put(new), lines, f"{leaf.path} → {new}")


RIGHT: dict[str, list[str]] = {
    "duration": ["90", "1h30m", "1.5h", "2w"],
    "memory": ["1.5Gi", "2G", "3000000"],
    "natural": ["0", "3"],
    "attempts": ["1", "7"],
    "phase": ["data", "training", "inference"],
    "boolean": ["true", "false"],
    "cache": ["true", "false", "12h"],
    "rate": ["3 per 6h", "1 per week"],
    "any": ["on", "no", "22:30", "1e-4", "012", "2020-01-01", "[1, {a: ~}]"],
    "class": ["timeout", "memory"],
    "path": ["a/b.c", "'7'"],
}


def right_value(rng: random.Random) -> Mutant:
    """Another right value: must be accepted, and change the model."""
    leaf = rng.choice([leaf for leaf in PLAIN if leaf.kind in RIGHT])
    if "args" in leaf.path or "variables" in leaf.path:
        new = rng.choice(["on", "22:30", "3", "true"])
    else:
        new = rng.choice(RIGHT[leaf.kind])
    changed = new != leaf.source
    return Mutant(
        leaf.put(new), set(), f"{leaf.path} → {new}", lambda spec: same_meaning(spec) != changed
    )


HARMLESS = frozenset(
    {"environment", "params", "secrets", "network", "cache", "resources", "timeout", "retry",
     "target", "code", "otherwise", "replicas", "health", "metrics", "window", "min_rows",
     "read_only", "local", "prod", "box", "key", "pull", "variables"}
)  # fmt: skip


def deleted(rng: random.Random) -> Mutant:
    line, path, opens = rng.choice(entry_lines())
    text = put_line(line, None)
    key = str(path[-1])
    what = f"deleted line {line} ({path})"
    if opens:
        if LINES[line].startswith(LINES[line - 1][: len(LINES[line - 1]) - len(key)] + "  - "):
            return Mutant(text, neighbours(line), what)
        # Its lines now belong to what stands above, or to nothing.
        moved = {n - 1 for n in block_of(path)} | neighbours(line) | lines_with(key)
        moved |= {n - 1 for n in lines_with(key)}
        return Mutant(text, moved, what)
    source = LINES[line - 1]
    is_block = source.rstrip().endswith(("|", ">-"))
    if is_block:
        return Mutant(text, neighbours(line) | {line + 1}, what)
    if path[0] == "params" and len(path) == 1:
        return Mutant(text, set(range(1, len(LINES) + 1)), what)
    harmless = key in HARMLESS or (key == "gate" and path[0] == "monitors")
    harmless = harmless or path == ("stages", "evaluate", "gate", "max_rounds")
    if harmless and key not in REQUIRED:
        # A usual value left out means the same, and a command names its own params.
        usual = key in ("otherwise", "params", "max_rounds", "retry")
        return Mutant(text, set(), what, lambda spec: usual or not same_meaning(spec))
    related = block_of(path) if len(path) > 1 else {1, 2}
    if len(path) == 2:
        related |= lines_with(key)
    for entry in (e for p, e in ENTRIES.items() if p[:-1] == path):
        related |= lines_with(entry.key)
    return Mutant(text, related | {n - 1 for n in related}, what)


def doubled(rng: random.Random) -> Mutant:
    line, path, opens = rng.choice(entry_lines())
    source = LINES[line - 1]
    text = put_line(line, source + "\n" + source)
    lines = {line, line + 1} if opens else {line + 1}
    if source.rstrip().endswith(("|", ">-")):
        lines = {line, line + 1}
    return Mutant(text, lines, f"doubled line {line} ({path})")


def indented(rng: random.Random) -> Mutant:
    line, path, opens = rng.choice([e for e in entry_lines() if len(e[1]) > 1])
    source = LINES[line - 1]
    step = rng.choice((-3, -2, -1, 1, 2, 3))
    indent = len(source) - len(source.lstrip())
    new = " " * max(indent + step, 0) + source.lstrip()
    what = f"{step:+} at line {line} ({path})"
    alone = sum(p[:-1] == path[:-1] for _, p, _ in entry_lines()) == 1
    above = ENTRIES[path[:-1]].mark.column - 1
    if alone and indent + step > above and not (opens and step > 1):
        return Mutant(put_line(line, new), set(), what, same_meaning)
    lines = neighbours(line)
    if step > 0 and any(leaf.node.style == "|" and leaf.path[:-1] == path[:-1] for leaf in LEAVES):
        lines |= block_of(path)  # it may have become part of the script above it
    return Mutant(put_line(line, new), lines, what)


def truncated(rng: random.Random) -> Mutant:
    line, path, opens = rng.choice(entry_lines())
    source = LINES[line - 1].split("  #")[0]
    entry = ENTRIES[path]
    colon = entry.mark.column - 1 + len(entry.key) + (2 if source.lstrip()[0] == '"' else 0)
    cut = rng.randrange(entry.mark.column, len(source.rstrip()) + 1)
    new = source[:cut]
    what = f"cut line {line}: {new!r}"
    near = neighbours(line) | {line + 1}
    if cut <= colon:
        if new.strip() == '"':
            near = set(range(line, len(LINES) + 1))
        return Mutant(put_line(line, new), near, what)
    leaf = next((leaf for leaf in LEAVES if leaf.path == path), None)
    value = new[colon + 1 :].strip()
    if opens or source.rstrip() == new:
        return Mutant(put_line(line, new), set(), what, same_meaning)
    if leaf is None:
        return Mutant(put_line(line, new), {line}, what)
    if leaf.node.style in ("|", ">"):
        if value == "" and leaf.node.style == ">":  # the same text as a plain value of many lines
            return Mutant(put_line(line, new), set(), what, same_meaning)
        if value == "":  # its `\\` at the end of lines would escape spaces
            return Mutant(put_line(line, new), set(range(line, line + 6)), what)
        return Mutant(put_line(line, new), set(), what)
    if leaf.node.style:
        return Mutant(put_line(line, new), {line}, what)
    if leaf.kind == "condition":
        whole = re.fullmatch(r"[\w.]+ (<|>|>=) ([\d.]+|\$\{params\.\w+\})", value)
        return Mutant(put_line(line, new), set() if whole else {line}, what)
    if value and leaf.is_right(value):
        if path[-1] == "port" or path[-1] == "restart":
            return Mutant(put_line(line, new), set(), what)
        return Mutant(put_line(line, new), set(), what, lambda spec: not same_meaning(spec))
    lines = {line}
    if path[:3] == ("stages", "acquire", "run"):
        lines |= {n for n, text in enumerate(LINES, 1) if "restart: acquire" in text}
    return Mutant(put_line(line, new), lines, what)


def stray(rng: random.Random) -> Mutant:
    """A character that does not belong, at the start or end of a value, or inside it."""
    leaf = rng.choice([leaf for leaf in PLAIN if leaf.kind not in ("any", "text", "command")])
    place = rng.choice(("start", "end", "inside"))
    if place == "start":
        char = rng.choice("@%`\"'{[}]*!,|>\t")
        new = char + leaf.source
        if char == "\t" or (char == "!" and leaf.kind == "for_each"):
            new = "@" + leaf.source
    elif place == "end":
        new = leaf.source + rng.choice((":", " x", "\\", ";", "$", "!"))
    else:
        at = rng.randrange(1, len(leaf.source)) if len(leaf.source) > 1 else 1
        new = leaf.source[:at] + rng.choice("q!;$\\") + leaf.source[at:]
    if place != "start" and new[-1] != ":" and leaf.is_right(new):
        return Mutant(leaf.put(new), set(), f"{leaf.path} → {new}")
    return Mutant(leaf.put(new), {leaf.line}, f"{leaf.path} → {new!r}")


def swapped(rng: random.Random) -> Mutant:
    """Two values of different kinds change places; each that is now wrong must be said."""
    while True:
        one, two = sorted(rng.sample(PLAIN, 2), key=lambda leaf: leaf.node.start)
        if one.kind == two.kind or "command" in (one.kind, two.kind) or one.line == two.line:
            continue
        wrong = [
            leaf
            for leaf, other in ((one, two), (two, one))
            if leaf.kind != "any" and not leaf.is_right(other.source)
        ]
        if wrong:
            break
    text = (
        FULL[: one.node.start] + two.source + FULL[one.node.end : two.node.start]
        + one.source + FULL[two.node.end :]
    )  # fmt: skip
    lines = {rng.choice(wrong).line}
    if (
        "${" in one.source + two.source
    ):  # within braces that is a fault of syntax: the only one said
        lines = {one.line, two.line}
    return Mutant(text, lines, f"{one.path} ↔ {two.path}")


def exchanged_lines(rng: random.Random) -> Mutant:
    """Two neighbouring keys of one mapping: order means nothing."""
    whole = {line: path for line, path, opens in entry_lines() if not opens}
    pairs = [
        n
        for n in whole
        if n + 1 in whole
        and whole[n][:-1] == whole[n + 1][:-1]
        and not LINES[n].rstrip().endswith(("|", ">-"))
        and not LINES[n - 1].rstrip().endswith(("|", ">-"))
    ]
    n = rng.choice(pairs)
    lines = list(LINES)
    lines[n - 1], lines[n] = lines[n], lines[n - 1]
    return Mutant("\n".join(lines) + "\n", set(), f"lines {n} and {n + 1}", same_meaning)


def broken_reference(rng: random.Random) -> Mutant:
    """A `${…}` of a command misspelt or half removed, also inside a block."""
    found = list(re.finditer(r"(?<!\$)\$\{(inputs|outputs|params)\.(\w+)\}", FULL))
    at = rng.choice(
        [m for m in found if "#" not in FULL[FULL.rfind("\n", 0, m.start()) : m.start()]]
    )
    kind, name = at[1], at[2]
    new = rng.choice(
        (
            f"${{{kind}.{misspell(rng, name)}}}",
            f"${{{misspell(rng, kind)}.{name}}}",
            f"${{{kind}.{name}",
            f"{{{kind}.{name}}}",
            f"$({kind}.{name})",
            f"${{{{ {kind}.{name} }}}}",
            f"${{{kind}{name}}}",
        )
    )
    text = FULL[: at.start()] + new + FULL[at.end() :]
    return Mutant(text, {FULL.count("\n", 0, at.start()) + 1}, f"{at[0]} → {new}")


OPERATORS = [
    misspelt_key,
    renamed,
    wrong_value,
    right_value,
    deleted,
    doubled,
    indented,
    truncated,
    stray,
    swapped,
    exchanged_lines,
    broken_reference,
]
TIMES = int(os.environ.get("MLTUI_EXAMPLES", "1"))
EACH = 10 if "MLTUI_QUICK" in os.environ else 45 * TIMES
"""`make quick` tries fewer of each; `make test` and CI more than 500 in all."""


@pytest.mark.explored
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_slip_is_found_where_it_is(operator: Callable[[random.Random], Mutant]) -> None:
    rng = random.Random(f"{SEED} {operator.__name__}")
    bad = []
    for _ in range(EACH):
        mutant = operator(rng)
        found = problems(mutant.text, "f")
        if mutant.lines:
            is_good = any(p.line in mutant.lines for p in found)
        else:
            is_good = not found
            if is_good and mutant.check is not None:
                is_good = mutant.check(load(mutant.text, "f"))
        if not is_good:
            bad.append(
                f"{mutant.what}; wanted {sorted(mutant.lines)[:9]}, said: {[*map(str, found)]}"
            )
    assert not bad, f"MLTUI_FUZZ_SEED={SEED}\n" + "\n".join(bad)


@pytest.mark.explored
def test_noise_is_never_a_traceback() -> None:
    rng = random.Random(SEED)
    for _ in range(60 * TIMES):
        text = list(FULL)
        for _ in range(rng.randrange(1, 30)):
            at = rng.randrange(len(text))
            text[at] = rng.choice("{}[]:,#&*!|>'\"%@`\t\n\r -$\0\u2028é0aA.~")
        for problem in problems("".join(text), "f"):
            assert problem.line >= 1
            assert problem.column >= 1
