"""What an attempt is given: names, paths, variables, inputs, secrets; and what is left of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mltui import spec
from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Exit, Stopped
from mltui.errors import StartFailed
from mltui.pipeline.model import InputValue, Instance, StageRow, State
from mltui.runs import attempts
from mltui.runs.outputs import failure_of
from mltui.runs.project import Project
from mltui.runs.secretfiles import read_secrets, write_secrets
from mltui.runs.store import Store
from mltui.spec.model import FailureClass, Spec

TEXT = """\
mltui: 1
name: digits
code: []
params: {c: 0.5, top-k: [1, 2], none: null, word: "a b"}
secrets: {KEY: {env: THE_KEY}, FILE: {file: key.txt}, CLUSTER: {secret: a/b}}
stages:
  get:
    phase: data
    outputs: {raw: data/raw.tar.gz, dir: parts/, plain: plain}
    run: "true"
  list: {phase: data, outputs: {items: items.json}, run: "true"}
  fit:
    phase: training
    for_each: {i: list.items}
    inputs: {raw: get.raw}
    outputs: {model: m.bin}
    run: "echo ${i}"
  say:
    phase: training
    for_each: {i: fit}
    inputs: {model: fit.model}
    outputs: {said: said.txt}
    run: "echo ${i}"
  join:
    phase: inference
    inputs: {models: fit.model, dir: get.dir, plain: get.plain, file: ./data/x.csv, raw: get.raw}
    params: [c, top-k, none, word, round]
    secrets: [KEY, FILE]
    outputs: {all: out/all.txt}
    run: "use ${inputs.raw} ${inputs.models} ${params.word} > ${outputs.all} 2> ${metrics}"
