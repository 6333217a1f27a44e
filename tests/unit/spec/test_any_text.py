"""Whatever stands in `mltui.yaml`: it is read, or told with its place; never a traceback.

What reads without a fault has a plan, or a sentence why not: the runner makes one of it at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.errors import UsageError
from mltui.pipeline.plan import Plan
from mltui.spec.overrides import read_override
from mltui.spec.quantities import read_cpu, read_duration, read_rate, read_size
from mltui.spec.reader import load, problems
from mltui.spec.yaml12 import read_tree, read_value

FULL = (Path(__file__).parent / "full.yaml").read_text(encoding="utf-8")
LINES = FULL.split("\n")
TREE: Any = read_value(read_tree(FULL, "f").root)  # type: ignore[arg-type]
WORDS = (
    "", " ", "x", "train", "acquire", "evaluate.model", "train.model", "./data/x.csv", "../x", "/x",
    "${params.seed}", "${", "${outputs.raw}", "$${x}", "${pair}", "${item.x}", "'${x}'", "a\nb",
    "a\tb", "\0", "\x1b[2J", "\u202e", "\ufeff", "\ud800", "é漢", "a b", "a: b", "- a", "# x", "&a",
    "*a", "!!float 1", "max(accuracy)", "accuracy >= 0.9", "a < 1 and not (b > 2 or c == 3)", "1h",
    "90", "512Mi", "500m", "1 per day", "9" * 400, "9" * 400 + "m", "9" * 5000 + "Gi", "1e999",
    ".inf", "on", "no", "22:30", "true", "null", "=", "<<", "(" * 300, "x" * 3000, "a" * 64,
    "apertium-${pair}", "1.2.3.4", "name/key", "HF_TOKEN", "docker", "kubernetes", "pause",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 1.5, -0.5, 10**30, 10**400, 1e300, [], {}, [[]], [{}], [None],
    {"": ""}, {"a": None}, ["a", "a"], {"x": {"x": {"x": {}}}}, [1, "a", True],
)  # fmt: skip


def keys_of(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return {str(x) for x in value}.union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


KEYS = [*sorted(keys_of(TREE)), "x", "Stages", "run ", "", "a b", "${x}", "\ud800"]


def other(value: Any, random: Random, chance: float) -> Any:
    """The tree with a few values and keys put otherwise, or where they don't belong."""
    dice = random.random() / chance
    if dice < 0.4:
        return random.choice(WORDS)
    if dice < 0.7:
        return random.choice(VALUES)
    if dice < 1.0:
        part: Any = TREE
        while isinstance(part, dict | list) and part and random.random() < 0.7:
            part = random.choice(list(part.values()) if isinstance(part, dict) else part)
        return part
    if isinstance(value, Mapping):
        found = {}
        for name, each in value.items():
            dice = random.random() / chance
            if dice < 0.3:
                continue
            key = random.choice(KEYS) if dice < 0.6 else str(name)
            found[key] = other(each, random, chance)
        return found
    return [other(x, random, chance) for x in value] if isinstance(value, list) else value


def judge(text: str) -> None:
    """Every problem has a place in the text, and a sentence; what has none has a plan."""
    said = problems(text, "f")
    count = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for each in said:
        assert each.message and (each.line == each.column == 0 or each.column >= 1)
        assert 0 <= each.line <= count + 1, each
        str(each).encode("utf-8", "backslashreplace")
    if said:
        return
    spec = load(text, "f")
    try:
        Plan.of(spec)
    except UsageError as error:
        assert str(error)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.003, 0.02]))
def test_any_tree(seed: int, chance: float) -> None:
    tree = other(TREE, Random(seed), chance)
    judge(json.dumps(tree))
    judge(json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace").decode())


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_lines(seed: int) -> None:
    random = Random(seed)
    lines = list(LINES)
    for _ in range(random.randint(1, 4)):
        at, to = random.randrange(len(lines)), random.randrange(len(lines))
        what = random.randrange(7)
        if what == 0:
            lines[at] = lines[to]
        elif what == 1:
            lines[at], lines[to] = lines[to], lines[at]
        elif what == 2:
            lines[at] = (
                random.choice(("  ", "\t", "- ", "? ", "# ", "---", "%YAML 1.1\n")) + lines[at]
            )
        elif what == 3:
            lines[at : at + random.randint(1, 5)] = []
        elif what == 4:
            lines[at] = (
                lines[at].lstrip() if random.random() < 0.5 else lines[at][: len(lines[at]) // 2]
            )
        elif what == 5:
            key, sign, _ = lines[at].partition(":")
            lines[at] = f"{key}{sign} {random.choice(WORDS)}"
        else:
            cut = random.randint(0, len(lines[at]))
            lines[at] = (
                lines[at][:cut] + random.choice("{}[],&*#?|>-'\"%@`:!\\\r\x85") + lines[at][cut:]
            )
        lines = lines or [""]
    judge("\n".join(lines))


@given(st.text(max_size=60) | st.text("{}[],&*#?|>-'\"%@`: \n\t!\\abx0.", max_size=60))
def test_any_text(text: str) -> None:
    judge(text)
    try:
        read_override("c", text)
    except UsageError as error:
        assert str(error).startswith("--set c=")


@pytest.mark.parametrize("read", [read_cpu, read_duration, read_size, read_rate])
@given(text=st.sampled_from(WORDS) | st.text("0123456789.mshdwkKMGiB per", max_size=12))
def test_any_amount(read: Any, text: str) -> None:
    for value in (text, *([float(text)] if text.isdecimal() and len(text) < 300 else [10**400])):
        if read is read_rate and not isinstance(value, str):
            continue
        try:
            read(value)
        except ValueError as error:
            assert str(error) and "could not convert" not in str(error), error
