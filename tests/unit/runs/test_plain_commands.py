"""A command that needs no shell does what the shell would have done with it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.engines.process.plain import without_shell
from mltui.spec.model import Command, Ref
from mltui.spec.template import read_template, render


def call_of(text: str) -> tuple[str, ...] | None:
    return without_shell(("sh", "-eu", "-c", text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cp a.txt b.txt", ("cp", "a.txt", "b.txt")),
        ("python train.py --c=0.5 -v\n", ("python", "train.py", "--c=0.5", "-v")),
        (" ./run.sh\t'a b'c ''\n", ("./run.sh", "a bc", "")),
        ("/usr/bin/env A=1 python", ("/usr/bin/env", "A=1", "python")),
    ],
)
def test_a_program_and_its_words(text: str, words: tuple[str, ...]) -> None:
    assert call_of(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "cp a b; cp c d",
        "cp a b\ncp c d",
        "cp a b &",
        "cat < a",
        "cat a > b",
        "cat a | cat",
        "cat $HOME",
        'cat "a"',
        "cat *",
        "cat a?",
        "cat [ab]",
        "cat {a,b}",
        "cat ~/a",
        "cat a # all of it",
        "cat a\\ b",
        "cat 'a",
        "cat `ls`",
        "! cat a",
        "A=1 cat a",
        "'A=1' cat a",
        "c'at' a",
        "cd a",
        "exit 3",
        "true",
        "echo a",
        "exec cat a",
        "test -e a",
        "if",
        "cat é",
    ],
)
def test_what_takes_a_shell(text: str) -> None:
    assert call_of(text) is None


def test_a_list_is_left_alone() -> None:
    assert without_shell(("cp", "a", "b")) is None
    assert without_shell(("sh", "-c", "cp a b")) is None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)))
def test_quoted_values_stay_what_they_are(values: list[str]) -> None:
    names = [f"v{n}" for n in range(len(values))]
    text = "printf0 " + " ".join(f"${{params.{name}}}" for name in names)
    command = Command(shell=read_template(text).template)
    filled = {Ref("params", name): value for name, value in zip(names, values, strict=True)}
    words = without_shell(render(command, filled))
    assert words is None or words == ("printf0", *values)


@given(st.text("abc=~#*?'\" \t\n/.:,%+@^!$-[]{}", max_size=12))
def test_the_shell_agrees(text: str) -> None:
    words = call_of(f"show {text}")
    if words is None:
        return
    shell = "show() { for w; do printf '%s\\0' \"$w\"; done; }\n" + f"show {text}"
    done = subprocess.run(["sh", "-eu", "-c", shell], capture_output=True, check=True)
    assert done.stdout == b"".join(word.encode() + b"\0" for word in words[1:])