"""
JOIN = Instance("join")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "mltui.yaml").write_text(TEXT)
    return Project(tmp_path)


@pytest.fixture
def digits(project: Project) -> Spec:
    return project.read_spec()


def test_inputs_keep_the_suffix_of_what_made_them(digits: Spec) -> None:
    found = attempts.input_paths(digits, digits.stages["join"], Path("/w"))
    assert found == {
        "models": "/w/inputs/models",
        "dir": "/w/inputs/dir",
        "plain": "/w/inputs/plain",
        "file": "/w/inputs/file.csv",
        "raw": "/w/inputs/raw.tar.gz",
    }
    assert attempts.input_suffix(digits, digits.stages["say"], "model") == ".bin"


def test_what_the_engine_is_told(project: Project, digits: Spec) -> None:
    place = attempts.place_of(project, 3, JOIN, 2)
    attempt = attempts.make_attempt(
        project,
        digits,
        3,
        JOIN,
        2,
        place=place,
        engine=ProcessEngine(),
        params={"c": 0.5, "top-k": [1, 2], "none": None, "word": "a b"},
        built=None,
        environment=None,
    )
    work = project.folder / "work/3/join.2"
    assert attempt.folder == project.folder / "runs/3/join.2"
    assert attempt.work == work
    assert attempt.name.startswith("digits-") and attempt.name.endswith("-3-join.2")
    script = attempt.argv[-1]
    assert attempt.argv[:3] == ("sh", "-eu", "-c")
    assert f"use {work}/inputs/raw.tar.gz {work}/inputs/models 'a b'" in script
    env = attempt.env
    assert env["MLTUI_INPUT_RAW"] == f"{work}/inputs/raw.tar.gz"
    assert env["MLTUI_OUTPUT_ALL"] == f"{work}/out/all.txt"
    assert env["MLTUI_METRICS"] == str(attempt.folder / "metrics")
    assert (env["MLTUI_ATTEMPT"], env["MLTUI_ROUND"]) == ("2", "1")
    assert env["MLTUI_PARAM_C"] == "0.5"
    assert env["MLTUI_PARAM_TOP_K"] == "[1,2]"
    assert env["MLTUI_PARAM_NONE"] == ""
    assert env["MLTUI_PARAM_WORD"] == "a b"
    assert env["MLTUI_SECRET_KEY"] == str(project.folder / "secrets/3-join.2/KEY")


def test_the_working_folder_is_filled(project: Project, digits: Spec) -> None:
    store = Store(project.folder)
    stage = digits.stages["join"]
    place = attempts.place_of(project, 1, JOIN, 1)
    attempts.make_folders(place)
    (place.work / "left").write_text("of a start that never happened")
    attempts.make_folders(place)
    file, raw = store.put_text("1,2\n"), store.put_text("raw")
    store.put_members([])
    empty = store.put_members([])
    values = {
        "models": InputValue(items={"a": raw, "b": file}),
        "dir": InputValue(artifact=empty),
        "plain": InputValue(artifact=raw),
        "file": InputValue(path="./data/x.csv"),
        "raw": InputValue(artifact=raw),
    }
    attempts.put_inputs(store, digits, stage, values, {"file": file.digest}, place.work)
    attempts.make_output_parents(place, stage)
    inputs = place.work / "inputs"
    assert sorted(path.name for path in place.work.iterdir()) == ["inputs", "out"]
    assert (inputs / "file.csv").read_text() == "1,2\n"
    assert (inputs / "models/a").read_text() == "raw"
    assert json.loads((inputs / "models/index.json").read_text()) == {"a": "a", "b": "b"}
    assert list((inputs / "dir").iterdir()) == []
    for path in (inputs / "raw.tar.gz", inputs / "models/a"):
        assert path.stat().st_nlink == 1, "an input is never a hard link"
        assert path.stat().st_ino != store.path(raw.digest).stat().st_ino


def test_trees_that_resist_are_removed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").touch()
    (tree / "link").symlink_to(tmp_path)
    (tree / "a" / "b").chmod(0o000)
    (tree / "a").chmod(0o500)
    attempts.remove_tree(tree)
    assert not tree.exists() and tmp_path.exists()
    attempts.remove_tree(tree)
    outside = tmp_path / "outside"
    outside.mkdir()
    tree.symlink_to(outside)
    attempts.remove_tree(tree)
    assert outside.exists() and not tree.is_symlink()


def test_what_a_dead_runner_left_is_swept(project: Project) -> None:
    def row(stage: str, state: State) -> StageRow:
        return StageRow(1, stage, None, (), 1, state, "data")

    for name in ("done.1", "failed.1", "failed.0", "busy.1"):
        (project.work_folder(1) / name).mkdir(parents=True)
    for name in ("1-done.1", "1-busy.1", "2-other.1"):
        (project.folder / "secrets" / name).mkdir(parents=True)
    busy = row("busy", State.RUNNING)
    rows = [row("done", State.SUCCEEDED), row("failed", State.FAILED), busy]
    attempts.sweep(project, 1, rows, [busy])
    assert {p.name for p in project.work_folder(1).iterdir()} == {"failed.1", "busy.1"}
    assert {p.name for p in (project.folder / "secrets").iterdir()} == {"1-busy.1", "2-other.1"}
    attempts.sweep_secrets(project, [1])
    assert {p.name for p in (project.folder / "secrets").iterdir()} == {"1-busy.1"}


def test_secrets_are_files_of_their_owner_only(project: Project, digits: Spec) -> None:
    (project.root / "key.txt").write_bytes(b"\xffhush")
    values = read_secrets(digits, ["KEY", "FILE"], project.root, {"THE_KEY": "hush"})
    assert values == {"KEY": b"hush", "FILE": b"\xffhush"}
    folder = project.root / "secrets" / "1-a.1"
    files = write_secrets(values, folder)
    assert files["KEY"].read_bytes() == b"hush"
    assert stat.S_IMODE(files["KEY"].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert write_secrets({}, project.root / "none") == {}
    assert not (project.root / "none").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("KEY", "secret KEY: the variable THE_KEY is not set"),
        ("FILE", "secret FILE: key.txt: no such file"),
        ("CLUSTER", "secret CLUSTER is a Secret of a cluster"),
    ],
)
def test_secrets_that_are_missing(project: Project, digits: Spec, name: str, sentence: str) -> None:
    with pytest.raises(StartFailed, match=sentence):
        read_secrets(digits, [name], project.root, {})


@pytest.mark.parametrize(
    ("exit_", "ending", "kind", "sentence"),
    [
        (Exit(Stopped.EXITED, 0), None, None, ""),
        (Exit(Stopped.EXITED, 3), None, FailureClass.PROGRAM, "exit code 3"),
        (Exit(Stopped.SIGNALLED, 139), None, FailureClass.PROGRAM, "ended by SIGSEGV"),
        (Exit(Stopped.OUT_OF_MEMORY, 137), None, FailureClass.MEMORY, "more memory"),
        (Exit(Stopped.LOST, message="gone"), None, FailureClass.INFRASTRUCTURE, "gone"),
        (Exit(Stopped.EXITED, 0), FailureClass.TIMEOUT, FailureClass.TIMEOUT, "its timeout of 90s"),
        (Exit(Stopped.SIGNALLED, 143), FailureClass.CANCELLED, FailureClass.CANCELLED, "cancelled"),
    ],
)
def test_the_class_of_an_end(
    exit_: Exit, ending: FailureClass | None, kind: FailureClass | None, sentence: str
) -> None:
    text = 'mltui: 1\nname: x\nstages: {a: {phase: data, timeout: 90s, run: "true"}}\n'
    stage = spec.load(text, "mltui.yaml").stages["a"]
    failure = failure_of(stage, exit_, ending)
    if kind is None:
        assert failure is None
    else:
        assert failure is not None
        assert failure.kind is kind
        assert sentence.replace("90s", "1m30s") in failure.message
