"""`mltui logs` and `get`: what stages printed and made, byte for byte or made safe."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.cli.colours import codes, painted
from mltui.logs.sanitize import Sgr

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, MakeProject

PROJECT = """\
mltui: 1
name: talking
code: []
params: {c: null}
stages:
  list:
    phase: data
    outputs: {items: items.json, folder: folder/}
    run: |
      echo '["a", "b"]' > ${outputs.items}
      mkdir ${outputs.folder}; echo x > ${outputs.folder}/x.txt
      printf 'one\\n\\033[31mtwo\\033[0m\\033]0;t\\007\\nthree'
  train:
    phase: training
    params: [c]
    outputs: {model: model.txt}
    run: echo "c is "${params.c}; echo ${params.c} > ${outputs.model}
  evaluate:
    phase: training
    inputs: {model: train.model}
    run: sed 's/.*/{"accuracy":&}/' ${inputs.model} > ${metrics}
    gate: {require: accuracy > 0.9, restart: train, try: [{c: 0.1}, {c: 0.95}, {c: 2}]}
  each:
    phase: inference
    for_each: {item: list.items}
    outputs: {out: out.txt}
    run: echo item ${item}; echo ${item} > ${outputs.out}
"""
RAW = b"one\n\x1b[31mtwo\x1b[0m\x1b]0;t\x07\nthree"


@pytest.fixture
def ran(cli: Cli, make_project: MakeProject) -> Path:
    root = make_project(
        PROJECT.replace("{item: list", "{which: list").replace("${item}", "${which}")
    )
    result = cli("run")
    assert result.code == 0, result.out
    return root


def test_logs(cli: Cli, ran: Path) -> None:
    assert cli("logs", "list").out == "one\ntwo\nthree\n"
    assert cli("logs", "list", "-o", "raw").out.encode() == RAW
    assert cli("logs", "list", "--tail", "1").out == "three\n"
    assert cli("logs", "list", "--tail", "1", "-o", "raw").out == "three"
    assert cli("logs", "list", "--tail", "0").out == ""
    assert cli("logs", "list", "--grep", "two|thr").out == "two\nthree\n"
    assert cli("logs", "list", "--grep", "T", "-n", "1").out == ""
    assert cli("logs", "list", "-f").out == "one\ntwo\nthree\n"

    found = json.loads(cli("logs", "list", "-o", "json").out)
    assert found[1] == {
        "run": 1,
        "stage": "list",
        "item": None,
        "round": 1,
        "round_path": [],
        "attempt": 1,
        "line": 2,
        "time": None,
        "level": None,
        "text": "two",
    }
    streamed = cli("logs", "list", "-f", "-o", "json").out.splitlines()
    assert [json.loads(line) for line in streamed] == found
    assert cli("logs", "list", "--grep", "nowhere", "-o", "json").out == "[]\n"

    assert cli("logs", "train").out == "c is 0.95\n"
    assert cli("logs", "train~1").out == "c is 0.1\n"
    assert cli("logs", "train~2.1").out == "c is 0.95\n"
    assert cli("logs", "each[b]").out == "item b\n"
    both = cli("logs", "each", "--grep", "item").out.splitlines()
    assert sorted(both) == ["each[a].1  item a", "each[b].1  item b"]

    for words, said in (
        (["trian"], "did you mean `train`?"),
        (["train~7"], "there is `train~1`, `train~2`"),
        (["train~2.4"], "has no attempt 4: there was one"),
        (["each[c]"], "there is `each`, `each[a]`, `each[b]`"),
        (["train", "--run", "3"], "there is no run 3: did you mean 1?"),
        (["train", "--grep", "("], "not a regular expression"),
        (["~3"], "names no stage"),
        (["list", "-t", "-o", "raw"], "the bytes as they are"),
        (["list", "-l", "app=web"], "one or the other"),
    ):
        wrong = cli("logs", *words)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err

    # A result that was taken from the cache has the log of the attempt that made it.
    assert cli("run").code == 0
    cached = cli("logs", "train")
    assert cached.out == "c is 0.95\n"
    assert "taken from run 1 train~2.1" in cached.err

    get(cli, ran)


def get(cli: Cli, ran: Path) -> None:
    """Outputs; in the same project, as a run costs a second."""
    assert cli("get", "train.model", "-o", "-").out == "0.95\n"
    assert cli("get", "train~1.model", "-o", "first.txt").code == 0
    assert (ran / "first.txt").read_text() == "0.1\n"
    assert cli("get", "train.model", "-o", "first.txt").code == 2
    assert cli("get", "train.model", "-o", "first.txt", "--force").code == 0
    assert (ran / "first.txt").read_text() == "0.95\n"
    (ran / "there").mkdir()
    assert cli("get", "train.model", "-o", "there").code == 0
    assert (ran / "there" / "train.model").read_text() == "0.95\n"
    assert cli("get", "list.folder", "-o", "new/folder").code == 0
    assert (ran / "new" / "folder" / "x.txt").read_text() == "x\n"
    assert cli("get", "each.out", "-o", "each", "--run", "1").code == 0
    assert (ran / "each" / "b").read_text() == "b\n"
    for words, said in (
        (["train.modle", "-o", "x"], "did you mean `model`?"),
        (["trian.model", "-o", "x"], "did you mean `train`?"),
        (["train", "-o", "x"], "write STAGE.OUTPUT"),
        (["list.folder", "-o", "-"], "is a folder"),
        (["train.model"], "required: -o"),
    ):
        wrong = cli("get", *words)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err


SEVERAL = """\
mltui: 1
name: several
code: []
stages:
  one:
    phase: data
    run: |
      echo '2026-11-25T14:00:01Z INFO one a'; echo '2026-11-25T14:00:03Z ERROR one b'
      echo '  at x'; echo '2026-11-25T14:00:06Z INFO one c'
  two:
    phase: data
    run: |
      echo '{"ts": "2026-11-25T14:00:02Z", "level": "warning", "loss": 0.5, "msg": "two a"}'
      echo '{"ts": "2026-11-25T14:00:05Z", "level": "info", "loss": 0.1, "msg": "two b"}'
