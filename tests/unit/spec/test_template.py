from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.spec.model import Command, ParamValue, Ref, Template
from mltui.spec.template import escape, fill, format_value, read_template, render


def shell(text: str) -> Command:
    found = read_template(text, shell=True)
    assert found.faults == ()
    return Command(shell=found.template)


def test_the_references_of_a_text() -> None:
    found = read_template("a ${inputs.raw} ${round} ${pair}b$HOME $(x) $1 $$ $${no}")
    assert found.template.parts == (
        "a ",
        Ref("inputs", "raw"),
        " ",
        Ref("round"),
        " ",
        Ref("item", "pair"),
        "b$HOME $(x) $1 $$ ${no}",
    )
    assert [spot.offset for spot in found.spots] == [2, 16, 25]


VALUES: list[tuple[ParamValue, str]] = [
    (None, ""),
    (True, "true"),
    (7, "7"),
    (0.01, "0.01"),
    (1000.0, "1000.0"),
    ("a b", "a b"),
    ("", ""),
    ([1, None, "é"], '[1,null,"é"]'),
    ({"a": [True]}, '{"a":[true]}'),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_values_in_a_command(value: ParamValue, text: str) -> None:
    assert format_value(value) == text
    ref = Ref("params", "x")
    assert render(shell("f --x=${params.x}"), {ref: value}) == [
        "sh",
        "-eu",
        "-c",
        f"f --x={shlex.quote(text)}",
    ]
    argv = Command(argv=(Template("", ("f",)), read_template("--x=${params.x}").template))
    assert render(argv, {ref: value}) == ["f", f"--x={text}"]


def test_null_is_an_empty_word_in_a_script() -> None:
    assert render(shell("f ${params.x}"), {Ref("params", "x"): None})[-1] == "f ''"


def test_a_missing_value_is_the_callers_fault() -> None:
    with pytest.raises(KeyError):
        render(shell("f ${round}"), {})


QUOTES = [
    'echo "$(cat ${inputs.x})"',
    "echo \"a\"${inputs.x}'b'",
    "echo 'it'\\''s' ${inputs.x}",
    'echo \\" ${inputs.x} \\"',
    "# it's a comment about ${anything}\necho ${inputs.x}",
    "echo a#'b' ${inputs.x} # ${x",
    "echo $# ${inputs.x}",
    "cat <<'EOF'\nit's $${inputs.x}\nEOF\necho ${inputs.x}",
    "cat <<-EOF ${inputs.x}\n\tit's\n\tEOF\necho ${inputs.x}",
    "cat <<< ${inputs.x}",
    "case a in a) echo ${inputs.x};; esac",
    "echo `cat ${inputs.x}`",
    "echo $(( ${inputs.x} + 1 ))",
    'echo (a "b) c" ${inputs.x}',
    "echo \\\\${inputs.x}",
]


@pytest.mark.parametrize("text", QUOTES)
def test_a_reference_outside_quotes_is_right(text: str) -> None:
    found = read_template(text, shell=True)
    assert found.faults == ()
    assert Ref("inputs", "x") in found.template.refs


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ('echo "${inputs.x}"', 6, "stands inside quotes"),
        ("echo '${inputs.x}'", 6, "stands inside quotes"),
        ('echo "a $(b) ${inputs.x}"', 13, "stands inside quotes"),
        ("echo \"$(echo '${inputs.x}')\"", 14, "stands inside quotes"),
        ("cat <<EOF\n${inputs.x}\nEOF", 10, "stands inside a here-document"),
        ("cat <<A <<B\na\nA\n${inputs.x}\nB", 16, "stands inside a here-document"),
        ("echo \\${inputs.x}", 6, "a backslash does not keep"),
        ("echo ${inputs.x", 5, "is not closed"),
        ("echo ${inputs.x.y}", 5, "is not a reference"),
        ("echo ${1}", 5, "is not a reference"),
        ("echo ${x%%.*}", 5, "is the shell's"),
        ("echo ${#x}", 5, "is not a reference"),
        ("echo 'a", 5, "is not closed in the shell's eyes"),
        ('echo "a $(b "c)', 5, "is not closed in the shell's eyes"),
    ],
)
def test_a_reference_that_cant_be_filled(text: str, offset: int, words: str) -> None:
    fault = read_template(text, shell=True).faults[0]
    assert fault.offset == offset
    assert words in fault.message


@given(st.text("ab${}.x $\\'\"\n", max_size=40))
def test_escaped_text_comes_back(text: str) -> None:
    found = read_template(escape(text))
    assert found.faults == ()
    assert fill(found.template, {}) == text


@settings(max_examples=100)
@given(st.text("a'\"`$(){}#<\\ \n", max_size=40))
def test_a_script_without_references_stays_as_it_is(text: str) -> None:
    script = escape(text)
    assert fill(read_template(script, shell=True).template, {}) == text


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20))
def test_no_value_breaks_out_of_a_script(value: str) -> None:
    command = shell("printf %s ${params.x} # ${params.x}\n")
    done = subprocess.run(
        render(command, {Ref("params", "x"): value}), capture_output=True, check=True, timeout=60
    )
    assert done.stdout.decode() == value
