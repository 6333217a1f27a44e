"""On a real terminal: colour, the live line, Ctrl-C once and twice, questions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, MakeProject, OpenPty

SLOW = """\
mltui: 1
name: slow
code: []
stages:
  slow:
    phase: data
    cache: false
    run: echo begun; until [ -e FLAG ]; do sleep 0.1; done
"""


def waiting(flag: Path) -> str:
    """A project whose stage goes on once there is this file."""
    return SLOW.replace("FLAG", str(flag))


def test_colour_only_where_it_is_wanted(seeded: Path, on_terminal: OpenPty) -> None:
    for env, has_colour in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        terminal = on_terminal("ls", "stages", cwd=seeded, **env)
        assert terminal.end() == 0
        assert ("\x1b[31m" in terminal.out) == has_colour
        assert "failed" in terminal.out


def test_a_table_fits_the_terminal(seeded: Path, on_terminal: OpenPty) -> None:
    terminal = on_terminal("ls", "stages", "--run", "1", cwd=seeded, NO_COLOR="1", COLUMNS="60")
    assert terminal.end() == 0
    lines = terminal.out.replace("\r", "").splitlines()
    assert max(map(len, lines)) == 60
    assert lines[-1].endswith("…")


def test_the_live_line(
    cli: Cli, make_project: MakeProject, on_terminal: OpenPty, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    root = make_project(waiting(flag))
    assert cli("run").code == 0
    flag.unlink()
    terminal = on_terminal("run", cwd=root, NO_COLOR="1")
    terminal.read_until("0 of 1 done")
    flag.touch()
    assert terminal.end() == 0
    assert re.search(r"\r● slow \d:\d\d  ·  0 of 1 done", terminal.out)
    assert "\x1b" not in terminal.out
    shown = terminal.out.split("\r\n")
    assert any(re.search(r"\r? +\d:\d\d  ✓ slow +succeeded", line) for line in shown)
    assert "run 2  ✓ succeeded" in terminal.out


def test_long_lines_break_between_words(make_project: MakeProject, on_terminal: OpenPty) -> None:
    metrics = ", ".join(f'"measured_number_{n}": {n}.25' for n in range(5))
    root = make_project(
        "mltui: 1\nname: long\ncode: []\nstages:\n  long:\n    phase: data\n    run: |\n"
        f"      echo '{{{metrics}}}' > ${{metrics}}\n"
    )
    terminal = on_terminal("run", cwd=root, NO_COLOR="1", COLUMNS="60")
    assert terminal.end() == 0
    told = terminal.out.partition("✓ long")[2].partition("\r\n\r\n")[0].split("\r\n")
    assert len(told) > 1 and all(len(line) <= 60 for line in told)
    assert all(re.match(r" {10}\S", line) for line in told[1:])


def test_ctrl_c_leaves_the_run_alone(
    cli: Cli, make_project: MakeProject, on_terminal: OpenPty, tmp_path: Path
) -> None:
    root = make_project(waiting(tmp_path / "flag"))
    terminal = on_terminal("run", cwd=root)
    terminal.read_until("● slow")
    terminal.type("\x03")
    terminal.read_until("`mltui attach 1` follows it again")
    assert terminal.end() == 130
    (tmp_path / "flag").touch()
    result = cli("attach")
    assert result.code == 0
    assert "✓ slow" in result.out


def test_a_second_ctrl_c_cancels(
    cli: Cli, make_project: MakeProject, on_terminal: OpenPty, tmp_path: Path
) -> None:
    root = make_project(waiting(tmp_path / "flag"))
    terminal = on_terminal("run", cwd=root, GRACE_S="60")
    terminal.read_until("● slow")
    terminal.type("\x03")
    terminal.read_until("Ctrl-C again")
    terminal.type("\x03")
    terminal.read_until("run 1 is being cancelled")
    assert terminal.end() == 130
    assert cli("attach", "1").code == 1
    assert json.loads(cli("ls", "runs", "-o", "json").out)[0]["state"] == "cancelled"


@pytest.mark.parametrize(("answer", "left"), [("\n", 2), ("y\n", 1)])
def test_gc_asks(cli: Cli, seeded: Path, on_terminal: OpenPty, answer: str, left: int) -> None:
    terminal = on_terminal("gc", "--keep", "1", cwd=seeded)
    terminal.read_until("[y/N] ")
    terminal.type(answer)
    assert terminal.end() == 0
    assert len(json.loads(cli("ls", "runs", "-o", "json").out)) == left


def test_logs_keep_their_colours(cli: Cli, make_project: MakeProject, on_terminal: OpenPty) -> None:
    root = make_project(
        "mltui: 1\nname: red\ncode: []\nstages:\n  red:\n    phase: data\n"
        "    run: printf '\\033[31mred\\033]0;forged\\007\\033[2J\\n'\n"
    )
    assert cli("run").code == 0
    terminal = on_terminal("logs", "red", cwd=root)
    assert terminal.end() == 0
    assert terminal.out.endswith("\x1b[31mred\x1b[0m\r\n")
    assert "run 1 · red.1" in terminal.out
    plain = on_terminal("logs", "red", cwd=root, NO_COLOR="1")
    assert plain.end() == 0
    assert "\x1b" not in plain.out


def test_without_a_command_the_workbench_opens(seeded: Path, on_terminal: OpenPty) -> None:
    terminal = on_terminal(cwd=seeded)
    terminal.read_until("acquire")
    terminal.type("q")
    assert terminal.end() == 0
    assert terminal.out.startswith("\x1b[?1049h")