"""


def test_several_logs_as_one(cli: Cli, make_project: MakeProject) -> None:
    make_project(SEVERAL)
    assert cli("run").code == 0
    for words in ((), ("one", "two"), ("-f",)):
        lines = cli("logs", *words).out.splitlines()
        assert [line.split()[0] for line in lines] == ["one.1", "two.1", "one.1", "one.1", "two.1",
                                                       "one.1"]  # fmt: skip
        assert lines[1].endswith('"msg": "two a"}')
    assert cli("logs", "--level", "error", "-o", "raw").out == (
        "2026-11-25T14:00:03Z ERROR one b\n  at x\n"
    )
    assert cli("logs", "--tail", "1").out.splitlines() == [
        'two.1  {"ts": "2026-11-25T14:00:05Z", "level": "info", "loss": 0.1, "msg": "two b"}',
        "one.1  2026-11-25T14:00:06Z INFO one c",
    ]
    assert cli("logs", "--exclude", "one", "--where", "loss>0.2", "-o", "raw").out.count("\n") == 1
    since = ("--since", "2026-11-25T14:00:03Z", "--until", "2026-11-25T14:00:05Z")
    found = json.loads(cli("logs", *since, "-o", "json").out)
    assert [(each["stage"], each["line"], each["level"]) for each in found] == [
        ("one", 2, "error"), ("one", 3, None), ("two", 2, "info")
    ]  # fmt: skip
    assert found[2]["fields"]["loss"] == "0.1"
    assert found[2]["time"] == "2026-11-25T14:00:05.000Z"
    assert cli("logs", "--grep", "nowhere", "-o", "json").out == "[]\n"
    for words, said in (
        (("--since", "soon"), "write 10m"),
        (("--level", "loud"), "there is no level 'loud'"),
        (("--where", "loss"), "write FIELD=VALUE"),
        (("--grep", "("), "is not a regular expression"),
        (("one", "container/x"), "can't be shown together"),
        (("build/nowhere",), "there is no build"),
        (("one", "--previous"), "--previous is of containers"),
    ):
        wrong = cli("logs", *words)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err


LONG = """\
mltui: 1
name: long
stages:
  long:
    phase: data
    run: |
      head -c 1048577 /dev/zero | tr '\\0' x; echo; echo after
      echo '{"due":"0001-01-01T00:00:00Z"}'
  short:
    phase: data
    run: echo short
