"""`mltui diff` on real runs: what differs is said, what is the same is left out."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
mltui: 1
name: pair
code: [tool.sh]
params: {c: 1}
stages:
  train:
    phase: training
    params: [c]
    outputs: {model: model.txt}
    run: |
      sh tool.sh ${params.c} > ${outputs.model}
      echo '{"accuracy": 0.'${params.c}', "seconds": 2}' > ${metrics}
    gate: {require: accuracy > 0.05}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pair")
    (root / "mltui.yaml").write_text(SPEC)
    (root / "tool.sh").write_text("echo model $1\n")
    mltui(root, "run", "--set", "c=7")
    (root / "tool.sh").write_text("echo a model with $1\necho and more\n")
    mltui(root, "run", "--set", "c=8")
    return root


def mltui(root: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mltui", *arguments],
        cwd=root,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_differs_is_said(project: Path) -> None:
    said = mltui(project, "diff", "1", "2")
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert lines["c"].split() == ["c", "7", "8"]
    assert lines["train.accuracy"].split() == ["train.accuracy", "0.7", "0.8", "best"]
    assert "tool.sh +2 −1" in said
    assert "train.seconds" not in said
    assert "train.seconds" in mltui(project, "diff", "1", "2", "--all")


def test_every_form_says_the_same(project: Path) -> None:
    found = json.loads(mltui(project, "diff", "1", "2", "-o", "json"))
    accuracy = next(row for row in found["rows"] if row["name"] == "train.accuracy")
    assert accuracy["values"] == [0.7, 0.8]
    assert accuracy["best"] == 2
    rows = list(csv.DictReader(io.StringIO(mltui(project, "diff", "1", "2", "-o", "csv"))))
    assert {"section": "metrics", "name": "train.accuracy", "run 1": "0.7", "run 2": "0.8"} in [
        {name: row[name] for name in ("section", "name", "run 1", "run 2")} for row in rows
    ]
    markdown = mltui(project, "diff", "1", "2", "--only", "metrics", "-o", "md")
    assert "| metrics: train.accuracy | 0.7 | 0.8 best |" in markdown


def test_wrong_words(project: Path) -> None:
    assert "there is no run 9" in mltui(project, "diff", "1", "9", code=2)
    assert "from two to" in mltui(project, "diff", "1", code=2)
    assert "there is run, params" in mltui(project, "diff", "1", "2", "--only", "x", code=2)
    assert "are the same" in mltui(project, "diff", "2", "2")


def test_a_table_of_runs_with_what_is_asked_for(project: Path) -> None:
    mltui(project, "note", "1", "the first | one", "--tag", "baseline")
    assert "[baseline]" in mltui(project, "note", "1")
    rows = json.loads(mltui(project, "table", "--show", "accuracy,c", "--sort", "c", "-o", "json"))
    assert [(row["run"], row["values"]) for row in rows] == [
        (1, {"train.accuracy": 0.7, "c": 7}),
        (2, {"train.accuracy": 0.8, "c": 8}),
    ]
    assert [row["run"] for row in json.loads(
        mltui(project, "table", "--sort", "accuracy", "--desc", "-o", "json")
    )] == [2, 1]  # fmt: skip
    only = mltui(project, "table", "--tag", "baseline", "-o", "md")
    assert "the first \\| one" in only
    assert "\n| 2 |" not in only
    said = mltui(project, "table")
    assert "train.accuracy" in said
    assert "baseline" in said
    assert "run,state,started_at" in mltui(project, "table", "-o", "csv")
    mltui(project, "note", "1", "", "--untag", "baseline")
    assert "nothing was said" in mltui(project, "note", "1")
    assert "did you mean `train.accuracy`" in mltui(
        project, "table", "--show", "train.acuracy", code=2
    )
    assert "letters, digits" in mltui(project, "note", "1", "--tag", "a b", code=2)
