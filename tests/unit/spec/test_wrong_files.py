"""The table in wrong.txt: each way to be wrong, where the problem points and what it says.

A row gives text of full.yaml, what it becomes, and every problem that must be said, in order. `‸`
marks the faulty place and is not part of the file; a row without it gives line:column instead. `*`
stands for the whole file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mltui.errors import SpecError
from mltui.spec.reader import load, problems

HERE = Path(__file__).parent
FULL = (HERE / "full.yaml").read_text()
ROWS = [
    block.lstrip("\n")
    for part in (HERE / "wrong.txt").read_text().split("######## ")[1:]
    for block in part.partition("\n")[2].split("========\n")[:-1]
]


def test_the_table_is_large() -> None:
    assert len(ROWS) > 200


def read_row(row: str) -> tuple[str, list[str]]:
    before, said = row.split("\n---- said\n")
    old, new = before.split("\n---- becomes\n") if "\n---- becomes\n" in before else (before, "")
    old, new = old.rstrip("\n") if old == "*" else old, new
    assert old == "*" or FULL.count(old) == 1, old
    text = new if old == "*" else FULL.replace(old, new)
    places = []
    while "‸" in text:
        at = text.index("‸")
        text = text[:at] + text[at + 1 :]
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        places.append(f"{text.count(chr(10), 0, at) + 1}:{column}: ")
    lines = said.strip().split("\n")
    if places:
        assert len(places) == len(lines), row
        lines = [place + line for place, line in zip(places, lines, strict=True)]
    return text, [f"f:{line}" for line in lines]


@pytest.mark.parametrize("row", ROWS)
def test_a_wrong_file_says_what_and_where(row: str) -> None:
    text, said = read_row(row)
    assert [str(problem) for problem in problems(text, "f")] == said


def test_pure_python_yaml_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    for row in ROWS[:40]:
        text, said = read_row(row)
        assert [str(problem) for problem in problems(text, "f")] == said


@pytest.mark.parametrize(
    ("char", "hint"),
    [
        ("\x07", '"\\u0007"'),
        ("\u2028", '"\\u2028"'),
        ("\ufeff", '"\\ufeff"'),
        ("\x85", '"\\u0085"'),
    ],
)
def test_a_character_that_yaml_forbids(char: str, hint: str) -> None:
    (problem,) = problems(FULL.replace("name: digits", f"name: dig{char}its"), "f")
    assert (problem.line, problem.column) == (2, 10)
    assert hint in problem.hint


def test_a_lone_surrogate_is_a_problem_not_a_traceback() -> None:
    (problem,) = problems(FULL.replace("name: digits", "name: dig\udcffits"), "f")
    assert (problem.line, problem.column) == (2, 10)


def test_a_tab_cant_indent() -> None:
    text = FULL.replace("    timeout: 10m", "\ttimeout: 10m")
    (problem,) = problems(text, "f")
    assert text.splitlines()[problem.line - 1] == "\ttimeout: 10m"
    assert problem.column == 1
    assert str(problem).endswith("a tab can't indent in YAML (use spaces)")


def test_a_number_of_too_many_digits() -> None:
    (problem,) = problems(FULL.replace("seed: 7", "seed: " + "9" * 5000), "f")
    assert problem.message == "this number has too many digits"


def test_all_problems_at_once_in_file_order() -> None:
    text = FULL
    for old, new in (
        ("memory: 512Mi", "memory: lots"),
        ("environment: tools", "environment: tool"),
        ("    timeout: 10m", "    timeuot: 10m"),
        ("psi < 0.2", "psi = 0.2"),
        ("port: 8080", "port: high"),
        ("mltui: 1", "mltui: 3"),
    ):
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(SpecError) as caught:
        load(text, "p/mltui.yaml")
    found = caught.value.problems
    assert len(found) == 6
    assert [p.line for p in found] == sorted(p.line for p in found)
    assert all(p.file == "p/mltui.yaml" for p in found)
    assert caught.value.exit_code == 2


def test_a_billion_laughs_stays_small() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    params = "\n".join("  " + line for line in lines)
    found = problems(FULL.replace("params: {", f"params:\n{params}\nold: {{"), "f")
    assert "with its aliases this is more than 200,000 values" in found[0].message


def test_a_very_deep_or_long_file_is_a_problem() -> None:
    deep = problems("a: " + "{a: " * 100_000, "f")
    assert [p.message for p in deep] == ["nested more than 50 deep"]
    deep = problems("".join(f"{' ' * n}a:\n" for n in range(200)), "f")
    assert [(p.line, p.message) for p in deep] == [(51, "nested more than 50 deep")]
    (large,) = problems("#" * 2_000_001, "f")
    assert str(large) == "f:0:0: the file is larger than 2,000,000 characters"


def test_more_than_a_thousand_items() -> None:
    items = "[" + ", ".join(f"i{n}" for n in range(1001)) + "]"
    (problem,) = problems(FULL.replace("[html, pdf, 3.10]", items), "f")
    assert problem.message == "`format` has 1,001 items; 1,000 is the most"


def test_a_tried_param_that_nothing_in_the_loop_names() -> None:
    text = FULL.replace("gamma: null}", "gamma: null, depth: 1}").replace("{c: 1}", "{depth: 1}")
    (problem,) = problems(text, "f")
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith("depth: 1}")
    assert problem.message == ("no stage of the loop names the param `depth`: `train`, `evaluate`")
    in_gate = text.replace("val.loss > 4e-1", "val.loss > ${params.depth}")
    assert problems(in_gate, "f") == []


def test_a_folded_backslash_is_not_a_line_continuation() -> None:
    text = FULL.replace("digits.train ${inputs.features}", "digits.train ${inputs.features} \\")
    (problem,) = problems(text, "f")
    line = text.splitlines()[problem.line - 1]
    assert line[problem.column - 1 :] == "\\"
    assert problem.hint == "remove it, or begin the command with `|`"
    assert problems(text.replace("run: >-\n", "run: |\n")) == []


def test_two_loops_may_be_nested() -> None:
    text = FULL
    for old, new in (
        ("    retry: 2\n", "    gate: {require: n > 1, restart: train, max_rounds: 2}\n"),
        ("${inputs.model} ${outputs.pairs}", "${inputs.report} ${outputs.pairs} ${round}"),
        (
            "{model: train.model}\n    run: python -m digits.detect",
            "{report: evaluate.report}\n    run: f",
        ),
        (
            "    gate:\n      require: acc",
            "    outputs: {report: r}\n    gate:\n      require: acc",
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    assert problems(text, "f") == []