"""


def test_a_line_as_long_as_what_is_read_at_once_is_given_among_others(
    cli: Cli, make_project: MakeProject
) -> None:
    make_project(LONG)
    assert cli("run").code == 0
    lines = cli("logs", "-o", "raw").out.splitlines()
    zero = '{"due":"0001-01-01T00:00:00Z"}'
    assert sorted(lines, key=len) == ["after", "short", zero, "x" * 1_048_577]
    assert "0001-01-01" in cli("logs", "long", "--tail", "1", "--fields", "all", "-t").out


def test_lines_are_shown_as_on_the_screen(cli: Cli, make_project: MakeProject) -> None:
    """Times, fields in columns, and what was searched for."""
    make_project(SEVERAL)
    assert cli("run").code == 0
    assert cli("logs", "one", "--times", "elapsed", "--grep", "one").out.splitlines() == [
        "   +0.000  INFO one a", "   +2.000  ERROR one b", "   +5.000  INFO one c",
    ]  # fmt: skip
    since = cli("logs", "one", "two", "--times", "since", "--level", "info").out.splitlines()
    assert [line.split()[1] for line in since[1:]] == ["+1.000", "+1.000", "at", "+2.000", "+1.000"]
    whole = cli("logs", "one", "-t", "--tail", "1").out
    at, _, text = whole.partition("  ")
    assert text == "2026-11-25T14:00:06Z INFO one c\n"
    assert datetime.fromisoformat(at) == datetime(2026, 11, 25, 14, 0, 6, tzinfo=UTC)
    assert cli("logs", "two", "--columns", "level,msg").out.splitlines() == [
        "warning  two a", "info     two b",
    ]  # fmt: skip
    assert (
        cli("logs", "two", "--fields", "json", "--times", "clock")
        .out.splitlines()[1]
        .endswith("INFO   two b  loss=0.1")
    )
    assert cli("logs", "two", "--fields", "all").out.splitlines()[1] == (
        "2026-11-25T14:00:05Z  INFO   two b  loss=0.1"
    )
    around = cli("logs", "--grep", "two b", "--around", "1", "-o", "raw").out
    assert around.splitlines()[0] == "  at x" and around.count("\n") == 3
    painted = cli("logs", "one", "--highlight", "b$", "--grep", "ne", "--color", "always").out
    assert painted.splitlines()[1].endswith("o\x1b[7mne\x1b[0m \x1b[7mb\x1b[0m")
    assert "\x1b" not in cli("logs", "one", "--highlight", "b$").out


def test_a_name_that_is_no_stage_where_there_is_no_project(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = cli("logs", "web-1", "-f")
    assert wrong.code == 2 and "`pod/web-1`, `container/web-1` or `web-1 -n NS`" in wrong.err
    assert "`-n NS`" in cli("logs").err


def test_following_a_stage_that_runs(cli: Cli, make_project: MakeProject) -> None:
    make_project(
        "mltui: 1\nname: slow\ncode: []\nstages:\n  slow:\n    phase: data\n"
        "    run: for i in 1 2 3; do echo line $i; sleep 0.2; done\n"
    )
    assert cli("run", "--detach").code == 0
    result = cli("logs", "slow", "--follow")
    assert (result.code, result.out) == (0, "line 1\nline 2\nline 3\n")
    assert cli("attach", "1").code == 0


def test_a_reader_that_goes_away(cli: Cli, make_project: MakeProject) -> None:
    root = make_project(
        "mltui: 1\nname: long\ncode: []\nstages:\n  long:\n    phase: data\n    run: seq 1 200000\n"
    )
    assert cli("run").code == 0
    for words in (["logs", "long"], ["logs", "long", "-o", "raw"], ["logs", "long", "-o", "json"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "mltui", *words],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"1" in process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        assert (process.wait(timeout=60), said) == (0, b"")


def test_colours() -> None:
    assert painted(b"a\x1b[1;31mb\x1b]0;x\x07c") == "a\x1b[1;31mbc\x1b[0m"
    assert codes(Sgr(fg=9, bg=200)) == "91;48;5;200"
    assert codes(Sgr(fg=(1, 2, 3), bg=0, underline=True)) == "4;38;2;1;2;3;40"
