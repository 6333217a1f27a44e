"""`mltui ls`: tables to the letter, JSON field by field."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.cli.main import main
from mltui.runs.journal import FOLDER

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

STAGES_1 = """\
run 1  ✓ succeeded  40s  target local
PHASE     STAGE    STATE        TIME  GATE              DETAIL
data      acquire  ✓ succeeded  1.5s
training  train~1  ✓ succeeded  1.5s  not-passed        accuracy 0.843, rows 1,797
          train~2  ✓ succeeded  1.5s  passed, accepted  accuracy 0.985, rows 1,797
"""
STAGES_2 = """\
run 2  ✗ failed  2.0s  target local
PHASE     STAGE    STATE      TRY  TIME  DETAIL
data      acquire  ✗ failed     3  1.5s  program: ValueError: wrong shape
training  train    – skipped             acquire failed
"""
FIELDS = [
    "run",
    "stage",
    "item",
    "round",
    "round_path",
    "attempt",
    "state",
    "failure",
    "phase",
    "engine",
    "target",
    "started_at",
    "ended_at",
    "duration",
    "cached",
    "accepted",
    "gate",
    "object",
    "image",
    "metrics",
    "reason",
]
RUN_FIELDS = ["run", "state", "target", "started_at", "ended_at", "params", "metrics", "trigger"]


def test_stages_of_the_newest_run(cli: Cli, seeded: Path) -> None:
    result = cli("ls", "stages")
    assert (result.code, result.out, result.err) == (0, STAGES_2, "")


def test_stages_of_an_older_run_from_a_subfolder(cli: Cli, seeded: Path) -> None:
    (seeded / "a" / "b").mkdir(parents=True)
    result = cli("-C", "a/b", "ls", "stages", "--run", "1")
    assert (result.code, result.out) == (0, STAGES_1)
    assert Path.cwd() == seeded


def test_stages_as_json(cli: Cli, seeded: Path) -> None:
    found = json.loads(cli("ls", "stages", "--run", "1", "-o", "json").out)
    assert [list(row) for row in found] == [FIELDS] * 3
    assert found[2] == {
        "run": 1,
        "stage": "train",
        "item": None,
        "round": 2,
        "round_path": [2],
        "attempt": 1,
        "state": "succeeded",
        "failure": None,
        "phase": "training",
        "engine": "process",
        "target": "local",
        "started_at": "2026-09-21T14:13:40.250Z",
        "ended_at": "2026-09-21T14:13:41.750Z",
        "duration": 1.5,
        "cached": False,
        "accepted": True,
        "gate": "passed",
        "object": "4711",
        "image": None,
        "metrics": {"accuracy": 0.985, "rows": 1797.0},
        "reason": "",
    }


def test_runs(cli: Cli, seeded: Path) -> None:
    lines = cli("ls", "runs").out.splitlines()
    assert lines[0].split() == ["RUN", "STATE", "TARGET", "STARTED", "TIME", "WHY", "DETAIL"]
    assert lines[1].startswith("  2  ✗ failed     local   ")
    assert lines[1].endswith("  2.0s  monitor drift")
    assert lines[2].startswith("  1  ✓ succeeded  local   ")
    assert lines[2].endswith("   40s  person         train.accuracy 0.985")


def test_runs_as_json(cli: Cli, seeded: Path) -> None:
    found = json.loads(cli("ls", "runs", "-o", "json").out)
    assert [list(run) for run in found] == [RUN_FIELDS] * 2
    assert found[1] == {
        "run": 1,
        "state": "succeeded",
        "target": "local",
        "started_at": "2026-09-21T14:13:20.250Z",
        "ended_at": "2026-09-21T14:14:00.250Z",
        "params": {"target": 0.98},
        "metrics": {"train.accuracy": 0.985},
        "trigger": "person",
    }


def test_limit(cli: Cli, seeded: Path) -> None:
    result = cli("ls", "runs", "--limit", "1")
    assert len(result.out.splitlines()) == 2
    assert result.err == "1 older: `mltui ls runs --limit 0`\n"


def test_a_queued_run_without_a_runner_says_so(cli: Cli, seeded: Path, queued: int) -> None:
    assert "○ pending" in cli("ls", "runs").out
    result = cli("ls", "stages")
    assert result.out.startswith(f"run {queued}  ○ pending  target local\n")
    assert "mltui resume" in result.err


def test_before_the_first_run(cli: Cli, seeded: Path) -> None:
    (seeded / FOLDER / "journal.db").unlink()
    result = cli("ls", "runs")
    assert (result.code, result.out) == (0, "")
    assert "mltui run" in result.err
    assert cli("ls", "runs", "-o", "json").out == "[]\n"
    assert [row["state"] for row in json.loads(cli("ls", "stages", "-o", "json").out)] == [
        "pending",
        "pending",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ls", "stages", "--run", "7"], 2, "there is no run 7: did you mean 2?"),
        (["ls", "stage"], 0, ""),
        (["ls"], 0, ""),
        (["get"], 2, "see `mltui get --help`"),
        (["ls", "pipelines"], 2, "there is `runs`, `stages`"),
        (["ls", "stags"], 2, "did you mean `stages`?"),
        (["ls", "runs", "--limt", "3"], 2, "did you mean `--limit`?"),
        (["list"], 2, "there is no command `list`: did you mean"),
        (["--wat"], 2, "unknown option `--wat`"),
        (["-C"], 2, "-C needs a folder"),
        (["-C", "nowhere", "ls", "runs"], 2, "-C nowhere: No such file or directory"),
        (["stages"], 2, "did you mean `mltui ls stages`?"),
    ],
)
def test_wrong_words(cli: Cli, seeded: Path, words: list[str], code: int, said: str) -> None:
    result = cli(*words)
    assert result.code == code
    assert said in result.err
    assert "Traceback" not in result.err


def test_in_a_folder_that_is_gone(cli: Cli, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        assert cli("--version").code == 0
        result = cli("ls", "runs")
        assert (result.code, "no longer exists" in result.err) == (2, True)
    finally:
        os.chdir(tmp_path)


def test_outside_a_project(cli: Cli, tmp_path: Path) -> None:
    result = cli("-C", str(tmp_path), "ls", "runs")
    assert result.code == 2
    assert "mltui init" in result.err


def test_a_damaged_journal(cli: Cli, seeded: Path) -> None:
    (seeded / FOLDER / "journal.db").write_bytes(b"no database" * 1000)
    result = cli("ls", "runs")
    assert result.code == 3
    assert "damaged" in result.err


def test_without_a_terminal_the_home_is_a_table(cli: Cli, seeded: Path) -> None:
    result = cli()
    assert (result.code, result.out) == (0, STAGES_2)
    assert "no terminal" in result.err


def test_help_names_every_command(cli: Cli) -> None:
    from mltui.cli.main import COMMANDS

    said = cli("--help").out
    assert all(f"  {name} " in said for name in COMMANDS)
    assert cli("help").out == said


def test_ascii(cli: Cli, seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTUI_ASCII", "1")
    assert cli("ls", "stages", "--run", "1").out.isascii()
    assert cli("--help").out.isascii()


def test_an_unforeseen_fault_is_a_sentence(
    cli: Cli, seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mltui.cli import listing

    def broken(*_: object) -> None:
        raise RuntimeError("a cosmic ray")

    monkeypatch.setattr(listing.Listing, "runs", broken)
    result = cli("ls", "runs")
    assert result.code == 1
    assert "RuntimeError: a cosmic ray" in result.err
    assert "Traceback" not in result.err
    [kept] = (tmp_path / "state" / "mltui").iterdir()
    assert "a cosmic ray" in kept.read_text()
    assert str(kept) in result.err


def test_main_needs_no_working_folder(seeded: Path, tmp_path: Path) -> None:
    assert main(["-C", str(tmp_path), "--version"]) == 0
    assert Path.cwd() == seeded
